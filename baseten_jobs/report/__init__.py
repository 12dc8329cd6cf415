"""Plans, outcomes and diagnostics -> str: one module a format."""
