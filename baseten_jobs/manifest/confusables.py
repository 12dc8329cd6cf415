"""Names of projects -> whether people take them for the same, and how to show two that read the same."""

from baseten_jobs.phrases import one_line


def likeness(name: str) -> str:
    """Equal for names that differ only in case, in blanks, in how letters are composed, or in what can't be seen."""
    if not name.isascii():
        from unicodedata import category, normalize  # few names need it, and every start would pay for it

        name = normalize("NFKC", normalize("NFKC", name).casefold())
        name = "".join(character for character in name if category(character) != "Cf")
    return " ".join(name.casefold().split())


def apart(name: str, other: str) -> tuple[str, str]:
    """Two different names in quotes: where both would read the same, all that is not ASCII is escaped."""
    if not (name.isascii() and other.isascii()):
        from unicodedata import normalize

        if normalize("NFKC", name) == normalize("NFKC", other):
            name, other = (each.encode("ascii", "backslashreplace").decode() for each in (name, other))
    return f"'{one_line(name)}'", f"'{one_line(other)}'"
