"""Servers that mangle, hide, repeat and mix what they hold: named worlds, and what must hold in each."""

import io
import os
import subprocess
import tempfile
import unicodedata
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from baseten_jobs.compilation import compile_all
from baseten_jobs.manifest.inputs import Inputs
from tests.support import warm
from tests.support.provider import Answer, Provider, Row, Rows, ago, serving_provider
from tests.support.repository import git

STOP = "policy: {on_change: stop}\n"
STOPPED = {"current_status": "TRAINING_JOB_STOPPED"}
APART = unicodedata.normalize("NFD", "Müller P")


@dataclass
class Case:
    """A repository and a provider, before anything is applied."""

    folder: Path
    provider: Provider = field(default_factory=Provider)

    def write(
        self, name: str = "x", command: str = "train", project: str = "P", metadata: str = "", more: str = ""
    ) -> None:
        path = self.folder / "specs" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "apiVersion: baseten-jobs/v1\nkind: TrainingJob\n"
            f"metadata: {{name: {name}, project: {project}{metadata}}}\n"
            f'spec:\n  image: {{base_image: "i:1"}}\n  compute: {{accelerator: "H100:8"}}\n'
            f"  runtime: {{start_commands: [{command}]}}\n{more}"
        )

    def commit(self, days: float = 0.0) -> str:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", "change", GIT_COMMITTER_DATE=ago(days), GIT_AUTHOR_DATE=ago(days))
        return git(self.folder, "rev-parse", "HEAD")

    def names(self) -> list[str]:
        """The names of the jobs that the manifests ask for."""
        compiled = compile_all(Inputs([str(self.folder / "specs")]), io.BytesIO())
        return [request.job_name for request in compiled.requests]


@dataclass(frozen=True)
class World:
    """What is bent, and what is right: the exit codes of applies in a row, creates, stops, live jobs, words."""

    says: str
    arrange: Callable[[Case], None]
    codes: tuple[int, ...] = (0, 0)
    creates: int = 0
    stops: int = 0
    live: int = 1
    words: str = ""
    options: tuple[str, ...] = ()


def running(case: Case, days: float = 30.0) -> list[str]:
    """Three manifests whose jobs run since long; the names of these."""
    for name in ("a", "b", "c"):
        case.write(name, f"train {name}")
    case.commit(days)
    case.provider.project()
    names = case.names()
    for name in names:
        case.provider.add(name, days=days)
    return names


def one(case: Case, days: float = 0.1) -> str:
    """One manifest in a project that is there; the name of its job."""
    case.write()
    case.commit(days)
    case.provider.project()
    return case.names()[0]


def without_names(rows: Rows) -> Rows:
    return [{**row, "name": None} for row in rows]


# What is read


def rows_repeated(case: Case) -> None:
    running(case)
    case.provider.searched = case.provider.listed = lambda rows: [row for row in rows for _ in range(3)]
    case.provider.shown = lambda rows: rows * 2


def nameless_list(case: Case) -> None:
    running(case)
    case.write("new", "new")
    case.commit()
    case.provider.listed = without_names


def nameless_search(case: Case) -> None:
    running(case)
    case.write("new", "new")
    case.commit()
    case.provider.searched = without_names


def mixed(case: Case) -> None:
    running(case)
    other = case.provider.project("Q")
    stranger = case.provider.add("theirs", project=other)
    case.write("new", "new")
    case.commit()
    case.provider.searched = lambda rows: [*rows, dict(stranger)]


def aliased(case: Case) -> None:
    running(case)

    def alias(rows: Rows) -> Rows:
        return [{**row, "training_project_id": f"X-{row['training_project_id']}"} for row in rows]

    case.provider.searched = case.provider.listed = alias


def hidden(case: Case) -> None:
    running(case)
    own = {*case.provider.jobs}
    case.provider.searched = case.provider.listed = lambda rows: [row for row in rows if row["id"] not in own]


def no_project_once(case: Case) -> None:
    running(case)
    once = [True]
    case.provider.shown = lambda rows: [] if once and once.pop() else rows


def renamed_project(case: Case) -> None:
    running(case)
    for row in case.provider.projects.values():
        row["name"] = "P (old)"


def near_miss(spelling: str) -> Callable[[Case], None]:
    def arrange(case: Case) -> None:
        case.write(project="Müller P")
        case.commit()
        case.provider.project(spelling)

    return arrange


def cut_names(case: Case) -> None:
    one(case)
    case.provider.searched = case.provider.listed = lambda rows: [{**row, "name": row["name"][:10]} for row in rows]


def contradicting(case: Case) -> None:
    running(case)
    case.write("new", "new")
    case.commit()
    case.provider.searched = lambda rows: [{**row, "current_status": "TRAINING_JOB_FAILED"} for row in rows]


def capped(case: Case) -> None:
    name = one(case)
    for number in range(105):
        case.provider.add(f"old-{number}", "COMPLETED", days=40 - number / 10)
    case.provider.add(name, days=1)
    case.provider.searched = lambda rows: rows[:100]


# What runs already


def by_hand(case: Case) -> None:
    one(case)
    case.provider.add("x")


def renamed_manifest(case: Case) -> None:
    name = one(case)
    case.provider.add(name, days=0.05)
    (case.folder / "specs" / "x.yaml").unlink()
    case.write("y")
    case.commit()


def preempted(case: Case) -> None:
    case.provider.add(one(case), "PREEMPTED")


def clone_of_before(case: Case) -> None:
    """v2 runs, and a person started v1 again to compare."""
    case.write(command="v1", more=STOP)
    case.commit(9)
    case.provider.project()
    (first,) = case.names()
    case.provider.add(first, "STOPPED", days=9)
    case.write(command="v2", more=STOP)
    case.commit(4)
    case.provider.add(case.names()[0], days=4)
    case.provider.add(first, days=3)


def old_pipeline(case: Case) -> None:
    """v1, v2, and back to v1; the pipeline of v2 runs last."""
    case.write(command="v1", more=STOP)
    case.commit(3)
    case.provider.project()
    case.provider.add(case.names()[0], days=3)
    case.write(command="v2", more=STOP)
    second = case.commit(2)
    case.provider.add(case.names()[0], days=2)
    case.write(command="v1", more=STOP)
    case.commit(1)
    git(case.folder, "checkout", "-q", "--detach", second)


# What a create is answered


def answering(make: Callable[[Provider, Row], Answer]) -> Callable[[Case], None]:
    """One manifest; its create is answered as `make` says."""

    def arrange(case: Case) -> None:
        one(case)
        case.provider.add("llama-pretrain", days=7, id="PREY")
        case.provider.created = lambda body: make(case.provider, body)

    return arrange


def naming(job: Callable[[Provider], Row]) -> Callable[[Provider, Row], Answer]:
    """The job is made, and the answer names another one."""

    def make(provider: Provider, body: Row) -> Answer:
        provider.create(body["project"], body)
        return 200, {"training_job": dict(job(provider))}

    return make


def of_another_project(provider: Provider) -> Row:
    return provider.add("theirs", project=provider.project("Q"))


def of_another_identity(provider: Provider) -> Row:
    return {**provider.add("y--0123456789ab", "STOPPED"), "current_status": "TRAINING_JOB_CREATED"}


def nameless(provider: Provider, body: Row) -> Answer:
    return 200, {"training_job": {**provider.create(body["project"], body), "name": None}}


def twice(provider: Provider, body: Row) -> Answer:
    provider.create(body["project"], body)
    return 200, {"training_job": dict(provider.create(body["project"], body))}


def refused_though_made(status: int) -> Callable[[Provider, Row], Answer]:
    def make(provider: Provider, body: Row) -> Answer:
        if not any(job["name"] == body["name"] for job in provider.jobs.values()):
            provider.create(body["project"], body)
        return status, {"message": "no"}

    return make


def name_taken(case: Case) -> None:
    case.provider.add(one(case), "FAILED", days=1)
    case.provider.created = lambda body: (409, {"message": "the name is taken"})


# What a stop is answered


def to_supersede(stop: Callable[[Row], Answer]) -> Callable[[Case], None]:
    def arrange(case: Case) -> None:
        case.write(command="v1", more=STOP)
        case.commit(2)
        case.provider.project()
        case.provider.add(case.names()[0], days=2)
        case.write(command="v2", more=STOP)
        case.commit()
        case.provider.stopped = stop

    return arrange


WORLDS = {
    "repeated rows": World("each row comes three times", rows_repeated, live=3, words="Nothing to submit"),
    "nameless list": World("the job list leaves names out", nameless_list, creates=1, live=4),
    "nameless search": World("the search leaves names out", nameless_search, creates=1, live=4),
    "mixed rows": World("a search shows a job of another project", mixed, (1, 1), live=4, words="of another project"),
    "aliased projects": World("rows spell the project's id in another way", aliased, (1, 1), live=3),
    "hidden jobs": World("what others made is not shown", hidden, (8, 8), live=3, words="missing"),
    "no project, once": World("the list of projects is empty once", no_project_once, (8, 0), live=3, words="missing"),
    "renamed project": World("the project has another name by now", renamed_project, (8, 8), live=3, words="missing"),
    "near miss: case": World("another case", near_miss("müller p"), (1,), live=0, words="did you mean"),
    "near miss: blanks": World("two blanks", near_miss("Müller  P"), (1,), live=0, words="did you mean"),
    "near miss: accents": World("accents apart", near_miss(APART), (1,), live=0, words="did you mean"),
    "cut names": World("names are cut in what is read", cut_names, (1,), 1, 1, 0, "its identity is lost"),
    "contradictions": World("the search calls running jobs failed", contradicting, creates=1, live=4),
    "capped search": World("the search ends after 100 rows", capped, live=106, words="Nothing to submit"),
    "started by hand": World("a job of the manifest's name runs", by_hand, (8, 8), words="which no manifest manages"),
    "renamed manifest": World("the spec runs under its old name", renamed_manifest, (8, 8), words="renamed?"),
    "preempted": World("the job was preempted", preempted, live=0, words="preempted: raise"),
    "a clone": World("a person started an older spec again", clone_of_before, live=2, words="it was created after job"),
    "an old pipeline": World("an overtaken pipeline runs last", old_pipeline, live=2, words="has its spec again"),
    "names a job of before": World("a create's answer names a job that ran before",
                                   answering(naming(lambda p: p.jobs["PREY"])), creates=1, live=2, words="adopted"),
    "names another project's": World("a create's answer names another project's job",
                                     answering(naming(of_another_project)), creates=1, live=3, words="adopted"),
    "names another identity": World("a create's answer names another spec's job",
                                    answering(naming(of_another_identity)), creates=1, live=2, words="adopted"),
    "names nothing": World("a create's answer leaves the name out", answering(nameless), creates=1, live=2),
    "sent twice": World("a gateway sends each create twice", answering(twice), (0, 0), 1, 1, 2),
    "429, made": World("asked to wait, and the job is there", answering(refused_though_made(429)), creates=8, live=2),
    "400, made": World("refused, and the job is there", answering(refused_though_made(400)), creates=1, live=2,
                       words="adopted"),
    "name taken": World("an equal name is refused", name_taken, (1,), 1, live=0, words="has this name",
                        options=("--retry-failed", "x")),
    "a stop that does nothing": World("a stop is answered, and the job runs on",
                                      to_supersede(lambda job: (200, {"training_job": dict(job)})), (1,), 1, live=2),
    "a stop that lies": World("a stop says stopped, and the job runs on",
                              to_supersede(lambda job: (200, {"training_job": {**job, **STOPPED}})),
                              (1,), 1, live=2),
    "a stop of nobody": World("a stop finds no job, and it runs on", to_supersede(lambda job: (404, {"message": "no"})),
                              (1,), 1, live=2),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What came of a world."""

    codes: tuple[int, ...]
    creates: int
    stops: int
    live: int
    said: str

    def wrong(self, world: World) -> str:
        """What is not as it must be; empty if all is. Stops are counted by job, for each may be asked for again."""
        found = (self.codes, self.creates, self.stops, self.live)
        wanted = (world.codes, world.creates, world.stops or self.stops, world.live)
        if found != wanted:
            return f"codes, creates, stops, live jobs are {found}, and must be {wanted}"
        return "" if world.words in self.said else f"'{world.words}' is not said"


def visit(world: World, settle: float = 2.0) -> Seen:
    """Apply in a world as often as it has exit codes, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        case = Case(Path(folder))
        git(case.folder, "init", "-q", "-b", "main")
        world.arrange(case)
        with serving_provider(case.provider) as url:
            environment = {**os.environ, "BASETEN_BASE_URL": url, "BASETEN_API_KEY": "k", "NO_COLOR": "1"}
            command = [*warm.command(), "apply", "--yes", "--settle", str(settle), *world.options]
            ran = [
                subprocess.run(
                    command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
                )
                for _ in world.codes
            ]
        provider = case.provider
        codes = tuple(each.returncode for each in ran)
        said = "\n".join(each.stdout + each.stderr for each in ran)
        return Seen(codes, len(provider.creates), len(set(provider.stops)), len(provider.live()), said)


def visit_all(names: Collection[str], at_once: int = 10) -> dict[str, Seen]:
    """The worlds of these names, several at once."""
    chosen = {name: WORLDS[name] for name in names}
    warm.command()  # started once, before several ask for it
    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(chosen, pool.map(visit, chosen.values()), strict=True))


def run_worlds(only: str) -> bool:
    """Visit them, and print a row each."""
    good = True
    print("| world | what it does | exit codes | creates | stops | as it must be |\n|---|---|---|---:|---:|---|")
    for name, seen in visit_all([name for name in WORLDS if only in name]).items():
        wrong = seen.wrong(WORLDS[name])
        codes = ", ".join(map(str, seen.codes))
        print(f"| {name} | {WORLDS[name].says} | {codes} | {seen.creates} | {seen.stops} | {wrong or 'yes'} |")
        good = good and not wrong
    return good
