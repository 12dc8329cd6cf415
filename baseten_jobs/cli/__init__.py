"""The words of a command line -> what is done and told, and an exit code. click lives only here."""

__all__ = ["main"]
