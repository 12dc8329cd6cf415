"""A checkout -> what git tells of the manifests, and the code, that jobs came from."""

__all__ = ["branch_tip", "review"]
