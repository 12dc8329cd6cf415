"""`capacity`: how many GPUs of each type there are, are used, and are waited for."""

import click

from baseten_jobs.cli import options
from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.session import Session, guarded, opened
from baseten_jobs.provider.api.connection import Connection
from baseten_jobs.provider.capacity_reader import pools
from baseten_jobs.report import formats


@click.command("capacity", cls=HelpedCommand)
@options.output(*formats.POOLS)
@options.connection
def command(output: str, connection: Connection) -> Exit:
    """Show the limit, the use and the queue of each type of GPU, of the organisation and of its teams.

    Jobs below the baseline are expected to start at once. Spot jobs may push the use above the limit. QUEUED are the
    jobs that wait for GPUs, those that these need together, and for how long the first of them has waited.
    """
    session = Session(output)

    def work() -> Exit:
        api = opened(connection)
        found = pools(api)
        session.result(formats.POOLS[output](found, api.server_clock.now(), session.look()))
        return Exit.DONE

    return guarded(session, work)
