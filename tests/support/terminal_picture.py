"""A command and what it printed to a terminal -> a picture of that terminal, as SVG."""

import io
import re

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

_LIGHT = TerminalTheme(
    (246, 248, 250), (31, 35, 40),
    [(31, 35, 40), (207, 34, 46), (26, 127, 55), (154, 103, 0),
     (9, 105, 218), (130, 80, 223), (27, 124, 131), (89, 99, 110)],
    [(101, 109, 118), (207, 34, 46), (26, 127, 55), (154, 103, 0),
     (9, 105, 218), (130, 80, 223), (27, 124, 131), (89, 99, 110)],
)  # fmt: skip
_DARK = TerminalTheme(
    (22, 27, 34), (230, 237, 243),
    [(230, 237, 243), (255, 123, 114), (63, 185, 80), (210, 153, 34),
     (88, 166, 255), (188, 140, 255), (57, 197, 207), (139, 148, 158)],
    [(139, 148, 158), (255, 123, 114), (63, 185, 80), (210, 153, 34),
     (88, 166, 255), (188, 140, 255), (57, 197, 207), (139, 148, 158)],
)  # fmt: skip
THEMES = {"light": _LIGHT, "dark": _DARK}
"""GitHub's own colours, so that the picture lies well on its pages."""

_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-ligatures: none; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture(command: str, printed: str, theme: str, width: int) -> str:
    """The terminal, so many columns wide. Cursor movements in the text count for nothing.

    Raises ValueError where a line is wider than the terminal.
    """
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), command))
    text = Text.from_ansi(re.sub(r"\x1b\[[0-9;]*[A-HJKSTf]", "", printed).rstrip("\n"))
    for line in text.split():
        if line.cell_len > width:
            raise ValueError(f"wider than {width} columns: {line.plain}")
    console.print(text)
    return console.export_svg(title="", theme=THEMES[theme], code_format=_FORMAT, unique_id="terminal")
