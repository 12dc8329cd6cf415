"""A job's name, as the provider holds it -> which run it is, whose, and by which create; and back."""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from baseten_jobs.job.identity import Identity
from baseten_jobs.manifest.names import LONGEST

LETTERS = "bcdfghjkmnpqrstvwxz"
"""Of an owner and a token: no vowel and no digit, so that nothing of them reads as an attempt, a retry or a suffix."""
OWNER, TOKEN = 3, 4
"""How many letters each has: there are 6,859 owners and 130,321 tokens."""
NO_OWNER = "xxx"
"""The owner where there is no repository, or none with an address."""

_COUNT = "[1-9][0-9]{0,8}"
_NAME = re.compile(
    rf"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)--(?P<digest>[0-9a-f]{{12}})(?:-a(?P<attempt>{_COUNT}))?"
    rf"(?:-r(?P<retry>{_COUNT}))?"
    rf"(?:-(?P<letters>[{LETTERS}]{{1,{OWNER + TOKEN}}}))?(?:-(?P<suffix>{_COUNT})|(?P<cut>-))?"
)
_BRACKETS = re.compile(r"\[(.*)\](?::\d*)?", re.DOTALL)
_SCP = re.compile(r"(?P<host>\[[^]/]*\]|(?:[^/@:]*@)?(?:\[[^]/]*\]|[^/:]+)):(?!//)(?P<path>.*)", re.DOTALL)


class JobName(NamedTuple):
    """`<name>--<digest>[-a<attempt>][-r<retry>]-<owner><token>`, with the `-<suffix>` of a server that saw it before.

    A name without the letters, or with a part of them, has neither an owner nor a token: whoever made it did not know
    of them, or somebody cut them off. `suffix` is None where there is none.
    """

    identity: Identity
    retry: int = 0
    owner: str = ""
    token: str = ""
    suffix: int | None = None

    def __str__(self) -> str:
        retry = f"-r{self.retry}" if self.retry else ""
        letters = f"-{self.owner}{self.token}" if self.owner else ""
        suffix = "" if self.suffix is None else f"-{self.suffix}"
        return f"{self.identity.job_name}{retry}{letters}{suffix}"


@dataclass(frozen=True)
class Signature:
    """What new jobs are signed with: an owner, and a fresh token for each.

    `below` returns a random number below its argument.
    """

    owner: str = NO_OWNER
    below: Callable[[int], int] = secrets.randbelow

    def sign(self, identity: Identity, retry: int = 0) -> JobName:
        """Returns a name that no other create has."""
        return JobName(identity, retry, self.owner, _letters(self.below(len(LETTERS) ** TOKEN), TOKEN))


def read_job_name(held: str | None) -> JobName | None:
    """Returns what a job's name says, or None for a name of another form."""
    read = _NAME.fullmatch(held) if held else None
    if not read:
        return None
    name, digest, attempt, retry, letters, suffix = read.group(
        "name", "digest", "attempt", "retry", "letters", "suffix"
    )
    if len(name) > LONGEST or attempt == "1":
        return None
    whole = letters is not None and len(letters) == OWNER + TOKEN
    return JobName(
        Identity(name, digest, int(attempt or 1)), int(retry or 0), letters[:OWNER] if whole else "",
        letters[OWNER:] if whole else "", int(suffix) if suffix else None,
    )  # fmt: skip


def without_letters(held: str | None) -> str | None:
    """Returns a job's name as a plan shows it: without owner and token, which are no part of what is reviewed."""
    read = read_job_name(held)
    return str(read._replace(owner="", token="")) if read and read.owner else held


def run_name(identity: Identity, held: str | None) -> str:
    """Returns the name of the run that a job of an identity is: that of its retry, too; empty for another name."""
    read = read_job_name(held)
    return str(JobName(identity, read.retry)) if read and read.identity == identity else ""


def parse_job_name(held: str | None) -> Identity | None:
    """Returns the identity in a job's name, or None for a name of another form."""
    read = read_job_name(held)
    return read and read.identity


def owner_in(held: str | None) -> str:
    """Returns the letters of the owner in a job's name; empty without."""
    read = read_job_name(held)
    return read.owner if read else ""


def arrived(sent: JobName, held: str | None) -> bool:
    """Whether a job has the whole name that was sent, but for a server's suffix; a name that was cut never has."""
    read = read_job_name(held)
    return read is not None and read._replace(suffix=None) == sent._replace(suffix=None)


def is_owner(text: str) -> bool:
    """Whether a text can be the letters of an owner."""
    return len(text) == OWNER and set(text) <= set(LETTERS)


def owner_of(address: str) -> str:
    """Returns the letters of a repository's address, which are the same for ssh, https and any user, port and case."""
    number = int.from_bytes(hashlib.sha256(normalised(address).encode("utf-8", "surrogateescape")).digest(), "big")
    return _letters(number, OWNER)


def owner_for(environment: Mapping[str, str], origin: Callable[[], str]) -> str:
    """Returns the owner of the jobs that a checkout makes; `origin` asks for its remote's address, empty without one.

    What the environment names comes first: an address of one's own choice, then the one that GitHub or GitLab gives.
    """
    server, repository = (environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
    github = f"{server}/{repository}" if server and repository else ""
    named = (environment.get("BASETEN_JOBS_OWNER", ""), github, environment.get("CI_PROJECT_URL", ""))
    address = next(filter(str.strip, named), "") or origin()
    return owner_of(address) if address.strip() else NO_OWNER


def normalised(address: str) -> str:
    """Returns the host and the path of a URL, of git's `host:path` or of a folder, in lower case and without `.git`."""
    scheme, mark, rest = address.strip().partition("://")
    if mark:
        host, _, path = rest.partition("/")
        if scheme.lower().startswith("http"):
            path = re.split("[?#]", path, maxsplit=1)[0]
        path = unquote(path, errors="surrogateescape")
    elif scp := _SCP.fullmatch(address.strip()):
        host, path = scp.group("host", "path")
    else:
        host, path = "", address.strip()
    parts = [part for part in path.lower().split("/") if part not in ("", ".")]
    joined = "/".join(parts).removesuffix(".git").rstrip("/")
    return "/".join(filter(None, (_bare_host(host).lower(), joined)))


def _bare_host(host: str) -> str:
    """A host without its user, its port, and the brackets around an IPv6 address or git's `[host:port]:path`."""
    whole = _BRACKETS.fullmatch(host) or _BRACKETS.fullmatch(host.rpartition("@")[2])
    bare = (whole[1] if whole else host).rpartition("@")[2]
    return (bare.partition(":")[0] if bare.count(":") == 1 else bare).rstrip(".")


def _letters(number: int, count: int) -> str:
    letters = ""
    for _ in range(count):
        number, place = divmod(number, len(LETTERS))
        letters += LETTERS[place]
    return letters
