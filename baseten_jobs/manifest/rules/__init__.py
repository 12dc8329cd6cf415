"""Documents -> diagnostics of what a JSON Schema can't express; and the registry of all rules."""

__all__ = ["confusable_projects", "errors", "lookup", "registry", "start_commands", "warnings"]
