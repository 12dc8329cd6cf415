"""Which jobs are copies that persons made: those of an older one's letters, later than a request is sent twice."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.copies import DOUBLED, copies, runs
from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import JobName, read_job_name
from baseten_jobs.job.observation import ObservedJob

RUNNING = "TRAINING_JOB_RUNNING"
_NAMES = st.builds(
    JobName,
    st.builds(Identity, st.just("x"), st.just("0123456789ab"), st.sampled_from([1, 2])),
    st.sampled_from([0, 1]), st.just("bcd"), st.sampled_from(["fghj", "kmnp"]), st.sampled_from([None, 2]),
)  # fmt: skip
_HELD = _NAMES.map(str) | _NAMES.map(lambda name: str(name._replace(suffix=None))[:-2]) | st.sampled_from(["x", None])
_SECONDS = st.integers(0, 600) | st.sampled_from([120, 121])


def jobs(made: list[tuple[str | None, int]]) -> list[ObservedJob]:
    made = sorted(made, key=lambda each: each[1])
    times = [datetime.fromtimestamp(seconds, UTC).isoformat() for _, seconds in made]
    return [ObservedJob(f"j{n:02}", name, RUNNING, times[n], "p") for n, (name, _) in enumerate(made)]


@given(st.lists(st.tuples(_HELD, _SECONDS), max_size=8))
def test_a_copy_has_the_letters_of_a_job_that_is_much_older(made: list[tuple[str | None, int]]) -> None:
    held = jobs(made)
    found = copies(held)
    for job in held:
        name = read_job_name(job.name)
        same = [other for other in held if name and name.token and _letters(other) == name._replace(suffix=None)]
        late = bool(same) and _seconds(job) - _seconds(same[0]) > DOUBLED
        assert found.get(job.id) == (same[0] if late else None)


@given(st.lists(st.tuples(_HELD, _SECONDS), min_size=1, max_size=8))
def test_something_always_counts_as_a_run_where_something_lives(made: list[tuple[str | None, int]]) -> None:
    held = jobs(made)
    copied = copies(held)
    assert [job.id for job in runs(held, copied)] == [job.id for job in held if job.id not in copied]
    alone = [job for job in held if job.id in copied]
    assert runs(alone, copied) == tuple(alone[:1])


def test_without_times_nothing_is_a_copy() -> None:
    held = [ObservedJob(f"j{n}", "x--0123456789ab-bcdfghj", RUNNING, at, "p") for n, at in enumerate(["", "soon"])]
    assert copies(held) == {}


def _letters(job: ObservedJob) -> JobName | None:
    name = read_job_name(job.name)
    return name._replace(suffix=None) if name else None


def _seconds(job: ObservedJob) -> float:
    return datetime.fromisoformat(job.created_at).timestamp()
