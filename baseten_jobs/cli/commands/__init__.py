"""The options of one command -> its exit code, a module for each."""
