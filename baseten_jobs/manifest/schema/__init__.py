"""The published schema -> what fits it, and what does not in words."""
