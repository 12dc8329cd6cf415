"""Names of projects -> a key that is equal for names that read the same, and how to show two such names."""

from baseten_jobs.phrases import one_line


def likeness(name: str) -> str:
    """Returns a key that is equal for names that differ only in case, blanks, Unicode form or invisible characters."""
    if not name.isascii():
        from unicodedata import category, normalize  # few names need it, and every start would take longer

        name = normalize("NFKC", normalize("NFKC", name).casefold())
        name = "".join(character for character in name if category(character) != "Cf")
    return " ".join(name.casefold().split())


def apart(name: str, other: str) -> tuple[str, str]:
    """Returns two different names in quotes; what is not ASCII is escaped if both would read the same."""
    if not (name.isascii() and other.isascii()):
        from unicodedata import normalize

        if normalize("NFKC", name) == normalize("NFKC", other):
            name, other = (each.encode("ascii", "backslashreplace").decode() for each in (name, other))
    return f"'{one_line(name)}'", f"'{one_line(other)}'"
