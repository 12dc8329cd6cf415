"""Plan -> the file that remembers it, and back: hashes and ids, never a value of the environment."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from baseten_jobs.overrides import Override
from baseten_jobs.plan import Action, Plan, Policy
from baseten_jobs.printable import document

FORMAT = "1.0"


@dataclass(frozen=True)
class SavedPlan:
    """What was planned, against what, with which options; `actions` in a form that compares."""

    target: str
    paths: tuple[str, ...]
    options: Mapping[str, Any]
    actions: tuple[Mapping[str, Any], ...]

    def dumped(self) -> str:
        return (
            document(
                {
                    "format_version": FORMAT,
                    "kind": "baseten-jobs-plan",
                    "target": self.target,
                    "paths": list(self.paths),
                    "options": dict(self.options),
                    "actions": [dict(a) for a in self.actions],
                }
            )
            + "\n"
        )

    def stale(self, plan: Plan) -> tuple[str, ...]:
        """What differs between this plan and the one made now; empty where it may be applied."""
        before = {_title(action): action for action in self.actions}
        now = {_title(action): action for action in planned(plan)}
        return (
            *(f"{title} is no longer planned" for title in before if title not in now),
            *(f"{title} is planned now" for title in now if title not in before),
            *(f"{title} differs" for title in now if title in before and now[title] != before[title]),
        )


def remembered(
    policy: Policy, strict: bool, overrides: Sequence[Override], concurrency: int, settle: float
) -> Mapping[str, Any]:
    """The options that a saved plan is applied with."""
    decided = {f.name: getattr(policy, f.name) for f in fields(policy)}
    plain = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in decided.items()}
    texts = [f"{override.name}:{override.field}={override.text}" for override in overrides]
    return {"policy": plain, "strict": strict, "set": texts, "concurrency": concurrency, "settle": settle}


def policy_of(options: Mapping[str, Any]) -> Policy:
    """The policy that a plan was saved with; raises TypeError or ValueError for one that can't be."""
    plain = options["policy"]
    usual = remembered(Policy(), False, (), 1, 0.0)["policy"]
    for name, value in plain.items():
        kinds = {type(usual.get(name)), *({int, float, type(None)} if usual.get(name) in (None, 10) else ())}
        if type(value) not in kinds or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            raise ValueError(f"the plan's option '{name}' can't be {value!r}")
    return Policy.of(plain)


def planned(plan: Plan) -> tuple[Mapping[str, Any], ...]:
    """The actions of a plan as a saved plan holds them."""
    return tuple(_remembered(plan, action) for action in plan.actions)


def loaded(text: str) -> SavedPlan:
    """Read a saved plan; raises ValueError for any other file."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("kind") != "baseten-jobs-plan":
        raise ValueError("this is not a plan that `plan --out` wrote")
    if str(data.get("format_version", "")).split(".")[0] != FORMAT.split(".")[0]:
        raise ValueError(f"its format_version {data.get('format_version')!r} is not supported")
    paths: Any = data.get("paths")
    options: Any = data.get("options")
    actions: Any = data.get("actions")
    whole = isinstance(data.get("target"), str) and isinstance(options, dict)
    whole = whole and isinstance(paths, list) and all(isinstance(path, str) for path in paths)
    if not (whole and isinstance(actions, list) and all(isinstance(action, dict) for action in actions)):
        raise ValueError("the plan is not whole")
    return SavedPlan(data["target"], tuple(paths), options, tuple(actions))


def _remembered(plan: Plan, action: Action) -> Mapping[str, Any]:
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
        "hash": _hash(
            {
                "body": request.body,
                "stop": request.stop_superseded,
                "suspended": request.suspended,
                "team": request.project.team,
            }
        ),
    }


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _title(action: Mapping[str, Any]) -> str:
    """What is unique in a plan: a manifest has one action, and a stop for each job that it supersedes."""
    job = f" (job {action.get('job')})" if action.get("action") == "stop" else ""
    return f"{action.get('action')} {action.get('name')}{job} in {action.get('project')}"
