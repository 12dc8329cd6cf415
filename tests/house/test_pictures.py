"""The pictures show what the commands print now; `python -m tests.pictures` draws those that do not."""

import json
import re

from tests.pictures import IMAGES, INDEX, album, stale
from tests.support.pages import EVERY_PAGE


def test_no_picture_is_stale() -> None:
    pictures = list(album())
    assert [each.name for each in stale(pictures)] == [], "draw them: python -m tests.pictures"
    kept = {path.name for path in IMAGES.iterdir()} - {INDEX.name}
    assert kept == {each.name for each in pictures} == json.loads(INDEX.read_text()).keys()


def test_each_picture_is_shown_and_described() -> None:
    shown = set(re.findall(r"images/([\w.-]+)", EVERY_PAGE))
    assert shown == {path.name for path in IMAGES.iterdir()} - {INDEX.name}
    assert len(re.findall(r'<img alt="[^"]{20,}"', EVERY_PAGE)) == len(re.findall("<img ", EVERY_PAGE))
