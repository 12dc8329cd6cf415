"""The pipelines of a checkout -> verdicts: do they see the history, may they comment, and do they apply in turn?"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from baseten_jobs.distribution import NAME, OURS, PLACEHOLDER
from baseten_jobs.doctor.findings import Verdict, fail, ok, warn
from baseten_jobs.doctor.pipelines import Pin, Pipeline, PipelineJob
from baseten_jobs.doctor.readings import Readings
from baseten_jobs.phrases import count, one_line

_NOBODY = re.compile(rf"(?:{re.escape(PLACEHOLDER)}|__OWNER__)(?=/{NAME}\b)")
"""An owner who was to be replaced: ours, and that of releases before."""

_REF = re.compile(rf"(?<=/{NAME})(?:\.git)?@\S+$")


def check_pipeline(readings: Readings) -> Iterator[Verdict]:
    if not readings.pipelines:
        yield warn("no pipeline of this checkout runs baseten-jobs", "baseten-jobs init --ci github")
    for each in readings.pipelines:
        if each.unread:
            yield fail(f"{each.path} can't be read: {each.unread}", f"mend {shlex.quote(each.path)}")
        elif not each.jobs:
            yield warn(f"{each.path} names baseten-jobs, and no job of it was found that runs it")
        elif nobody := _NOBODY.search(each.text):
            owner = "OWNER" if OURS.owner == PLACEHOLDER else OURS.owner
            mend = f"sed -i.bak 's/{nobody[0]}/{owner}/' {shlex.quote(each.path)}"
            yield fail(f"{each.path} still says {nobody[0]} in the place of who has the repository {NAME}", mend)
        else:
            yield ok(f"{each.path}, {count(len(each.jobs), 'job')}")


def check_permissions(readings: Readings) -> Iterator[Verdict]:
    for each in _of(readings, "github"):
        if "pull_request_target" in each.events:
            yield fail(
                f"{each.path}: pull_request_target gives a stranger's pull request the secrets", "on: pull_request"
            )
        for job in each.jobs:
            yield from _of_token(each, job)


def _of_token(pipeline: Pipeline, job: PipelineJob) -> Iterator[Verdict]:
    where, allowed = _where(pipeline, job), job.permissions
    comments = job.plans and not job.applies
    mend = f"permissions: {'{contents: read, pull-requests: write}' if comments else '{contents: read}'}"
    if allowed is None:
        yield warn(f"{where} does not say what its token may, so it may what the repository's default says", mend)
    elif isinstance(allowed, str):
        if allowed != "read-all":
            yield warn(f"{where}: its token may {one_line(allowed)}", mend)
    elif allowed.get("contents") not in ("read", "write"):
        yield fail(f"{where}: its token can't read the checkout", mend)
    elif comments and allowed.get("pull-requests") != "write":
        yield warn(f"{where}: its token can't write the plan as a comment", mend)


def check_depth(readings: Readings) -> Iterator[Verdict]:
    for each in readings.pipelines:
        for job in each.jobs:
            where = _where(each, job)
            if each.host == "gitlab" and job.depth != "0":
                told = "says no GIT_DEPTH, and GitLab clones 20 commits" if job.depth is None else _clones(job.depth)
                yield fail(f"{where} {told}", 'variables: {GIT_DEPTH: "0"}')
            elif each.host == "github" and not job.checks_out:
                yield fail(f"{where} has no step actions/checkout", "uses: actions/checkout, with: {fetch-depth: 0}")
            elif each.host == "github" and job.depth != "0":
                told = "says no fetch-depth, and clones one commit" if job.depth is None else _clones(job.depth)
                yield fail(f"{where} {told}", "with: {fetch-depth: 0}")


def _clones(depth: str) -> str:
    return f"clones {one_line(depth)} {'commit' if depth == '1' else 'commits'}"


def check_concurrency(readings: Readings) -> Iterator[Verdict]:
    for each in readings.pipelines:
        for job in each.jobs:
            if job.applies:
                yield from _of_apply(each, job)


def _of_apply(pipeline: Pipeline, job: PipelineJob) -> Iterator[Verdict]:
    where, group = _where(pipeline, job), "baseten-jobs-production"
    if pipeline.host == "gitlab":
        mend = f"resource_group: {group}"
    else:
        mend = f"concurrency: {{group: {group}, cancel-in-progress: false, queue: max}}"
    if not job.group:
        yield warn(f"{where}: two of it may apply at once", mend)
    elif job.cancels:
        yield fail(f"{where}: a newer run cancels an apply that is under way", mend)
    elif not job.queues:
        yield warn(f"{where}: a third merge cancels the apply that waits", mend)
    if not job.tips:
        yield warn(f"{where}: a run of an old commit submits what is no longer wanted", "apply --if-tip BRANCH")


def check_version(readings: Readings) -> Iterator[Verdict]:
    own = readings.tool.version
    for each in readings.pipelines:
        pins = dict.fromkeys(pin for job in each.jobs for pin in job.pins)
        for pin in pins:
            told = f"{each.path} installs {one_line(pin.words)}"
            if pin.by_name and not OURS.on_index:
                yield fail(f"{told} from the package index, where the name is anybody's to take", OURS.install())
            elif not pin.version and not pin.commit:
                yield warn(f"{told}, whatever version that is on the day", _pinned(each, pin, own))
            elif pin.version and pin.version != own:
                older = _number(pin.version) < _number(own)
                yield warn(f"{told}, and here is {own}", _pinned(each, pin, own) if older else _upgrade(pin.version))
        if each.jobs and not pins:
            yield warn(f"{each.path} does not say which version it runs", OURS.install())


def _upgrade(version: str) -> str:
    return replace(OURS, version=version).install()


def _pinned(pipeline: Pipeline, pin: Pin, version: str) -> str:
    """The command that writes this version in the place of what a pipeline says, whose words may be a stranger's."""
    if "--hash=" in pin.words:
        return f"take `install` out of {shlex.quote(pipeline.path)}: the action installs its own version"
    if pin.by_name:
        wanted, line = f"{pin.words.partition('==')[0].strip()}=={version}", "/install/"
    else:
        wanted = f"{_REF.sub('', pin.words)}@v{version}"
        line = "/install/" if "git+" in pin.words else "/uses:/"
    change = f"{line}s#{_plain(pin.words)}([^=@A-Za-z0-9_.-]|$)#{_plain(wanted)}\\1#"
    return f"sed -E -i.bak {shlex.quote(change)} {shlex.quote(pipeline.path)}"


def _plain(text: str) -> str:
    """Text that means itself on both sides of a substitution of sed's, with `#` around it."""
    return "".join(f"\\{c}" if c in r".[]*^$+?(){}|\#&" else c for c in one_line(text, 300))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def _of(readings: Readings, host: str) -> Iterator[Pipeline]:
    return (each for each in readings.pipelines if each.host == host)


def _where(pipeline: Pipeline, job: PipelineJob) -> str:
    return f"{pipeline.path}: the job '{one_line(job.name)}'"
