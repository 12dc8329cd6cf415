"""Plan -> the file that remembers it, and back: hashes and ids, never a value of the environment."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baseten_jobs.job.retry_policy import RetryPolicy
from baseten_jobs.manifest.overrides import parse_override
from baseten_jobs.phrases import document, one_line
from baseten_jobs.planning.plan import Action, Plan, Policy, Verb
from baseten_jobs.planning.policy_fields import FIELDS, are_texts, plain_of, policy_of
from baseten_jobs.planning.terms import Terms

_FORMAT = "1.1"
_THEN = Verb.SUBMIT.value
MAX_BYTES = 16 * 1024 * 1024

_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "policy": (dict,), "strict": (bool,), "set": (list,), "if_tip": (str, type(None)),
}  # fmt: skip
_ACTION: Mapping[str, tuple[type, ...]] = {
    "action": (str,), "project": (str,), "project_id": (str, type(None)), "name": (str,), "attempt": (int,),
    "digest": (str,), "job": (str, type(None)), "past": (list,), "then": (str, type(None)), "hash": (str,),
}  # fmt: skip
_BEFORE = {"then": None}
"""Fields that earlier versions did not save."""


@dataclass(frozen=True)
class SavedPlan:
    """What was planned, and on which terms; `actions` are compared with those of a new plan, and never carried out."""

    terms: Terms
    actions: tuple[Mapping[str, Any], ...]

    def dumped(self) -> str:
        content = {
            "format_version": _FORMAT,
            "kind": "baseten-jobs-plan",
            "target": self.terms.target,
            "paths": list(self.terms.paths),
            "options": {
                "policy": plain_of(self.terms.policy),
                "strict": self.terms.strict,
                "set": [override.given for override in self.terms.overrides],
                "if_tip": self.terms.if_tip,
            },
            "actions": [dict(action) for action in self.actions],
        }
        return document(content) + "\n"

    def stale(self, plan: Plan) -> tuple[str, ...]:
        """What differs between this plan and the one made now; empty where it may be applied.

        What was to be submitted later is no difference if it may be submitted now: a stage once others have run, a
        retry once it is due.
        """
        before = {_title(action): action for action in self.actions}
        now = {_title(action): action for action in planned(plan)}
        for became, was in _due(plan, before):
            before.pop(was, None)
            now.pop(became)
        return (
            *(f"{title} is no longer planned" for title in before if title not in now),
            *(f"{title} is planned now" for title in now if title not in before),
            *(f"{title} differs" for title in now if title in before and now[title] != before[title]),
        )


def _due(plan: Plan, before: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The titles of submits, and of the stops after them, that holds became; and of the holds as they were saved."""
    for action in plan.of(Verb.SUBMIT):
        held = (_remembered(plan, each, then=_THEN) for each in _as_held(action))
        was = next((title for each in held if before.get(title := _title(each)) == each), None)
        if was is None:
            continue
        yield _title(_remembered(plan, action)), was
        for stop in plan.of(Verb.STOP):
            follows = stop.follows_a_submit and stop.key.of_manifest == action.key
            if follows and stop.job and stop.job.id in action.past:
                yield _title(_remembered(plan, stop)), was


def _as_held(action: Action) -> Iterator[Action]:
    """The holds that a submit may have been before: of a stage that waited, of a retry that was not due."""
    held = replace(action, verb=Verb.HOLD, request=action.request.unloaded)
    if action.request.upstreams:
        yield held
    if action.retry is not None and action.retry.due is not None:
        yield replace(held, job=action.retry.of)


def planned(plan: Plan) -> tuple[Mapping[str, Any], ...]:
    """The actions of a plan as a saved plan holds them."""
    return tuple(_remembered(plan, action) for action in plan.actions)


def loaded(text: str) -> SavedPlan:
    """Read a saved plan; raises ValueError for any other file, and for one that is not just as a plan is saved."""
    try:
        return _loaded(json.loads(text, object_pairs_hook=_each_once, parse_int=_integer))
    except json.JSONDecodeError as error:
        raise ValueError(f"this is no JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _loaded(data: Any) -> SavedPlan:
    if not isinstance(data, dict) or data.get("kind") != "baseten-jobs-plan":
        raise ValueError("this is not a plan that `plan --out` wrote")
    version = data.get("format_version")
    if not isinstance(version, str) or version.split(".")[0] != _FORMAT.split(".")[0]:
        raise ValueError(f"its format_version {_quoted(version)} is not supported")
    target, paths, actions = (data.get(name) for name in ("target", "paths", "actions"))
    if not (isinstance(target, str) and are_texts(paths) and isinstance(actions, list)):
        raise ValueError("the plan is not whole")
    options = _fields(data.get("options"), _OPTIONS, "option")
    if not are_texts(options["set"]):
        raise ValueError("the plan's option 'set' is no list of texts")
    try:
        overrides = tuple(map(parse_override, options["set"]))
    except ValueError as error:
        raise ValueError(f"the plan's option 'set': {error}") from None
    policy, if_tip = _policy(options["policy"]), options["if_tip"] or None
    return SavedPlan(Terms(target, tuple(paths), policy, options["strict"], overrides, if_tip), _actions(actions))


def _policy(plain: Any) -> Policy:
    values = _fields(plain, {name: kind.plain for name, kind in FIELDS.items()}, "option")
    for name, value in values.items():
        if not FIELDS[name].fits(value):
            raise ValueError(f"the plan's option '{name}' can't be {_quoted(value)}")
    return policy_of(values)


def _actions(found: Sequence[Any]) -> tuple[Mapping[str, Any], ...]:
    whole = ({**_BEFORE, **action} if isinstance(action, dict) else action for action in found)
    actions = tuple(_fields(action, _ACTION, "action") for action in whole)
    titles = set()
    for action in actions:
        if not are_texts(action["past"]):
            raise ValueError("the plan is not whole: 'past' is no list of texts")
        if (title := _title(action)) in titles:
            raise ValueError(f"the plan is not whole: {title} is there twice")
        titles.add(title)
    return actions


def _fields(found: Any, kinds: Mapping[str, tuple[type, ...]], what: str) -> Mapping[str, Any]:
    """An object that has just these fields; raises ValueError for any other value."""
    if not isinstance(found, dict):
        raise ValueError(f"the plan is not whole: {_quoted(found)} is no {what}")
    if odd := sorted(found.keys() ^ kinds.keys()):
        told = "is not known" if odd[0] in found else "is not there"
        raise ValueError(f"the plan is not whole: the {what}'s field {_quoted(odd[0])} {told}")
    for name, value in found.items():
        if type(value) not in kinds[name]:
            raise ValueError(f"the plan's {what} '{name}' can't be {_quoted(value)}")
    return found


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """One of two fields of one name counts for one reader, and the other for another."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is there twice")
    return found


def _integer(digits: str) -> float:
    """Python refuses to read thousands of digits; no number of ours has so many."""
    return int(digits) if len(digits) <= 20 else float(digits)


def _quoted(value: Any) -> str:
    return one_line(repr(value)) if not isinstance(value, dict | list) else "..."


def _remembered(plan: Plan, action: Action, then: str | None = None) -> Mapping[str, Any]:
    request, project = action.request, plan.project_of(action)
    return {
        "action": action.verb.value,
        "project": str(request.project),
        "project_id": project.id,
        "name": request.name,
        "attempt": request.attempt,
        "digest": request.digest,
        "job": action.job.id if action.job else None,
        "past": list(action.past),
        "then": _THEN if action.submits_later else then,
        "hash": _hash(
            {
                "body": request.body,
                "stop": request.stop_superseded,
                "suspended": request.suspended,
                "team": request.project.team,
                **({"retries": _plain(request.retries)} if request.retries else {}),
                **({"limits": dict(vars(request.limits))} if request.limits else {}),
                **({"over_limit": True} if action.over_limit else {}),
                **({"updates": action.updates} if action.updates else {}),
            }
        ),
    }


def _plain(retries: RetryPolicy) -> Mapping[str, Any]:
    return {**vars(retries), "when": sorted(retries.when)}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _title(action: Mapping[str, Any]) -> str:
    """What is unique in a plan: a manifest has one action, and a stop for each job that it supersedes."""
    job = f" (job {action['job']})" if action["action"] == "stop" else ""
    return one_line(f"{action['action']} {action['name']}{job} in {action['project']}", 1024)
