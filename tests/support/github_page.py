"""Markdown -> a page that shows it about as GitHub shows the comment of a pull request, for a browser to draw."""

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

_COLOURS = {
    "light": {
        "page": "#ffffff", "text": "#1f2328", "muted": "#59636e", "border": "#d1d9e0", "head": "#f6f8fa",
        "row": "#f6f8fa", "code": "#818b981f", "link": "#0969da",
    },
    "dark": {
        "page": "#0d1117", "text": "#f0f6fc", "muted": "#9198a1", "border": "#3d444d", "head": "#151b23",
        "row": "#151b23", "code": "#656c7633", "link": "#4493f8",
    },
}  # fmt: skip

_STYLE = """\
* { box-sizing: border-box }
body { margin: 0; padding: 16px; background: PAGE; color: TEXT;
  font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
.comment { border: 1px solid BORDER; border-radius: 6px; overflow: hidden }
.author { padding: 8px 16px; background: HEAD; border-bottom: 1px solid BORDER; color: MUTED }
.author b { color: TEXT }
.markdown-body { padding: 16px; overflow-wrap: break-word }
.markdown-body > :first-child { margin-top: 0 }
.markdown-body > :last-child { margin-bottom: 0 }
h3 { font-size: 1.25em; font-weight: 600; line-height: 1.25; margin: 24px 0 16px }
p, ul, details, table { margin: 0 0 16px }
ul { padding-left: 2em }
table { border-collapse: collapse; display: block; width: max-content; max-width: 100%; overflow: auto }
th, td { border: 1px solid BORDER; padding: 6px 13px; text-align: left }
th { font-weight: 600 }
tr:nth-child(2n) td { background: ROW }
code { padding: .2em .4em; font: 85% ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; background: CODE;
  border-radius: 6px; white-space: break-spaces }
a { color: LINK }
summary { cursor: pointer }
"""


def github_page(markdown: str, theme: str = "light") -> str:
    """The comment with its frame, in the `light` or the `dark` theme."""
    style = _STYLE
    for name, colour in _COLOURS[theme].items():
        style = style.replace(name.upper(), colour)
    return (
        f'<!doctype html><meta charset="utf-8"><style>{style}</style><div class="comment">'
        '<div class="author"><b>github-actions</b> commented</div>'
        f'<div class="markdown-body">{_PARSER.render(markdown)}</div></div>'
    )
