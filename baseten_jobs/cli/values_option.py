"""`--show-values` and `--mask-values` -> which values a report shows."""

import click

from baseten_jobs.cli.field_option import bundle
from baseten_jobs.secrecy import Values


def _values(show_values: bool, mask_values: bool) -> Values:
    if show_values and mask_values:
        raise click.UsageError("--show-values and --mask-values contradict each other.")
    return Values.ALL if show_values else Values.NONE if mask_values else Values.PLAIN


values = bundle(
    "values",
    _values,
    click.Option(["--show-values"], is_flag=True, help="Show values that look like a secret, too."),
    click.Option(["--mask-values"], is_flag=True, help="Show no value of an environment variable, not a plain one."),
)
"""What is masked unless an option says otherwise: what looks like a secret, and variables that came by --set."""
