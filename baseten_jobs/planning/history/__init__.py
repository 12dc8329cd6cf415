"""A checkout -> what its git history shows of the manifests, and the code, that jobs were made from."""

__all__ = ["branch_tip", "limit_proof", "provenance", "review", "spec_commits", "unclaimed_jobs", "verdict"]
