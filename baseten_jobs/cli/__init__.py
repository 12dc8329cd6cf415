"""The words of a command line -> what a command does and prints, and its exit code. click lives only here."""

__all__ = ["main"]
