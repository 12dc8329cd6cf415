"""What a plan was made on, and what is given now -> what may be applied: never more than either permits."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from baseten_jobs.manifest.inputs import Inputs
from baseten_jobs.manifest.overrides import Override
from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.planning.masking import is_of_the_environment, masked
from baseten_jobs.planning.plan import Policy
from baseten_jobs.planning.policy_fields import FIELDS, flag_shown, option_of, text_shown, texts_shown, words_of

LIMITS = tuple(name for name, kind in FIELDS.items() if kind.limit)
"""The fields of a policy whose lower value is the stricter one; None is no limit."""


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
        yield _differ("--set", texts_shown, _masked(saved.overrides), _masked(given.overrides))
    for name, kind in FIELDS.items():
        theirs, ours = getattr(saved.policy, name), getattr(given.policy, name)
        if _laxer(theirs, ours) if kind.limit else theirs != ours:
            yield _differ(option_of(name), kind.shown, theirs, ours)
    if given.strict and not saved.strict:
        yield _differ("--strict", flag_shown, saved.strict, given.strict)
    if saved.if_tip not in (None, given.if_tip):
        yield _differ("--if-tip", text_shown, saved.if_tip, given.if_tip)


def narrowed(given: Terms, saved: Terms) -> Terms:
    """The terms that are given, with the limits of a saved plan where these are stricter."""
    limits: dict[str, Any] = {
        name: _stricter(getattr(given.policy, name), getattr(saved.policy, name)) for name in LIMITS
    }
    return replace(given, policy=replace(given.policy, **limits), strict=given.strict or saved.strict)


def command_line(terms: Terms) -> tuple[str, ...]:
    """The words that give these terms, without PATH and target; an option that is left out stands as it is."""
    strict = ("--strict",) if terms.strict else ()
    overrides = (word for override in terms.overrides for word in ("--set", override.given))
    tip = ("--if-tip", terms.if_tip) if terms.if_tip else ()
    return (*words_of(terms.policy), *strict, *overrides, *tip)


def sets_environment(terms: Terms) -> bool:
    """True if a `--set` may hold the value of an environment variable, which is never saved, nor shown."""
    return any(is_of_the_environment(override.field) for override in terms.overrides)


def _laxer(theirs: float | None, ours: float | None) -> bool:
    return ours is not None and (theirs is None or theirs > ours)


def _stricter(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _masked(overrides: Sequence[Override]) -> list[str]:
    """Overrides as they were given, without values of the environment and what looks like a secret."""
    shown = (masked(Change(each.field, None, each.text, given=True)).new for each in overrides)
    return [f"{each.name}:{each.field}={value}" for each, value in zip(overrides, shown, strict=True)]


def _address(target: str) -> str:
    """An address without what may be secret in it."""
    return one_line(re.sub(r"//[^/]*@", "//***@", target).partition("?")[0])


def _differ(option: str, shown: Callable[[Any], str], theirs: Any, ours: Any) -> str:
    return f"{option} is {shown(theirs)} in the plan, and {shown(ours)} here"
