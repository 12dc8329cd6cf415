"""What ends a Python file before its last line: an error that it raises, a check that fails, or an exit."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from baseten_jobs.importing.placed import NONE, Placed
from baseten_jobs.importing.truss.operators import text_of
from baseten_jobs.importing.truss.values import NotConstant, NotKnown

EXITS = frozenset({"sys.exit", "os._exit", "os.abort", "exit", "quit"})
ENDS = NotConstant("it ends the file")


class Ended(Exception):
    """Nothing after this is run; `refused` says with which error, and is None where the file is simply done."""

    def __init__(self, refused: NotKnown | None) -> None:
        super().__init__()
        self.refused = refused


def refused(where: NotKnown, words: Placed = NONE) -> Ended:
    """The end by an error, told in the file's own words as far as they are known."""
    with suppress(NotConstant):
        return Ended(replace(where, text=text_of(words.value) if words.value is not None else where.text))
    return Ended(where)


def exited(where: NotKnown, code: Placed, made: Collection[Placed]) -> Ended:
    """The end by `sys.exit`, which is no error without a code, with 0, or with one unknown after a job was made."""
    done = made if isinstance(code.value, NotKnown) else code.value in (None, 0)
    return Ended(None) if done else refused(where, code)
