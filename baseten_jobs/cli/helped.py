"""A command -> its help: the options in groups, the environment that it reads, an example, and a link."""

from typing import Any

import click


class HelpedCommand(click.Command):
    """Every command of ours is one, so that all helps have the same parts in the same order."""

    def __init__(self, name: str | None = None, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.context_settings.setdefault("help_option_names", ["-h", "--help"])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from baseten_jobs.cli.help_parts import GROUPS, group_of

        rows: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None:
                rows[group_of(parameter)].append(record)
        for group, found in rows.items():
            if found:
                with formatter.section(group):
                    formatter.write_dl(found)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from baseten_jobs.cli.help_parts import environment_of, part_of

        if variables := environment_of(self):
            with formatter.section("Environment"):
                formatter.write_dl(list(variables.items()))
        part = part_of(ctx.command_path)
        with formatter.section("Example"):
            formatter.write_text(f"\b\n{part.example}")
        with formatter.section("More"):
            formatter.write_text(f"\b\n{part.link}")


class HelpedGroup(HelpedCommand, click.Group):
    command_class = HelpedCommand
