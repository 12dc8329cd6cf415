"""Requests, an observation and the history of their manifests -> a plan."""

__all__ = [
    "capacity",
    "decide",
    "diff",
    "guards",
    "history",
    "idleness",
    "limits",
    "named",
    "plan",
    "policy_fields",
    "preflight",
    "problems",
    "records",
    "runs",
    "saved_plan",
    "spec_commit",
    "stages",
    "terms",
    "twins",
    "unclaimed",
]
