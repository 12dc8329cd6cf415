"""The parts of one embedded API, put together from its settings, and how a request reaches them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import request

from . import projects
from .capacity import CapacityRules
from .creation import Creator
from .faults import Dice
from .ledger import Counts
from .settings import Settings
from .shapes import View
from .store import Store, Transaction

ENVIRON = "baseten_jobs.emulator"
"""Where a WSGI environment has the core that answers its request."""


class Core:
    """Everything that outlives a request."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database, settings.clock, settings.speed)
        self.capacity = CapacityRules(settings.capacity)
        self.dice = Dice(settings.seed, settings.faults)
        self.creator = Creator(settings, self.capacity, self.dice)
        self.counts = Counts()
        self._closing = threading.Event()
        try:
            with self.store.writing() as transaction:
                projects.ensure_teams(transaction, settings.teams)
        except BaseException:
            self.store.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A view in which every waiting job whose turn has come is released."""
        with self.store.reading() as transaction:
            if not self.capacity.is_due(transaction):
                yield transaction
                return
        with self.store.writing() as transaction:
            self.capacity.settle(transaction)
        with self.store.reading() as transaction:
            yield transaction

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A change; the queue is settled before it, and again by the next read."""
        with self.store.writing() as transaction:
            if self.capacity.is_due(transaction):
                self.capacity.settle(transaction)
            yield transaction

    def view(self, transaction: Transaction) -> View:
        return View(transaction.now, self.dice)

    def pause(self, seconds: float) -> None:
        """Wait as the settings say; closing ends a wait."""
        if seconds <= 0:
            return
        if self.settings.sleep is None:
            self._closing.wait(seconds)
        else:
            self.settings.sleep(seconds)

    def close(self) -> None:
        """End every wait and close the database."""
        self._closing.set()
        self.store.close()


def core() -> Core:
    """The core of the application that handles the current request."""
    return cast(Core, request.environ[ENVIRON])
