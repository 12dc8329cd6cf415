"""What a plan was made on, and what is given now -> what may be applied: never more than either permits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.overrides import Override
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.plan import Policy

LIMITS = ("max_submits", "max_gpus", "max_cost_per_hour")
"""The fields of a policy whose lower value is the stricter one; None is no limit."""

_POLICY = tuple(each.name for each in fields(Policy))
_ENVIRONMENT = ("spec", "runtime", "environment_variables")
_SHOWN = 3


@dataclass(frozen=True)
class Terms:
    """Where, of which manifests and with which options a plan is made: all that decides on it beside the manifests."""

    target: str
    paths: tuple[str, ...]
    policy: Policy = field(default_factory=Policy)
    strict: bool = False
    overrides: tuple[Override, ...] = ()
    if_tip: str | None = None

    @classmethod
    def of(cls, target: str, inputs: Inputs, policy: Policy, if_tip: str | None) -> "Terms":
        return cls(target, tuple(inputs.paths), policy, inputs.strict, inputs.overrides, if_tip)


def differences(saved: Terms, given: Terms) -> tuple[str, ...]:
    """A sentence for each option that a plan was saved with otherwise, or laxer, than it is given now.

    Whoever can write the file of a plan may have made it up, so it decides on nothing but which of the manifests that
    are here it is about: its limits may be stricter, and count then; all else has to be the same. Only the tip may be
    asked for now although it was not for the plan.
    """
    return tuple(_differences(saved, given))


def _differences(saved: Terms, given: Terms) -> Iterator[str]:
    if saved.target != given.target:
        yield f"it was made against {_address(saved.target)}, and this is {_address(given.target)}"
    if saved.overrides != given.overrides:
        yield _differ("--set", map(_masked, saved.overrides), map(_masked, given.overrides))
    for name in _POLICY:
        theirs, ours = getattr(saved.policy, name), getattr(given.policy, name)
        if _laxer(theirs, ours) if name in LIMITS else theirs != ours:
            yield _differ(_option(name), theirs, ours)
    if given.strict and not saved.strict:
        yield _differ("--strict", saved.strict, given.strict)
    if saved.if_tip not in (None, given.if_tip):
        yield _differ("--if-tip", saved.if_tip, given.if_tip)


def narrowed(given: Terms, saved: Terms) -> Terms:
    """The terms that are given, with the limits of a saved plan where these are stricter."""
    limits: dict[str, Any] = {
        name: _stricter(getattr(given.policy, name), getattr(saved.policy, name)) for name in LIMITS
    }
    return replace(given, policy=replace(given.policy, **limits), strict=given.strict or saved.strict)


def command_line(terms: Terms) -> tuple[str, ...]:
    """The words that give these terms, without PATH and target; an option that is left out stands as it is."""
    found: list[str] = []
    for name in _POLICY:
        value, option = getattr(terms.policy, name), _option(name)
        if isinstance(value, frozenset):
            found += [word for each in sorted(value) for word in (option, each)]
        elif value != getattr(Policy(), name):
            found += [option] if value is True else [option, value if isinstance(value, str) else _number(value)]
    found += ["--strict"] if terms.strict else []
    found += [word for override in terms.overrides for word in ("--set", override.given)]
    return (*found, *(("--if-tip", terms.if_tip) if terms.if_tip else ()))


def sets_environment(terms: Terms) -> bool:
    """True if a `--set` may hold the value of an environment variable, which is never saved, nor shown."""
    return any(override.touches(_ENVIRONMENT) for override in terms.overrides)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _laxer(theirs: float | None, ours: float | None) -> bool:
    return ours is not None and (theirs is None or theirs > ours)


def _stricter(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _masked(override: Override) -> str:
    return f"{override.name}:{override.field}=***" if override.touches(_ENVIRONMENT) else override.given


def _address(target: str) -> str:
    """An address without what may be secret in it."""
    return one_line(re.sub(r"//[^/]*@", "//***@", target).partition("?")[0])


def _differ(option: str, theirs: Any, ours: Any) -> str:
    return f"{option} is {_shown(theirs)} in the plan, and {_shown(ours)} here"


def _shown(value: Any) -> str:
    if value is True or value is False:
        return "given" if value else "not given"
    if isinstance(value, int | float):
        return _number(value)
    texts = [value] if isinstance(value, str) else sorted(value) if isinstance(value, frozenset) else list(value or ())
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(f"'{one_line(text)}'" for text in texts[:_SHOWN] if text) + more or "not given"


def _number(value: float) -> str:
    return str(value).removesuffix(".0")
