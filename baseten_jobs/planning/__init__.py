"""Requests, an observation and the history of manifests -> a plan."""
