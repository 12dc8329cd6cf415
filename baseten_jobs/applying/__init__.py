"""A plan -> what became of each of its actions."""

__all__ = [
    "carry_out",
    "execute",
    "in_flight",
    "intent",
    "outcome",
    "settle",
    "stages",
    "upload",
    "wait",
]
