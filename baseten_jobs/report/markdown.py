"""A plan, what became of it, or what is wrong, as a comment or a step's summary: Markdown that GitHub accepts."""

from collections.abc import Iterator, Sequence

from baseten_jobs.applying.outcome import Applied, Outcome
from baseten_jobs.git.log import Revision
from baseten_jobs.job.cost import usd_of
from baseten_jobs.job.names import without_letters
from baseten_jobs.manifest.diagnostics import Diagnostic, Severity
from baseten_jobs.manifest.document import Document
from baseten_jobs.phrases import Page, count, one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.plan import Action, Orphan, Plan, Verb
from baseten_jobs.provider.dashboard import page_of
from baseten_jobs.report import file_list, limits, markdown_actions, problems, projects, stages, text
from baseten_jobs.report.brief_changes import brief_change
from baseten_jobs.report.grouping import Group, grouped
from baseten_jobs.report.headline import headline, left_running, refused, short_price, size_of_run
from baseten_jobs.report.markdown_change import change_told
from baseten_jobs.report.markdown_escape import code, in_comment, linked, prose
from baseten_jobs.report.markdown_sections import lines_of, missing, rows_of
from baseten_jobs.report.new_job import written
from baseten_jobs.report.shared_changes import SharedChange, SharedChanges
from baseten_jobs.report.size_limit import Section, enough, fitted
from baseten_jobs.report.style import PLAIN, Look

LIMIT = 60_000
"""Bytes; GitHub refuses a comment of more than 65,536 characters."""

NAMES = 10
"""Names that a line lists at most, of the jobs that it is about."""

_BLOCK = 4_000
"""Bytes that a block of details may have in any case; fewer blocks may have more each."""

_CHANGING = {Verb.SUBMIT: "start", Verb.UPDATE: "update", Verb.STOP: "stop"}


def plan(made: Plan, look: Look = PLAIN) -> Page:
    """The whole plan in at most LIMIT bytes: details are the first to be left out, then rows of the table."""
    told_of = [action for action in made.actions if action.verb in _CHANGING]
    shared = SharedChanges(made.actions)
    edits = tuple(_shared(each, look) for each in shared)
    table = markdown_actions.rows(made, look, shared)
    warnings = tuple(_warnings(made))
    sections = [
        Section("\n".join([_marker(look.target), f"### {prose(headline(made), 1000)}"])),
        *lines_of("", tuple(f"- **{prose(refused(each))}**" for each in made.refusals), "line", rank=1, share=0.2),
        *lines_of("", tuple(_errors(made)), "line", rank=1, share=0.3),
        *lines_of("", edits, "change", rank=2, share=0.2),
        *rows_of(markdown_actions.HEAD, table, "action", rank=3, share=0.5 if told_of else 1.0),
        *_summed(made, len(warnings), detailed=any(_differs(action, shared) for action in told_of)),
        *_orphans(left_running(made), look),
        *_folded("warning", warnings, share=0.2),
        *_details(told_of, look, shared),
        *lines_of("**Notes**\n", tuple(f"- {prose(note)}" for note in _notes(made)), "note", rank=2, share=0.1),
    ]
    return fitted(sections, LIMIT)


def applied(result: Applied, look: Look = PLAIN) -> Page:
    """What became of each action; without those that had nothing to do."""
    outcomes = [look.said(outcome) for outcome in result.outcomes if text.worth_a_line(outcome)]
    head = ("outcome", "job", "project", "id", "")
    notes = (*filter(None, (result.unauthorised,)), *result.notes)
    sections = [
        Section(f"### {text.applied_summary(result)}"),
        *([Section("**interrupted**: what was not started is skipped")] if result.interrupted else []),
        *lines_of("", tuple(f"- **{prose(note)}**" for note in notes), "note", rank=1, share=0.2),
        *rows_of(head, tuple(_outcome(o) for o in outcomes), "outcome", rank=2),
    ]
    return fitted(sections, LIMIT)


def diagnostics(found: Sequence[Diagnostic], documents: Sequence[Document] = (), look: Look = PLAIN) -> Page:
    """All diagnostics as a table, errors first, and how many there are."""
    ordered = sorted(found, key=lambda d: d.severity is not Severity.ERROR)
    rows = ((d.severity.value, code(str(d.position)), prose(problems.message(d), 600), d.rule) for d in ordered)
    counted = [Section(problems.summary(found, documents))] if documents else []
    return fitted([*rows_of(("level", "where", "what", "rule"), rows, "problem", rank=0), *counted], LIMIT)


def no_plan(reason: str, found: Sequence[Diagnostic] = (), look: Look = PLAIN) -> Page:
    """Why there is no plan, in the place of an older one."""
    sections = [Section(f"{_marker(look.target)}\n### No plan"), Section(prose(reason, 1000))]
    return fitted([*sections, *([Section(diagnostics(found).rstrip("\n"))] if found else [])], LIMIT)


def skipped(reason: str, look: Look = PLAIN) -> Page:
    """Why nothing is planned or applied here, and why that is right."""
    return fitted([Section(f"{_marker(look.target)}\n### Skipped"), Section(prose(reason, 1000))], LIMIT)


def _marker(target: str) -> str:
    """By this line the comment is found again; one of another target is another comment."""
    return f"<!-- baseten-jobs:plan{':' + in_comment(target) if target else ''} -->"


def _errors(made: Plan) -> Iterator[str]:
    """What forbids to apply; what is said of many jobs, once."""
    errors = ((each, each.error.removeprefix(f"{each.request.name}: ")) for each in made.actions if each.error)
    yield from (f"- **error:** {_subjects(group)}: {prose(group.text)}" for group in grouped(errors))


def _warnings(made: Plan) -> Iterator[str]:
    warnings = ((action, warning) for action in made.actions for warning in action.cautions)
    yield from (f"- {_subjects(group)}: {prose(group.text)}" for group in grouped(warnings))
    yield from (f"- {prose(sentence)}" for sentence in projects.contradictory(made))


def _folded(noun: str, lines: tuple[str, ...], share: float) -> Iterator[Section]:
    """Lines below a title that opens them."""
    if lines:
        yield Section(f"<details>\n<summary>{count(len(lines), noun)}</summary>")
        yield from lines_of("", lines, noun, rank=2, share=share)
        yield Section("</details>")


def _subjects(group: Group) -> str:
    """The name of the manifest, or how many there are and the names of the first ones."""
    names = [code(text.subject(action), 80) for action in group.actions]
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"{count(len(names), 'job')} ({', '.join(names[:NAMES])}{more})"


def _notes(made: Plan) -> Iterator[str]:
    yield from (*projects.created(made), *projects.capped(made), *made.notes)


def _summed(made: Plan, warnings: int, *, detailed: bool) -> Iterator[Section]:
    """What there is besides, in one line, and what comes later."""
    unchanged = sum(not action.cautions for action in made.of(Verb.KEEP))
    below = [count(warnings, "warning")] if warnings else []
    below += ["the whole diff of each job"] if detailed else []
    told = [f"{unchanged} unchanged"] if unchanged else []
    told += [f"{' and '.join(below)}, below"] if below else []
    if told:
        line = " · ".join(told)
        yield Section(line[0].upper() + line[1:])
    if limited := limits.in_all(made).removeprefix("; "):
        yield Section(prose(f"In all {limited}", 400))
    if made.later:
        when = stages.when_later(made.later)
        yield Section(prose(f"Then, {when}: {count(len(made.later), 'more job')}, {made.cost_later}.", 1000))


def _shared(shared: SharedChange, look: Look) -> str:
    """An edit of Defaults, once for all jobs that it reaches."""
    told = " · ".join(enough(map(brief_change, look.shown(shared.changes)), _BLOCK))
    return f"- {code(shared.source, 200)}, in {prose(shared.jobs, 400)}: {told}"


def _details(actions: Sequence[Action], look: Look, shared: SharedChanges) -> Iterator[Section]:
    if actions:
        where = "`baseten-jobs plan` shows them."
        left_out = (f"**1 more block of details is left out;** {where}", f"**{{}} more blocks are left out;** {where}")
        most = max(_BLOCK, LIMIT * 3 // 4 // len(actions))
        items = enough((_detail(action, look, most, shared) for action in actions), LIMIT)
        further = len(actions) - len(items)
        yield Section("", items, between="\n\n", left_out=left_out, further=further, rank=4)


def _detail(action: Action, look: Look, most: int, shared: SharedChanges) -> str:
    """A block that opens: what the plan knows of one action, in about `most` bytes."""
    number = f": {count(len(action.changes), 'change')}" if action.changes else ""
    outside = f", {prose(taken, 200)}" if (taken := text.from_outside(action)) else ""
    summary = f"{_CHANGING[action.verb]} {code(text.subject(action))}{number}{outside}"
    facts = [f"In {prose(' · '.join(text.facts(action)), 600)}"]
    if action.previous is not None:
        facts.append(f"Compared with {_revision(action.previous)}")
    return fitted(
        [
            Section(f"<details>\n<summary>{summary}</summary>"),
            *map(Section, facts),
            *_changes(_told(action, shared), look, most),
            *lines_of("", tuple(f"* {point}" for point in _points(action, look, shared)), "line", rank=0, share=0.4),
            Section("</details>"),
        ],
        most,
    ).rstrip("\n")


def _told(action: Action, shared: SharedChanges) -> Sequence[Change]:
    """The changes of an action alone; of a job that never ran, all that is written of it."""
    return written(action.request) if action.reason == "new" else shared.own(action)


def _differs(action: Action, shared: SharedChanges) -> bool:
    return action.verb is not Verb.STOP and bool(_told(action, shared))


def _changes(found: Sequence[Change], look: Look, most: int) -> Iterator[Section]:
    items = enough((f"- {change_told(change)}" for each in found for change in look.shown([each])), 2 * most)
    if items:
        further = len(found) - len(items)
        yield Section("", items, left_out=missing("change"), further=further, rank=1, share=0.8)


def _points(action: Action, look: Look, shared: SharedChanges) -> Iterator[str]:
    """What is known beside the changes."""
    if elsewhere := shared.told_elsewhere(action):
        yield prose(elsewhere.replace("below", "above"))
    if action.history:
        yield prose(action.history)
    yield from (f"set by `--set`: {code(f'{c.field} = {c.new}', 400)}" for c in look.overrides(action.request))
    if action.verb is Verb.SUBMIT:
        yield from (prose(line) for line in file_list.lines(action.request.content, look))
    yield from (f"**warning:** {prose(warning)}" for warning in action.cautions)
    yield from (prose(note) for note in (*map(str, action.beside), *action.notes))


def _revision(r: Revision) -> str:
    """The commit stands bare, so that the host makes a link of it."""
    commit, author, date = prose(r.commit[: text.COMMIT]), prose(r.author, 60), prose(r.date[:10])
    return f"commit {commit} by {author} on {date} ({code(r.path)})"


def _orphans(orphans: Sequence[Orphan], look: Look) -> Iterator[Section]:
    head = ("orphan", "project", "id", "GPUs", "cost", "its manifest was deleted in")
    rows = tuple(
        (
            code(without_letters(orphan.job.name) or ""),
            prose(orphan.project, 80),
            linked(one_line(orphan.job.id, 60), page_of(look.dashboard, orphan.job.project_id, orphan.job.id)),
            prose(size_of_run(orphan.job)),
            "" if (usd := usd_of(orphan.cost)) is None else short_price(usd),
            _revision(orphan.deleted) + (f"; not pruned: {prose(orphan.doubt)}" if orphan.doubt else ""),
        )
        for orphan in orphans
    )
    yield from rows_of(head, rows, "orphan", rank=2, share=0.2, title="**Orphans**; `apply --prune` stops them\n\n")


def _outcome(outcome: Outcome) -> Sequence[str]:
    return (
        outcome.fate.value,
        code(outcome.action.job_name),
        prose(str(outcome.action.request.project), 80),
        linked(outcome.job_id, outcome.url) if outcome.job_id else "",
        prose("; ".join(filter(None, (outcome.why, outcome.error, outcome.unclear, outcome.warning)))),
    )
