"""`runs`: every run of a repository's manifests by its commit and cost, and what differs between two."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baseten_jobs.cli.run_record import NoSuchRun, Wanted, recorded
from baseten_jobs.emulator.settings import Durations
from baseten_jobs.git.repository import Repository as Checkout
from baseten_jobs.planning.history.run_commits import RunCommits
from baseten_jobs.planning.records.record import Record
from tests.support.commands import Cli, Ran, called, nothing_set
from tests.support.repository import Repository, cloned, days, git, open_repository
from tests.support.world import answered

__all__ = ["called", "nothing_set"]

BILL = "/v1/billing/usage_summary"


@pytest.fixture
def world(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository", durations=Durations(running=1e9))
    made.api.embedded = True
    return made


@contextmanager
def commits_of(world: Repository) -> Iterator[RunCommits]:
    repository = open_repository(str(world.folder))
    assert isinstance(repository, Checkout)
    with repository:
        yield RunCommits(repository)


def read(world: Repository, *names: str, since: float | None = None) -> Record:
    wanted = Wanted(names, None if since is None else lambda now: now - since)
    world.between.calls.clear()
    with commits_of(world) as commits:
        return recorded(world.api, commits, wanted)


def told(record: Record) -> list[tuple[str, str]]:
    """Name, and subject of the commit, of each run, the oldest first."""
    return [(run.name, run.commit.subject if run.commit else "-") for run in record.runs[::-1]]


def force(world: Repository, job: str, status: str) -> None:
    world.api._exchange("POST", "/_emulator/jobs/{}", job, body={"status": f"TRAINING_JOB_{status}"})


def stranger(world: Repository, name: str) -> None:
    project = world.api.projects()[0]["id"]
    world.api.create_once(project, {"training_job": {"name": name, "image": {"base_image": "i:1"}}})


def test_every_run_comes_with_the_commit_that_wrote_its_spec(world: Repository) -> None:
    world.write("x", "one")
    world.write("y", "other")
    first = world.commit("Train x and y\n\nA long story.\n")
    world.apply()
    world.write("x", "two")
    second = world.commit("Lower the rate\nof x")
    world.apply()
    (world.folder / "specs/y.yaml").unlink()
    world.commit("Drop y")
    record = read(world)
    assert told(record) == [
        ("x", "Train x and y"), ("y", "Train x and y"), ("x", "Lower the rate of x"),
    ]  # fmt: skip
    assert [run.commit.revision.commit for run in record.runs if run.commit] == [second, first, first]
    assert record.runs[0].commit
    assert record.runs[0].commit.revision.path == "specs/x.yaml"
    assert told(read(world, "y")) == [("y", "Train x and y")]
    assert told(read(world, "?")) == told(record)
    with pytest.raises(NoSuchRun, match="no manifest has the name 'xx'; did you mean 'x'"):
        read(world, "xx")


def test_a_spec_that_came_back_is_told_by_the_commit_before_its_job(world: Repository) -> None:
    world.write(command="one")
    first = world.commit("one")
    world.apply()
    world.write(command="two")
    world.commit("two")
    world.write(command="one")
    world.commit("one again")
    (run,) = read(world).runs
    assert run.commit
    assert run.commit.revision.commit == first
    world.write(command="one", more="policy: {suspend: false}\n", metadata=", attempt: 2")
    world.commit("try again")
    world.apply()
    assert told(read(world)) == [("x", "one"), ("x", "try again")]


def test_a_change_that_moves_no_digest_wrote_no_spec(world: Repository) -> None:
    world.write()
    world.commit("the spec")
    world.write(more="policy: {on_change: stop}\n")
    world.commit("a policy")
    git(world.folder, "mv", "specs/x.yaml", "specs/moved.yaml")
    world.commit("a move")
    world.apply()
    assert told(read(world)) == [("x", "the spec")]


def test_a_merge_did_not_write_what_its_branch_did(world: Repository) -> None:
    world.write("other")
    world.commit("begin")
    git(world.folder, "checkout", "-qb", "side")
    world.write("x")
    world.commit("on the side")
    git(world.folder, "checkout", "-q", "main")
    world.write("other", "more")
    world.commit("on main")
    date = world.now.isoformat()
    git(world.folder, "merge", "-q", "--no-ff", "-m", "merge", "side", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
    world.apply()
    assert sorted(told(read(world))) == [("other", "on main"), ("x", "on the side")]


def test_code_counts_as_the_spec_does(world: Repository) -> None:
    world.write(more="  workspace: {root: ../code}\n")
    (world.folder / "code").mkdir()
    (world.folder / "code/train.py").write_text("one\n")
    world.commit("code")
    world.apply()
    (world.folder / "code/train.py").write_text("two\n")
    world.commit("other code")
    world.apply()
    (world.folder / "README").write_text("x")
    world.commit("no code")
    assert told(read(world)) == [("x", "code"), ("x", "other code")]


def test_what_git_does_not_have_is_a_run_without_a_commit(world: Repository, tmp_path: Path) -> None:
    world.write(command="one")
    world.commit("one")
    world.write(command="two")
    world.apply()
    assert told(read(world)) == [("x", "-")]
    world.commit("two")
    shallow = cloned(world, tmp_path / "shallow", "--depth", "1")
    record = read(shallow)
    assert told(record) == [("x", "two")]
    assert any("shallow" in note for note in record.notes)


def test_jobs_that_no_manifest_ever_had_are_counted_apart(world: Repository) -> None:
    world.write()
    world.commit()
    world.apply()
    stranger(world, "by-hand")
    stranger(world, "another--0123456789ab-bcdfghj")
    record = read(world)
    assert len(record.runs) == 1
    assert sorted(job.name or "" for _, job in record.others.jobs) == ["another--0123456789ab-bcdfghj", "by-hand"]
    assert read(world, "x").others.jobs == ()


def test_a_job_that_a_manifest_adopts_is_a_run_of_it(world: Repository) -> None:
    world.write()
    world.commit("the spec")
    digest = world.compiled().requests[0].digest
    world.api.upsert_project("Demo / one")
    stranger(world, "by-hand")
    (job,) = world.jobs()
    world.write(metadata=f", adopts: {{job: {job['id']}, digest: {digest}}}")
    world.commit("adopt it")
    assert told(read(world)) == [("x", "the spec")]


def test_what_was_billed_is_told_and_what_was_not_is_an_upper_bound(world: Repository) -> None:
    world.write("x")
    world.write("y", "two")
    world.commit()
    world.apply()
    world.clock.time += 7200
    for job in world.jobs():
        force(world, job["id"], "COMPLETED")
    world.clock.time += days(1)
    bills = world.api.training_bill(*_month(world))
    found = read(world)
    assert [run.usd.value for run in found.runs] == [
        float(row["subtotal"]) for run in found.runs for row in bills if row["billable_resource"]["id"] == run.job.id
    ]
    assert all(run.usd.exact and run.seconds.exact and 0 < (run.seconds.value or 0) <= 7300 for run in found.runs)
    world.habit(answered(403, "no"), BILL)
    bound = read(world)
    assert [note.partition(":")[0] for note in bound.notes] == [
        "costs are what runs cost at most, since bills can't be read"
    ]
    for one, other in zip(found.runs, bound.runs, strict=True):
        assert not other.usd.exact
        assert (other.usd.value or 0) >= (one.usd.value or 0) > 0


def _month(world: Repository) -> tuple[str, str]:
    return (world.now.replace(day=1).isoformat(), world.now.isoformat())


def test_calls_do_not_grow_with_runs_but_by_the_months_of_bills(world: Repository) -> None:
    counts = []
    for number in range(3):
        world.write(command=f"train {number}")
        world.commit(f"step {number}")
        world.apply()
        for job in world.jobs():
            force(world, job["id"], "COMPLETED")
        read(world)
        counts.append(list(world.between.calls))
    assert counts[0] == counts[1] == counts[2]
    world.clock.time += days(31)
    read(world)
    assert world.between.calls.count(BILL) == counts[0].count(BILL) + 1
    assert len(world.between.calls) == len(counts[0]) + 1


def test_since_takes_what_lived_then(world: Repository) -> None:
    world.write(command="one")
    world.commit()
    world.apply()
    force(world, world.jobs()[0]["id"], "COMPLETED")
    world.clock.time += days(3)
    world.write(command="two")
    world.commit()
    world.apply()
    world.clock.time += days(3)
    assert [run.job.live for run in read(world).runs] == [True, False]
    assert [run.job.live for run in read(world, since=days(4)).runs] == [True]
    assert [run.job.live for run in read(world, since=days(7)).runs] == [True, False]


@pytest.fixture
def compared(world: Repository, called: Cli, nothing_set: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """`runs` with these words, in the world's folder and before its API."""
    monkeypatch.chdir(world.folder)
    monkeypatch.setattr("baseten_jobs.cli.commands.runs.opened", lambda connection: world.api)
    return lambda *words: called("runs", *words)


def coded(world: Repository, code: str, lr: str, secret: str = "one") -> str:
    """Commit and apply a manifest with code; the id of its job."""
    more = f"  workspace: {{root: ../code}}\n  checkpointing: {{enabled: {str(lr != '1').lower()}}}\n"
    world.write(command=f"train --lr {lr}", more=more)
    path = world.folder / "specs/x.yaml"
    text = path.read_text().replace("start_commands:", f"environment_variables: {{API_KEY: {secret}}}, start_commands:")
    path.write_text(text)
    (world.folder / "code").mkdir(exist_ok=True)
    (world.folder / "code/train.py").write_text(code)
    world.commit(f"lr {lr}")
    world.apply()
    return str(world.jobs()[-1]["id"])


def test_two_runs_differ_in_the_fields_and_files_that_git_has(world: Repository, compared: Callable[..., Ran]) -> None:
    one = coded(world, "one\n", "1")
    two = coded(world, "two\n", "2", "another")
    (world.folder / "code/more.py").write_text("more\n")
    three = coded(world, "two\n", "2", "another")
    told = compared("diff", one, two).out
    assert "spec: 3 fields differ" in told
    assert "start_commands[0]: train --lr 1 → train --lr 2" in told
    assert "another" not in told
    assert told.endswith("code: 1 file differs\n  ~ train.py  +1 -1\n  -v shows the lines\n")
    told = compared("diff", one, two, "-v").out
    assert told.endswith("  ~ train.py  +1 -1\n    @@ -1 +1 @@\n    -one\n    +two\n")
    told = compared("diff", two, three).out
    assert "spec: the same\n" in told
    assert "+ more.py  +1 -0" in told
    document = compared("diff", one, three, "-o", "json").json
    assert [each["field"] for each in document["code"]] == ["spec.workspace/more.py", "spec.workspace/train.py"]
    assert [each["lines"] for each in document["code"]] == [["@@ -0,0 +1 @@", "+more"], ["@@ -1 +1 @@", "-one", "+two"]]
    names = [each["run"] for each in compared("-o", "json").json["runs"]]
    assert compared("diff", names[2], names[0]).out == compared("diff", one, three).out
    assert compared("diff", one, one).out.count("the same") == 2


def test_a_run_that_is_not_there_is_an_error_that_tells_what_is(
    world: Repository, compared: Callable[..., Ran]
) -> None:
    one = coded(world, "one\n", "1")
    stranger(world, "by-hand")
    strange = world.jobs()[-1]["id"]
    (name,) = [each["run"] for each in compared("-o", "json").json["runs"]]
    for given, told in {
        "x": f"'x' names a manifest, and one run is wanted: {name}",
        strange: f"job {strange} has no manifest in this repository's history",
        name[:-1] + "z": f"no run has the id or the name '{name[:-1]}z'; did you mean '{name}'?",
    }.items():
        ran = compared("diff", one, given)
        assert (ran.code, ran.out, ran.err) == (1, "", f"error: {told}\n")
    assert compared("diff", one).code == 64


def test_what_git_does_not_have_of_a_run_is_said(world: Repository, compared: Callable[..., Ran]) -> None:
    one = coded(world, "one\n", "1")
    world.write(command="never committed")
    world.apply()
    two = world.jobs()[-1]["id"]
    told = compared("diff", one, two).out
    assert "not compared: git does not have the spec of x--" in told
    assert f"(job {two})" in told


def test_every_format_is_printed_by_the_command(world: Repository, compared: Callable[..., Ran]) -> None:
    coded(world, "one\n", "1")
    two = coded(world, "two\n", "2")
    assert compared().out.splitlines()[-1].startswith("2 runs: 2 running; ")
    assert compared("x", "--since", "1h", "--by", "author").out.startswith("AUTHOR")
    assert compared("-o", "csv").out.splitlines()[0].startswith("started,ended,name")
    page = compared("-o", "html").out
    assert f"<code>{two}</code>" in page
    assert "<del>" in page
    assert "train.py</code> changed" in page
    assert compared("--since", "soon").code == 64


def test_a_manifest_that_is_called_diff_has_runs_too(world: Repository, compared: Callable[..., Ran]) -> None:
    world.write("diff")
    world.commit()
    world.apply()
    assert [each["name"] for each in compared("-o", "json", "--", "diff").json["runs"]] == ["diff"]
    assert [each["name"] for each in compared("-o", "json", "diff").json["runs"]] == ["diff"]


def test_outside_of_a_repository_there_is_no_history(
    tmp_path: Path, called: Cli, nothing_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = called("runs", "--local", "-o", "json")
    assert ran.code == 1
    assert "not in a git repository" in ran.json["error"]
