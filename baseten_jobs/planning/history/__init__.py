"""A checkout -> what its git history shows of the manifests, and the code, that jobs were made from."""

__all__ = [
    "branch_tip", "code_revisions", "limit_proof", "past_manifests", "provenance", "review", "run_commits",
    "spec_commits", "unclaimed_jobs", "verdict",
]  # fmt: skip
