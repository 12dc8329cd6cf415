"""A page of HTML -> a picture of what a browser shows of it, as PNG."""

import shutil
import subprocess
import tempfile
from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The program of a headless browser, or None."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def picture(html: str, width: int, height: int, scale: float = 2) -> bytes:
    """The upper left of the page: so many CSS pixels, each `scale` times `scale` dots.

    Raises FileNotFoundError if there is no browser here, CalledProcessError if it fails.
    """
    program = browser()
    if program is None:
        raise FileNotFoundError("there is no browser here: apt-get install chromium")
    with tempfile.TemporaryDirectory() as scratch:
        page, shot = Path(scratch) / "page.html", Path(scratch) / "shot.png"
        page.write_text(html, encoding="utf-8")
        options = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            f"--user-data-dir={scratch}/profile", f"--force-device-scale-factor={scale}",
            f"--window-size={width},{height}", f"--screenshot={shot}",
        ]  # fmt: skip
        subprocess.run([program, *options, page.as_uri()], check=True, capture_output=True, timeout=120)
        return shot.read_bytes()
