"""The options of each command -> what it does, and its exit code."""
