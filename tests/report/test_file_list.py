"""The files of a workspace, as a person reads them."""

import pytest

from baseten_jobs.job.content import Content, File
from baseten_jobs.report import file_list
from baseten_jobs.report.style import PLAIN, Look

VERBOSE = Look(PLAIN.paint, PLAIN.values, verbose=True)


def _file(path: str, size: int) -> File:
    return File(path, path, size, False, "0" * 64)


TOLD = {
    "none": ((), ["workspace '.': 0 files, 0 bytes"], ["workspace '.': 0 files, 0 bytes"]),
    "one": (
        (_file("a.py", 5),),
        ["workspace '.': 1 file, 5 bytes: a.py (5 bytes)"],
        ["workspace '.': 1 file, 5 bytes", "  a.py (5 bytes)"],
    ),
    "two": (
        (_file("a.py", 5), _file("b.py", 7)),
        ["workspace '.': 2 files, 12 bytes; the largest: b.py (7 bytes), a.py (5 bytes)"],
        ["workspace '.': 2 files, 12 bytes", "  a.py (5 bytes)", "  b.py (7 bytes)"],
    ),
}


@pytest.mark.parametrize("files", TOLD)
def test_a_workspace_is_told_in_a_line_and_file_by_file_where_that_is_asked_for(files: str) -> None:
    given, short, long = TOLD[files]
    content = Content(".", given)
    assert (file_list.lines(content, PLAIN), file_list.lines(content, VERBOSE)) == (short, long)


def test_a_job_without_a_workspace_has_no_line() -> None:
    assert file_list.lines(None, PLAIN) == []
