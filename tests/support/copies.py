"""Plans -> plans that are equal, and share not one object with them or within themselves."""

from copy import deepcopy
from dataclasses import replace

from baseten_jobs.planning.plan import Plan


def copied(plan: Plan) -> Plan:
    """As a stage may hand a plan on: every action is a copy, with a request and jobs of its own."""
    return replace(plan, actions=tuple(deepcopy(action) for action in plan.actions))
