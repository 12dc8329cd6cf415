"""Baseten training jobs as reviewed YAML: load, validate, compile, observe, plan, apply, report."""

__version__ = "0.1.0"
