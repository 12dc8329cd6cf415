"""Submits -> what became of each: sent in parallel, answers checked, the rest settled, lost jobs stopped."""

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from baseten_jobs.applying.in_flight import Ledger
from baseten_jobs.applying.known import CreateKey
from baseten_jobs.applying.outcome import Fate, Outcome
from baseten_jobs.applying.plausibility import Shown, letters_lost, shown_as
from baseten_jobs.applying.settle import Settlement
from baseten_jobs.applying.submit import Asked, Created, CreateRefused, CreateUnknown, NotCreated, Proof, create
from baseten_jobs.job.names import Signature
from baseten_jobs.job.observation import ObservedJob, short
from baseten_jobs.job.request import JobRequest
from baseten_jobs.planning.plan import Action
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.api.pacing import Clock
from baseten_jobs.provider.snapshot import look_at
from baseten_jobs.provider.stop import stop_job

_STOPPERS = 8
_PATIENCE, _WITHIN = 60.0, 10.0
"""Seconds that a stop may take in all, and that one read may take."""


@dataclass
class Halt:
    """Whether the apply starts anything more: not after a signal or a 401, nor while a job's name may be lost."""

    clock: Clock
    halted: threading.Event = field(default_factory=threading.Event)
    unauthorised: str = ""

    @property
    def over(self) -> bool:
        return self.halted.is_set() or self.clock.interrupted.is_set()

    def refuse(self, status: int | None, reason: str) -> None:
        """Halt the apply if the status is 401, with the reason."""
        if status == 401:
            self.unauthorised = reason
            self.halted.set()


class Creates:
    """The creates of one apply, `concurrency` at a time."""

    def __init__(
        self, api: Api, settlement: Settlement, halt: Halt, ledger: Ledger, concurrency: int, signature: Signature
    ) -> None:
        self.api, self.settlement, self.halt, self.ledger = api, settlement, halt, ledger
        self._concurrency, self._signature = concurrency, signature
        self._requests: Mapping[CreateKey, JobRequest] = {}
        self._proofs: dict[CreateKey, Proof] = {}
        self._lost: dict[CreateKey, str] = {}
        self._wronged: dict[CreateKey, str] = {}
        self._names_are_left_out = False

    def carry_out(self, requests: Mapping[CreateKey, JobRequest]) -> None:
        """Send a create for each request, and settle those whose answers prove nothing; some may be sent once more."""
        self._requests = requests
        self._send_checked(list(requests))
        settlement = self.settlement
        if self.halt.unauthorised:  # most likely no read can succeed any more
            settlement.windows = replace(settlement.windows, settle=0.0)
        if settlement.unknown:
            self._settle_unknown()
        self._find_twins()
        self._stop_lost()
        if self._wronged and not self.halt.over:
            self._send_again(self._wronged)
            self._find_twins()
            self._stop_lost()
        self._go_on()

    def outcome(self, action: Action, key: CreateKey) -> Outcome:
        """What became of a submit, after `carry_out`. The ledger counts it as settled, unless it is still unknown."""
        outcome = self._outcome(action, key)
        if outcome.fate is not Fate.UNKNOWN:
            self.ledger.settled(action.request.job_name)
        return outcome

    def _outcome(self, action: Action, key: CreateKey) -> Outcome:
        proof, settlement = self._proofs.get(key), self.settlement
        if proof is None:
            return Outcome(action, Fate.SKIPPED, error="not started")
        if key in self._lost:
            return Outcome(action, Fate.FAILED, settlement.lost[key].job_id, self._lost[key])
        settled = settlement.settled(key)
        if settled.job_id is not None:
            fate = Fate.ADOPTED if settled.adopted else Fate.SUBMITTED
            warning = "" if settled.adopted else letters_lost(settled.job_id, settled.name)
            return Outcome(
                action, fate, settled.job_id, unclear=settled.unclear, submitted_name=settled.name, warning=warning
            )
        if key in self._wronged:
            error = f"job {self._wronged[key]} was stopped while no row showed its name, which it has after all"
            return Outcome(action, Fate.FAILED, self._wronged[key], f"{error}: `--retry-failed {key.identity.name}`")
        if isinstance(proof, CreateRefused) and (key not in settlement.unknown or settlement.was_searched(key)):
            return Outcome(action, Fate.FAILED, error=proof.reason)
        if reason := settlement.unknown.get(key):
            return _unknown(action, reason, settlement.holder(key) if key in settlement.taken else None)
        reason = f"not created: {proof.reason}" if isinstance(proof, NotCreated) else ""
        interrupted = isinstance(proof, NotCreated) and proof.interrupted
        return Outcome(action, Fate.SKIPPED if interrupted else Fate.FAILED, error=reason)

    # Sending

    def _send_checked(self, keys: list[CreateKey]) -> None:
        """Send the creates; after an answer with another name the rest waits until the job's name is looked up."""
        while keys:
            self._send(keys)
            doubtful = [key for key in keys if self._is_doubtful(key)]
            if not doubtful:
                return
            self.ledger.say("a create was answered with another name: looking for its job")
            nameless = any(not self.settlement.own[key].name for key in doubtful)
            hidden = self.settlement.check_names(doubtful)
            self._stop_lost()
            self._names_are_left_out = self._names_are_left_out or (nameless and not hidden)
            self._go_on()
            keys = [] if self.halt.over else [key for key in keys if self._is_unsent(key)]

    def _is_unsent(self, key: CreateKey) -> bool:
        proof = self._proofs.get(key)
        return proof is None or (isinstance(proof, NotCreated) and proof.interrupted)

    def _send_again(self, keys: Collection[CreateKey]) -> None:
        """Send one more create for each key, and look for the jobs of both creates for a whole window."""
        self.ledger.total += len(keys)
        self._send(sorted(keys))
        self.settlement.watch(keys)

    def _send(self, keys: Collection[CreateKey]) -> None:
        """Send one create for each key, and note its proof; none is noted for a key whose create was not started."""
        with ThreadPoolExecutor(self._concurrency, "create") as pool:
            proofs = list(pool.map(self._create, keys))
        for key, proof in zip(keys, proofs, strict=True):
            if proof is not None:
                self._note(key, proof)

    def _create(self, key: CreateKey) -> Proof | None:
        if self.halt.over:
            return None
        request = self._requests[key]
        self.ledger.sent(request.job_name)
        name = self.settlement.signed(key, self._signature, request.retry)
        asked = Asked(key.project_id, name, {**request.training_job, "name": str(name)}, self.settlement.seen)
        proof = create(self.api, asked, lambda: self.halt.over)
        if isinstance(proof, Created | CreateUnknown):
            self.settlement.last_create[key.project_id] = self.api.clock.now()
        if isinstance(proof, Created) and self._in_doubt(key, proof.job):
            self.halt.halted.set()
        elif isinstance(proof, CreateRefused):
            self.halt.refuse(proof.status, proof.reason)
        if isinstance(proof, CreateRefused | NotCreated) or (
            isinstance(proof, Created) and not self.halt.halted.is_set()
        ):
            self.ledger.settled(request.job_name)
        self.ledger.step(f"{_said(proof)} {request.job_name}")
        return proof

    def _note(self, key: CreateKey, proof: Proof) -> None:
        self._proofs[key], settlement = proof, self.settlement
        if isinstance(proof, Created):
            if any(proof.job.id == other.id for other in settlement.own.values()):
                proof = CreateUnknown(
                    f"the answer names job {proof.job.id}, which another create was answered with too"
                )
            else:
                settlement.own[key] = proof.job
                settlement.unknown.pop(key, None)
                settlement.refused.discard(key)
        if isinstance(proof, CreateUnknown):
            settlement.refused.discard(key)
            settlement.unknown.setdefault(key, proof.reason)
            settlement.taken |= {key} if proof.taken else set()
        elif isinstance(proof, CreateRefused | NotCreated) and key not in settlement.unknown:
            settlement.refused.add(key)

    # Doubts

    def _is_doubtful(self, key: CreateKey) -> bool:
        return key in self.settlement.own and self._in_doubt(key, self.settlement.own[key])

    def _in_doubt(self, key: CreateKey, job: ObservedJob) -> bool:
        """True if a create was answered with another name, or without one by a server that usually gives names."""
        return job.identity != key.identity and bool(job.name or not self._names_are_left_out)

    def _go_on(self) -> None:
        """Go on after a halt for a doubtful name, if no job is lost and no name is in doubt any more."""
        doubted = self._lost or any(map(self._is_doubtful, self.settlement.own))
        if not (doubted or self.halt.unauthorised):
            self.halt.halted.clear()

    def _stop_lost(self) -> None:
        """Stop the jobs whose names are lost, in parallel; one shown by its own name afterwards is sent again."""
        lost = [key for key in self.settlement.lost if key not in self._lost]
        if not lost:
            return
        self.halt.halted.set()
        with ThreadPoolExecutor(min(_STOPPERS, len(lost)), "stop") as pool:
            self._lost |= dict(zip(lost, pool.map(self._stop, lost), strict=True))
        looks = look_at(self.api.hasty(1, _WITHIN), {key.project_id for key in lost})
        for key in lost:
            job_id = self.settlement.lost[key].job_id
            if shown_as(looks[key.project_id].rows(job_id), *key) is Shown.OWN:
                del self._lost[key], self.settlement.lost[key]
                self._wronged[key] = job_id

    def _stop(self, key: CreateKey) -> str:
        """Stop a job whose name is lost, if it is in its project; returns the error of its outcome."""
        lost = self.settlement.lost[key]
        renamed = f"the server made job {lost.job_id} {lost.words}, so its identity is lost"
        if not lost.here:
            return (
                f"{renamed}; it was not stopped: look at it, and stop it by hand if it is yours, before you apply again"
            )
        try:
            stop_job(self.api, key.project_id, lost.job_id, _PATIENCE)
        except ApiError as error:
            return f"{renamed}; it could not be stopped, stop it by hand: {error}"
        return f"{renamed}; it was stopped, and nothing more is submitted"

    # Settling

    def _settle_unknown(self) -> None:
        count, window = len(self.settlement.unknown), self.settlement.windows.settle
        self.ledger.say(f"{count} creates without a clear answer: searching up to {window:g} s")
        absent = self.settlement.search_unknown()
        if absent and window > 0 and not self.halt.over:  # without a window absence proves nothing
            self._send_again(absent)

    def _find_twins(self) -> None:
        if self.settlement.own or self.settlement.unknown:
            windows = self.settlement.windows
            most = max(windows.twins_after, windows.settle)
            self.ledger.say(f"looking for twins of the new jobs, up to {most:g} s")
        self.settlement.find_twins()


def _unknown(action: Action, reason: str, holder: ObservedJob | None) -> Outcome:
    if holder is not None:
        error = f"{reason}; job {holder.id} ({short(holder.status)}) has this name"
        return Outcome(action, Fate.FAILED, error=error)
    name = action.request.job_name
    remedy = "run apply again, which finds it or submits it"
    return Outcome(action, Fate.UNKNOWN, error=f"{reason}; nobody knows yet whether job '{name}' exists: {remedy}")


def _said(proof: Proof) -> str:
    words = {
        Created: "submitted",
        NotCreated: "not created",
        CreateRefused: "failed",
        CreateUnknown: "no clear answer for",
    }
    return words[type(proof)]
