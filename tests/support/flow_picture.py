"""The way of a change from a pull request to a job -> a diagram of it, as SVG."""

from html import escape

STEPS = (
    ("pull request", ("a manifest in git", "changes")),
    ("plan", ("comments what starts,", "stops, and costs")),
    ("merge", ("after review, as any", "other change")),
    ("apply", ("submits what changed,", "once")),
    ("job", ("runs on Baseten,", "named after its spec")),
)
"""Title and the two lines below it of each box, from left to right."""

BACK = "the next plan finds it by its name: there is no state file"
COLOURS = {
    "light": {"box": "#f6f8fa", "line": "#d0d7de", "text": "#1f2328", "soft": "#59636e", "accent": "#0969da"},
    "dark": {"box": "#161b22", "line": "#30363d", "text": "#e6edf3", "soft": "#8b949e", "accent": "#58a6ff"},
}
_WIDTH, _HEIGHT, _GAP, _TOP = 172, 92, 40, 6
_FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


def picture(theme: str) -> str:
    """The boxes with arrows between them, and one back from the job to the plan."""
    colours = COLOURS[theme]
    whole = len(STEPS) * _WIDTH + (len(STEPS) - 1) * _GAP + 4
    parts = [
        f'<svg viewBox="0 0 {whole} {_TOP + _HEIGHT + 58}" xmlns="http://www.w3.org/2000/svg" font-family="{_FONT}">',
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{colours["accent"]}"/></marker></defs>',
    ]
    arrow = f'fill="none" stroke="{colours["accent"]}" stroke-width="1.6" marker-end="url(#tip)"'
    for number, (title, lines) in enumerate(STEPS):
        left = 2 + number * (_WIDTH + _GAP)
        middle, height = left + _WIDTH / 2, _TOP + _HEIGHT / 2
        parts.append(
            f'<rect x="{left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" '
            f'fill="{colours["box"]}" stroke="{colours["line"]}" stroke-width="1.5"/>'
        )
        rows = ((title, 32, 17, colours["text"], 600), *((line, 56 + 19 * row, 14, colours["soft"], 400)
                for row, line in enumerate(lines)))  # fmt: skip
        parts += [
            f'<text x="{middle}" y="{_TOP + down}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
            f'text-anchor="middle">{escape(text)}</text>'
            for text, down, size, colour, weight in rows
        ]
        if number:
            parts.append(f'<path d="M{left - _GAP + 4} {height}H{left - 4}" {arrow}/>')
    job, plan = (2 + number * (_WIDTH + _GAP) + _WIDTH / 2 for number in (4, 1))
    low = _TOP + _HEIGHT
    parts.append(f'<path d="M{job} {low + 4}V{low + 24}H{plan}V{low + 6}" stroke-dasharray="5 4" {arrow}/>')
    parts.append(
        f'<text x="{(job + plan) / 2}" y="{low + 46}" font-size="14" fill="{colours["soft"]}" '
        f'text-anchor="middle">{escape(BACK)}</text>'
    )
    return "\n".join([*parts, "</svg>", ""])
