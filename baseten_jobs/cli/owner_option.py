"""What is given to `--owner-too` -> the letters of an owner."""

import click


def owner_letters(text: str) -> str:
    """Return the letters as they are; raises BadParameter for anything but three of them."""
    from baseten_jobs.job.names import is_owner

    if not is_owner(text):
        raise click.BadParameter(f"'{text}' is no owner, which is three letters, as `status -o json` shows them")
    return text
