"""Documents -> what a JSON Schema cannot say of them."""

__all__ = ["confusable_projects", "errors", "registry"]
