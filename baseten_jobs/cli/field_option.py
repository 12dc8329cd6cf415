"""The fields of a dataclass -> options that have the fields' defaults, and reach a command as one value."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class FieldOption(click.Option):
    """An option that fills a field, whose default is the option's too.

    `owner` returns the dataclass. It is called only where the default is needed, and imports the dataclass then, so
    that no command pays for the options of another. The field is called as the option is, unless `field` names it.
    """

    def __init__(
        self, declarations: Sequence[str] | None = None, *, owner: Callable[[], type], field: str = "", **settings: Any
    ) -> None:
        super().__init__(declarations, **settings)
        self._owner = owner
        self._field = field or str(self.name)

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Without the range that numbers must be in: it is there against overflows, and tells a reader nothing."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        default = getattr(self._owner(), self._field)
        return sorted(default) if isinstance(default, frozenset) else default


def bundle(name: str, build: Callable[..., Any], *options: click.Parameter) -> Callable[[F], F]:
    """Options that a command gets as one value: `build` is called with their values by name."""
    names = [str(option.name) for option in options]

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def bundled(*args: Any, **given: Any) -> Any:
            given[name] = build(**{own: given.pop(own) for own in names})
            return command(*args, **given)

        bundled.__click_params__ = [  # type: ignore[attr-defined]
            *getattr(command, "__click_params__", []), *reversed(options)
        ]  # fmt: skip
        return bundled  # type: ignore[return-value]

    return decorate
