"""The words behind a command of several -> those of the one that is meant where none of them is named."""

from typing import Any

import click

from baseten_jobs.cli.helped import HelpedGroup

LIST = "list"


class ListsByDefault(HelpedGroup):
    """Takes what is no name of its commands for an argument of its `list`, which need not be said."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [LIST, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        own = super().shell_complete(ctx, incomplete)
        listing = self.commands[LIST]
        with listing.make_context(LIST, [], parent=ctx, resilient_parsing=True) as inner:
            (names,) = (each for each in listing.params if isinstance(each, click.Argument))
            named = names.shell_complete(inner, incomplete)
        return [*own, *(item for item in named if item.value not in self.commands)]
