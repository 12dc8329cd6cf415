"""The command that runs -> the same command about one job alone, as somebody would type it."""

import shlex

import click


def command_of_job(job_id: str) -> str:
    """The command by this job's id, at the same API. Other options are left out: they are the user's to repeat."""
    context = click.get_current_context()
    words = [*context.command_path.split(), "--job", job_id]
    if database := context.params.get("local_db"):
        words += ["--local-db", database]
    elif context.params.get("local"):
        words.append("--local")
    return shlex.join(words)
