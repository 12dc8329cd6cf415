"""A plan -> what became of each of its actions."""

__all__ = ["execute", "in_flight", "intent", "outcome", "second_look", "settle", "stages", "upload", "wait"]
