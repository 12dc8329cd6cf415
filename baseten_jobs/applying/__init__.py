"""A plan -> what became of each of its actions."""
