"""Text from anywhere -> HTML that shows it and does nothing else."""

from collections.abc import Iterable
from html import escape

from baseten_jobs.phrases import one_line


def text(value: object, limit: int = 200) -> str:
    """One line of text, for an element or for a quoted attribute."""
    return escape(one_line(str(value), limit))


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element around HTML; attributes are escaped, and left out where they are None.

    An underscore in an attribute's name stands for a `-`, one behind it for nothing, as in `class_`.
    """
    return f"<{name}{_attributes(attributes)}>{content}</{name}>"


def shape(name: str, **attributes: object) -> str:
    """An SVG element without content."""
    return f"<{name}{_attributes(attributes)}/>"


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(value, 1000)}"'
        for name, value in attributes.items()
        if value is not None
    )


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A small table, whose first column has its rows' heads; all cells are HTML already, the others are numbers."""
    first, *others = heads
    head = tag("th", first, scope="col") + "".join(tag("th", each, scope="col", class_="n") for each in others)
    body = "\n".join(
        tag("tr", tag("th", row[0], scope="row") + "".join(tag("td", each, class_="n") for each in row[1:]))
        for row in map(tuple, rows)
    )
    return tag("table", f"{tag('caption', caption)}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>")


def percent(part: float, whole: float) -> str:
    """`12.34%`."""
    return f"{100 * part / whole if whole else 0.0:.2f}%"
