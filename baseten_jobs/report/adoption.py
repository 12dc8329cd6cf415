"""Written manifests -> text for a person: which they are, and what is left to do about them."""

import shlex

from baseten_jobs.importing.adoption import Adoption
from baseten_jobs.phrases import Page, count, one_line, page
from baseten_jobs.report.style import PLAIN, Look


def adoption(done: Adoption, look: Look = PLAIN) -> Page:
    """The manifests themselves, or a line for each file that was written and a last line with counts."""
    if not any(one.path for one in done.adopted):
        return Page("".join(one.text for one in done.adopted).rstrip("\n"))
    lines = [f"{one_line(one.path, 1024)}  from {one_line(one.source, 1024)}" for one in done.adopted]
    return page([*lines, "", *_adoption_summary(done)])


def adoption_notes(done: Adoption) -> list[str]:
    """What a person has to do about the manifests."""
    gaps = sum(one.gaps for one in done.adopted)
    notes = [f"{count(gaps, 'value')} still to be filled in: search for '!todo'."] if gaps else []
    if any(one.workspaces for one in done.adopted):
        notes.append("spec.workspace uploads a folder, as truss does: `baseten-jobs render -v` lists its files.")
    return notes


def _adoption_summary(done: Adoption) -> list[str]:
    counted = [f"{count(len(done.adopted), 'file')} written"]
    counted += [f"{done.failed} failed"] if done.failed else []
    counted += [f"{count(done.skipped, 'other Python file')} passed over"] if done.skipped else []
    following = [f"next: `baseten-jobs validate {shlex.quote(one_line(done.out, 1024))}`"] if done.out else []
    return [", ".join(counted) + ".", *adoption_notes(done), *following]
