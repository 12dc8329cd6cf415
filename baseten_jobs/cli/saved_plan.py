"""`--plan FILE` -> the saved plan in it, held against the command line."""

import os
import stat

from baseten_jobs.manifest.paths import checkout_of, is_within, path_name
from baseten_jobs.manifest.sources import STDIN
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.saved_plan import MAX_BYTES, SavedPlan, loaded

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def read_plan(path: str) -> SavedPlan:
    """The plan that a file holds; raises ValueError for any other file, which is not read if it is no regular one.

    A plan of manifests from elsewhere is refused: who can write the file may have written these as well.
    """
    try:
        plan = loaded(_read(path).decode())
        here = checkout_of(".") or "."
        if strange := [each for each in plan.terms.paths if each == STDIN or not is_within(each, here)]:
            place = "this folder" if here == "." else "this repository"
            raise ValueError(f"the plan is of '{one_line(strange[0])}', which is not in {place}")
        return plan
    except UnicodeDecodeError:
        raise ValueError(f"{_named(path)}: this is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"{_named(path)}: this can't be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{_named(path)}: {error}") from None


def _read(path: str) -> bytes:
    """Nothing is waited for: a pipe, a terminal or a device is not opened, or opened without a block."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("this is not a regular file")
    with open(os.open(path, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("this is not a regular file")
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"this is larger than the {MAX_BYTES} bytes that a plan may have")
    return raw


def _named(path: str) -> str:
    return one_line(path_name(path), 1024)
