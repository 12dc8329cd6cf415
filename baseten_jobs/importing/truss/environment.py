"""The environment variables that a Python file asks for -> the values that options give them, and remarks on each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from baseten_jobs.importing.placed import NONE, At, Placed
from baseten_jobs.importing.truss.operators import text_of
from baseten_jobs.importing.truss.values import NotConstant, NotKnown
from baseten_jobs.manifest.diagnostics import Diagnostic, Position, Severity
from baseten_jobs.secrecy import is_a_secret, looks_secret, quoted, without_values

_NOT_READ = "environment variables are not read"
_CHANGED = "the file changes environment variables itself"
ENVIRON = "os.environ"
CHANGE_THE_ENVIRONMENT = frozenset(
    {*(f"{ENVIRON}.{name}" for name in ("update", "setdefault", "pop", "popitem", "clear")), "os.putenv", "os.unsetenv"}
)
_NAMED = 4
"""Variables that a hint names at most."""


@dataclass(frozen=True)
class Variables:
    """The variables of `--env`; with `defaults`, one that is missing has the default that the file itself names."""

    given: Mapping[str, str] = field(default_factory=dict)
    defaults: bool = False


NO_VARIABLES = Variables()


class Environment:
    """Look-ups of one file, with a remark on each default that was taken and each secret that was put in."""

    def __init__(self, variables: Variables, path: str) -> None:
        self._variables, self._path = variables, path
        self.remarks: list[Diagnostic] = []
        self._asked: list[str] = []
        self._own: dict[str, str] = {}
        self._changed: NotKnown | None = None
        self.look_ups: Mapping[str, Callable[..., Any]] = {
            f"{ENVIRON}.get": self.got, "os.getenv": self.got, f"{ENVIRON}.setdefault": self.kept,
        }  # fmt: skip

    def give(self, name: Any, value: Any) -> None:
        """Set a variable, as the file itself does; raises NotConstant where that is not known."""
        if not (isinstance(name, str) and isinstance(value, str)):
            raise NotConstant("what it sets is not known")
        self._own[name] = value

    def doubt(self, why: NotKnown) -> None:
        """Whatever variable the file asks for from here on, it may have set itself."""
        self._changed = self._changed or why

    def got(self, at: At, key: Placed = NONE, default: Placed = NONE) -> Any:
        """What `os.environ.get(key, default)` returns."""
        if (value := self._value(key, at)) is not None:
            return value
        if not self._variables.defaults:
            raise NotConstant(_NOT_READ, hint=_hint(key.value, "; --defaults takes the default"))
        shown = "None" if default.value is None else "" if not _plain(default) else quoted(text_of(default.value))
        message = f"{quoted(str(key.value))} is not given, so its default{f' {shown}' if shown else ''} is taken"
        place = Position(self._path, *at)
        self._add(Diagnostic("environment-default", message, place, hint=_hint(key.value), severity=Severity.NOTE))
        return default

    def kept(self, at: At, key: Placed = NONE, default: Placed = NONE) -> str:
        """What `os.environ.setdefault(key, default)` returns, once it has set it."""
        if not self.holds(key.value):
            self.give(key.value, default.value)
        return self.item(at, key)

    def item(self, at: At, name: Placed) -> str:
        """What `os.environ[name]` returns."""
        if (value := self._value(name, at)) is not None:
            return value
        raise NotConstant(_NOT_READ, hint=_hint(name.value))

    def holds(self, name: Any) -> bool:
        """What `name in os.environ` returns: with `defaults`, a variable that is not given is not there."""
        there = self._known(name) is not None
        if there or self._variables.defaults:
            return there
        raise NotConstant(_NOT_READ, hint=_hint(name))

    def hint(self) -> str:
        """What gives the variables that were asked for so far, as the subject of a sentence; empty for no variable.

        That is options for those that were not given; where all were, another value of one.
        """
        if lacking := [name for name in self._asked if name not in self._variables.given]:
            return " ".join(f"--env {name}=VALUE" for name in lacking[:_NAMED])
        given = " ".join(f"--env {name}=..." for name in self._asked[:_NAMED])
        return f"{given} was given; maybe another value" if given else ""

    def text(self, words: str) -> str:
        """Words of the file, without secrets that were given to it."""
        secrets = [value for name, value in self._variables.given.items() if looks_secret(name, value)]
        return without_values(words, secrets, "***")

    def _value(self, name: Placed, at: At) -> str | None:
        value = self._known(name.value)
        if value is not None and name.value not in self._own and looks_secret(name.value, value):
            self._add(secret_given(name.value, Position(self._path, *at)))
        return value

    def _known(self, name: Any) -> str | None:
        """The value that the file has set itself, or that was given; None for neither."""
        if not isinstance(name, str):
            raise NotConstant(_NOT_READ)
        self._asked += [name] if _hint(name) and name not in self._asked else []
        if self._changed is not None:
            raise NotConstant(_CHANGED, self._changed)
        return self._own.get(name, self._variables.given.get(name))

    def _add(self, told: Diagnostic) -> None:
        self.remarks += [told] if told not in self.remarks else []


def secret_given(name: str, position: Position) -> Diagnostic:
    """What to know of a value of `--env` that looks like a secret, and goes into a manifest."""
    message = f"the value of --env {name} looks like a secret, and stands in the manifest as plain text"
    hint = "keep it as a secret in Baseten, and write `{name: SECRET}` in its place"
    return Diagnostic("literal-secret", message, position, hint=hint, severity=Severity.WARNING)


def _plain(value: Placed) -> bool:
    return isinstance(value.value, (str, int, float))


def _hint(name: Any, more: str = "") -> str:
    told = isinstance(name, str) and name.isidentifier() and not is_a_secret(name)
    return f"--env {name}=VALUE gives it{more}" if told else ""
