"""Limits of what is submitted, or stopped -> what it costs at most, of each job and of all."""

from collections.abc import Mapping
from typing import Any

from baseten_jobs.job.cost import usd_of
from baseten_jobs.phrases import count
from baseten_jobs.planning.plan import Action, Plan, Verb


def usd_at_most(action: Action) -> float | None:
    """What the job of an action costs at most, in USD; None if no limit says so, or its price is not known."""
    limits = action.request.limits
    return limits.usd_at_most(usd_of(action.cost)) if limits else None


def at_most(action: Action) -> list[str]:
    """`about $624 at most`, in a list; an empty one if nothing limits it."""
    usd = usd_at_most(action)
    return [] if usd is None else [_words(usd)]


def in_all(plan: Plan) -> str:
    """What all submits cost at most, to stand behind what they cost per hour."""
    submits = plan.of(Verb.SUBMIT)
    known = [usd for action in submits if (usd := usd_at_most(action)) is not None]
    if not known:
        return ""
    unlimited = len(submits) - len(known)
    beside = f", not counting {count(unlimited, 'job')} with no known limit" if unlimited else ""
    return f"; {_words(sum(known))}{beside}"


def of_action(action: Action) -> Mapping[str, Any]:
    """For JSON: what a job costs per hour and, if it has a limit, at most, both in USD; and what one over it took."""
    limited = (
        {"cost_at_most": _cents(usd_at_most(action))} if action.request.limits and action.verb is Verb.SUBMIT else {}
    )
    took = action.over_limit
    over = {"over_limit": {"seconds": round(took.seconds.least), "usd_at_most": _cents(took.usd.most)}} if took else {}
    return {"cost_per_hour": usd_of(action.cost), **limited, **over}


def _cents(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 2)


def _words(usd: float) -> str:
    return f"about ${usd:,.0f} at most" if usd >= 10 else f"about ${usd:,.2f} at most"
