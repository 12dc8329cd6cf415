"""What a job's name says: each name reads in one way, every cut is told, and an owner is one however it is spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.identity import Identity
from baseten_jobs.job.names import (
    LETTERS,
    NO_OWNER,
    JobName,
    Signature,
    arrived,
    normalised,
    owner_for,
    owner_of,
    parse_job_name,
    read_job_name,
)  # fmt: skip
from baseten_jobs.manifest.rules.warnings import LONGEST_JOB_NAME, WARNINGS

DIGEST = "0123456789ab"
_LETTERS = st.text(LETTERS, min_size=7, max_size=7)
IDENTITIES = st.builds(
    Identity,
    st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: len(name) <= 40),
    st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    st.integers(1, 999_999),
)
WHOLE = st.builds(
    lambda identity, retry, letters: JobName(identity, retry, letters[:3], letters[3:]),
    IDENTITIES, st.integers(0, 999), _LETTERS,
)  # fmt: skip
SUFFIXES = st.none() | st.integers(1, 99)


@given(WHOLE, SUFFIXES)
def test_a_name_reads_as_it_was_written(name: JobName, suffix: int | None) -> None:
    name = name._replace(suffix=suffix)
    assert read_job_name(str(name)) == name
    assert parse_job_name(str(name)) == name.identity


@given(IDENTITIES, SUFFIXES)
def test_a_name_of_the_version_before_has_its_identity_and_nobodys_letters(
    identity: Identity, suffix: int | None
) -> None:
    held = identity.job_name + (f"-{suffix}" if suffix else "")
    assert read_job_name(held) == JobName(identity, suffix=suffix)


@given(WHOLE)
def test_every_cut_is_told_and_has_nobodys_letters(name: JobName) -> None:
    whole = str(name)
    assert arrived(name, whole)
    for length in range(len(whole)):
        cut = whole[:length]
        read = read_job_name(cut)
        assert not arrived(name, cut)
        assert read is None or (read.owner, read.token) == ("", "")
        if length >= len(name.identity.job_name) and not cut.endswith("-a"):
            assert read is None or read.identity == name.identity


@given(WHOLE, st.integers(1, 99), _LETTERS)
def test_a_suffix_of_the_server_is_no_loss_and_other_letters_are(name: JobName, suffix: int, letters: str) -> None:
    assert arrived(name, str(name._replace(suffix=suffix)))
    other = name._replace(owner=letters[:3], token=letters[3:])
    assert arrived(name, str(other)) is (other == name)
    assert not arrived(name, None)
    assert not arrived(name, name.identity.job_name)


@given(IDENTITIES)
def test_a_name_that_may_be_cut_is_a_warning(identity: Identity) -> None:
    """A manifest's name of 35 characters is safe: up to attempt 9,999."""
    data = {"apiVersion": "baseten-jobs/v1", "metadata": {"name": identity.name, "attempt": identity.attempt}}
    found = list(WARNINGS["long-name"](data))
    assert bool(found) is (len(str(Signature().sign(identity))) > LONGEST_JOB_NAME)


_PARTS = ("x", "--", "-", DIGEST, "-a2", "-a1", "-r1", "-r", "-a", "bcd", "fghj", "bcdfghj", "-2", "0", "e", "\n")


@given(st.lists(st.sampled_from(_PARTS), max_size=7).map("".join))
def test_what_reads_is_what_is_written_and_all_else_is_none(held: str) -> None:
    """A name reads whole, or it is one whose last letters are missing: never as something that it does not say."""
    read = read_job_name(held)
    if read is not None:
        rest = held.removeprefix(str(read._replace(suffix=None)))
        assert held == str(read) or (not read.owner and set(rest.partition("-2")[0]) <= {*LETTERS, "-"})


@pytest.mark.parametrize(
    "name",
    [
        None, "", "job-2", "gpt-oss-job", "x--0123456789a", "x--0123456789ab-2-3", "x--0123456789ab-a1",
        "x--0123456789AB", "X--0123456789ab", "--0123456789ab", "a--b--0123456789ab", "x--0123456789ab-a0",
        "x--0123456789ab-e2", "x--0123456789ab\n", " x--0123456789ab", "a" * 41 + "--0123456789ab",
        "x--0123456789abc", "x--0123456789ab-a02", "x--0123456789ab-0", "x--0123456789ab-r0", "x--0123456789ab-r01",
        "x--0123456789ab-r1-a2", "x--0123456789ab-bcdfghjk", "x--0123456789ab-bcdfgha", "x--0123456789ab-BCDFGHJ",
        "x--0123456789ab-bcdfghj-r1", "x--0123456789ab-bcdfghj-2-3", "x--0123456789ab-bcd-fghj", "x--0123456789ab--2",
        "x--0123456789ab-a",
    ],
)  # fmt: skip
def test_any_other_name_is_unmanaged(name: str | None) -> None:
    assert parse_job_name(name) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Acme/Training", "https://github.com/acme/training.git",
        "https://GitHub.com/acme/training/",
        "https://ada:sesame@github.com/acme/training.git", "https://github.com:443/acme/training",
        "github.com/acme/training",
        "ssh://git@github.com/acme/training.git", "ssh://git@github.com:22/acme/training",
        "git@github.com:acme/training.git",
        "github.com:acme/training", "git@github.com:/acme/training.git", "git://github.com/acme/training",
        "[git@github.com:22]:acme/training.git", "git+ssh://git@github.com/acme/training",
        " https://github.com/acme//training\n",
        "https://github.com/acme/training?x=1#y", "https://github.com/acme/trai%6Eing", "https://github.com./acme/training",
    ],
)  # fmt: skip
def test_a_repository_is_one_however_its_address_is_spelt(address: str) -> None:
    assert normalised(address) == "github.com/acme/training"
    assert owner_of(address) == owner_of("https://github.com/acme/training")


@pytest.mark.parametrize(
    ("address", "means"),
    [
        ("/srv/Git/training.git", "srv/git/training"), ("file:///srv/git/training", "srv/git/training"),
        ("ssh://git@[::1]:2222/acme/training", "::1/acme/training"), ("git@[::1]:acme/training", "::1/acme/training"),
        ("/srv/training/.git", "srv/training"), ("https://github.com", "github.com"), ("..", ".."), ("", ""),
        ("https://gitlab.com/a/b/c.git", "gitlab.com/a/b/c"), ("work:acme/training", "work/acme/training"),
    ],
)  # fmt: skip
def test_an_address_of_any_form_has_a_normal_one(address: str, means: str) -> None:
    assert normalised(address) == means


@given(st.text())
def test_any_text_has_an_owner_and_its_normal_form_has_the_same(address: str) -> None:
    owner = owner_of(address)
    assert len(owner) == 3
    assert set(owner) <= set(LETTERS)
    assert read_job_name(f"x--{DIGEST}-{owner}bcdf") == JobName(Identity("x", DIGEST), 0, owner, "bcdf")


def test_owners_are_frozen() -> None:
    """An owner that moves makes every job somebody else's."""
    assert owner_of("https://github.com/acme/training") == "mjx"
    assert owner_of("https://github.com/acme/training-fork") == "qdq"


GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/training"}


@pytest.mark.parametrize(
    ("environment", "origin", "address"),
    [
        ({}, "git@github.com:acme/training.git", "https://github.com/acme/training"),
        (GITHUB, "", "git@github.com:acme/training.git"),
        (GITHUB, "git@mirror.local:x.git", "git@github.com:acme/training.git"),
        ({"GITHUB_REPOSITORY": "acme/training"}, "/srv/x", "/srv/x"),
        ({"CI_PROJECT_URL": "https://gitlab.com/a/b"}, "/srv/x", "git@gitlab.com:a/b.git"),
        ({**GITHUB, "BASETEN_JOBS_OWNER": "github.com/a/b"}, "work:a/b", "git@github.com:a/b"),
        ({"BASETEN_JOBS_OWNER": " "}, "/srv/x", "/srv/x"),
    ],
)  # fmt: skip
def test_the_owner_is_of_the_first_address_that_is_named(
    environment: dict[str, str], origin: str, address: str
) -> None:
    assert owner_for(environment, lambda: origin) == owner_of(address)


def test_without_an_address_there_is_no_owner() -> None:
    assert owner_for({}, lambda: "") == NO_OWNER


def test_a_token_is_by_chance_and_of_all_letters() -> None:
    asked: list[int] = []
    identity = Identity("x", DIGEST)
    signed = Signature("bcd", lambda below: asked.append(below) or 0).sign(identity)
    assert (signed, asked) == (JobName(identity, 0, "bcd", "bbbb"), [19**4])
    tokens = {Signature(below=lambda below, number=number: number).sign(identity).token for number in range(19**4)}
    assert len(tokens) == 19**4
