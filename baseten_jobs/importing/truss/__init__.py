"""Python files of the incumbent client -> drafts, read without running them."""
