"""One field's change -> Markdown: the old and the new value, or the words that were taken out and put in."""

from baseten_jobs.phrases import one_line
from baseten_jobs.planning.diff import Change
from baseten_jobs.report.markdown_escape import code, in_code
from baseten_jobs.report.size_limit import enough
from baseten_jobs.report.word_diff import Mark, Piece, briefly, reads_better_by_words, told, word_diff

_CHANGE = 1_500
"""Bytes after which no further word of a change is told."""

_ELEMENTS = {Mark.REMOVED: "del", Mark.ADDED: "ins"}


def change_told(change: Change) -> str:
    """What changed, as code; of a long text the words that did."""
    if brief := briefly(change):
        return code(f"{change.field}: {brief}", 1000)
    if not reads_better_by_words(change):
        return code(f"{change.field}: {one_line(told(change.old), 400)} → {one_line(told(change.new), 400)}", 1000)
    pieces = word_diff(change.old, change.new)
    words = enough(map(_piece, pieces), _CHANGE)
    more = " …" if len(words) < len(pieces) else ""
    return f"<code>{in_code(change.field)}: {''.join(words)}{more}</code>"


def _piece(piece: Piece) -> str:
    words = one_line(piece.text, 1000)
    space = words[: len(words) - len(words.lstrip(" "))]
    shown = in_code(words.lstrip(" "), 1000)
    element = _ELEMENTS.get(piece.mark)
    return space + (f"<{element}>{shown}</{element}>" if element else shown)
