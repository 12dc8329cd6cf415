"""`--if-tip`: whether a command goes on, before anything is asked of the API."""

from collections.abc import Sequence

from baseten_jobs.applying.stages import GivenUp
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.github_step import Step
from baseten_jobs.cli.interrupts import raising
from baseten_jobs.cli.session import Session
from baseten_jobs.compilation import Compiled
from baseten_jobs.git.process import GitError
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.history.branch_tip import Tip, look


def asked(
    session: Session, step: Step, branch: str, paths: Sequence[str], compiled: Compiled, undone: str
) -> Tip | Exit | None:
    """The branch's tip where the command may go on, or the exit code where it ends; None where no branch is named.

    `undone` is what a message says of an overtaken commit, such as `not applied`.
    """
    if not branch:
        return None
    try:
        with raising():
            tip = look(branch, paths, compiled.documents)
    except GitError as error:
        told = f"whether this is the tip of '{one_line(branch)}' can't be told: {error}; nothing was sent"
        return session.fail(told, Exit.FAILED)
    except KeyboardInterrupt:
        return session.fail("interrupted", Exit.INTERRUPTED)
    if tip.overtaken:
        step.skip(session, tip.told(undone))
        return Exit.DONE
    step.go_on()
    return tip


def overtaken(branch: str | None, paths: Sequence[str], compiled: Compiled) -> GivenUp | None:
    """Why stages that are due are not submitted any more: the branch has another commit by now, or can't be asked."""
    if not branch:
        return None
    try:
        tip = look(branch, paths, compiled.documents)
    except GitError as error:
        return GivenUp(f"whether this is the tip of '{one_line(branch)}' can't be told: {error}")
    return GivenUp(tip.told("not submitted"), failure=False) if tip.overtaken else None
