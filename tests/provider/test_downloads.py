"""Files behind links: where they may land, how they are gone on with, and what no server can make of them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseten_jobs.job.observation import ObservedJob
from baseten_jobs.job.relative_paths import strange
from baseten_jobs.provider.api.client import Api
from baseten_jobs.provider.api.errors import ApiError
from baseten_jobs.provider.api.link import LinkFailed, LinkReader
from baseten_jobs.provider.api.pacing import Backoff
from baseten_jobs.provider.downloads.fetching import FolderBusy, fetch
from baseten_jobs.provider.downloads.links import Links
from baseten_jobs.provider.downloads.listing import PAGE, files_of
from baseten_jobs.provider.downloads.outcome import Downloaded, Fate
from baseten_jobs.provider.downloads.partial import Partial, part_of
from baseten_jobs.provider.downloads.places import Folder
from baseten_jobs.provider.downloads.remote_files import RemoteFile, belongs_to, chosen, fits
from tests.support.world import StandingClock

JOB = ObservedJob("j1", None, "TRAINING_JOB_COMPLETED", "", "p1")
TIME = "2026-01-01T00:00:00.5Z"
SECRET = "s3cr3t-signature"

Serve = Callable[[httpx.Request], httpx.Response]


@dataclass
class Store:
    """An API that lists files, and an object store that has them; `refuse` answers a link in the store's place."""

    files: dict[tuple[int, str], bytes] = field(default_factory=dict)
    refuse: Callable[[httpx.Request, bytes], httpx.Response | None] = lambda request, content: None
    pages: list[int] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    rounds: int = 0

    def listed(self, request: httpx.Request) -> httpx.Response:
        size, start = (int(request.url.params[name]) for name in ("page_size", "page_token"))
        self.pages.append(start)
        self.rounds += 1
        rows = [
            {"url": f"https://bucket.example/{node}/{number}?X-Amz-Signature={SECRET}-{self.rounds}",
             "relative_file_name": path, "node_rank": node, "size_bytes": len(content), "last_modified": TIME}
            for number, ((node, path), content) in enumerate(self.files.items())
        ][start : start + size]  # fmt: skip
        following = start + size if start + size < len(self.files) else None
        return httpx.Response(200, json={"presigned_urls": rows, "next_page_token": following, "total_count": 9})

    def given(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        number = int(request.url.path.rpartition("/")[2])
        content = list(self.files.values())[number]
        if answer := self.refuse(request, content):
            return answer
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        if start:
            told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            return httpx.Response(206, content=content[start:], headers=told)
        return httpx.Response(200, content=content)

    @property
    def api(self) -> Api:
        listing = httpx.Client(
            transport=httpx.MockTransport(self.listed), base_url="https://api.example",
            headers={"Authorization": "Bearer the-key-of-ours"},
        )  # fmt: skip
        keyless = httpx.Client(transport=httpx.MockTransport(self.given))
        return Api(listing, StandingClock(), backoff=Backoff(chance=lambda: 0.0), keyless=lambda: keyless)

    def fetch(self, folder: Path) -> Downloaded:
        api = self.api
        return fetch(api, JOB, files_of(api, JOB), Folder(str(folder)), lambda done, total, text: None)


def remote(path: str, size: int = 0, node: int = 0) -> RemoteFile:
    return RemoteFile(node, path, size, None, 0)


def below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if not path.is_dir()}


# Where files land

LEADING_OUT = (
    "..", "../x", "a/../../x", "a/..", "/etc/passwd", "//x", "C:/x", "c:x", "a\\b", "..\\x", "a\0b", "a//b", "./a",
    "a/.", "", "/", "a/", "a\nb", "\x1b[2J", "x" * 256, "é" * 128, "a/" * 101 + "b",
)  # fmt: skip


@pytest.mark.parametrize("path", LEADING_OUT, ids=lambda path: repr(path)[:20])
def test_a_path_that_is_not_that_of_a_file_below_is_refused_before_anything_is_written(
    path: str, tmp_path: Path
) -> None:
    folder = Folder(str(tmp_path / "to"))
    (fault,) = folder.faults([remote("good"), remote(path)])
    assert "\n" not in fault
    assert "\x1b" not in fault
    assert list(tmp_path.iterdir()) == []


@given(st.text(alphabet=st.sampled_from([*"ab./\\:~\0\n-", "é", "\u202e", " "]), max_size=12))
def test_what_is_not_refused_stays_in_the_folder(path: str) -> None:
    if not strange(path):
        place = Folder("/to").place(remote(path))
        assert os.path.normpath(place) == place
        assert place.startswith("/to/node-0/")


def test_files_that_stand_in_each_others_way_are_refused(tmp_path: Path) -> None:
    files = [remote("a"), remote("a/b"), remote("a/b", node=1)]
    assert Folder(str(tmp_path)).faults(files) == ["a/b of node 0 lies below what is a file itself"]


@pytest.mark.parametrize("link", ["node-0", "node-0/a", "node-0/a/b", "node-0/a/b/file"])
def test_nothing_is_written_through_a_link_in_the_folder(link: str, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "to"
    outside.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(outside)
    (fault,) = Folder(str(folder)).faults([remote("a/b/file", 3)], replace=True)
    assert " is a link" in fault
    assert list(outside.iterdir()) == []


def test_a_file_that_is_there_and_other_is_left_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    store, folder = Store({(0, "a"): b"new"}), tmp_path / "to"
    (folder / "node-0").mkdir(parents=True)
    (folder / "node-0" / "a").write_bytes(b"mine")
    files = files_of(store.api, JOB)
    (fault,) = Folder(str(folder)).faults(files)
    assert "--force replaces it" in fault
    assert Folder(str(folder)).faults(files, replace=True) == []
    store.fetch(folder)
    assert below(folder) == {"node-0/a": b"new"}


# Which files


@pytest.mark.parametrize(
    ("path", "checkpoint", "belongs"),
    [
        ("checkpoint-1/a", "checkpoint-1", True), ("checkpoint-10/a", "checkpoint-1", False),
        ("rank-0/checkpoint-1/a", "checkpoint-1", True), ("run/checkpoint-1/a", "run/checkpoint-1", True),
        ("other/checkpoint-1/a", "run/checkpoint-1", False), ("a/run/checkpoint-1/b", "run/checkpoint-1/", True),
    ],
)  # fmt: skip
def test_a_file_is_of_a_checkpoint_by_its_path(path: str, checkpoint: str, belongs: bool) -> None:
    assert belongs_to(path, checkpoint) is belongs


def test_patterns_choose_by_name_or_by_path() -> None:
    assert fits("a/b/model.safetensors", "*.safetensors")
    assert fits("a/b/model.safetensors", "a/*")
    assert not fits("a/b/model.safetensors", "b/*")
    files = [remote("c-1/x.bin"), remote("c-1/y.txt"), remote("c-2/x.bin")]
    assert [f.path for f in chosen(files, ["c-1"], ["*.bin", "*.pt"])] == ["c-1/x.bin"]
    assert chosen(files, [], []) == tuple(files)


def test_a_list_comes_by_pages_and_a_folder_of_the_store_is_no_file() -> None:
    store = Store({(0, f"f{number}"): b"x" for number in range(2 * PAGE + 5)} | {(0, "empty/"): b""})
    assert len(files_of(store.api, JOB)) == 2 * PAGE + 5
    assert store.pages == [0, PAGE, 2 * PAGE]


@pytest.mark.parametrize(
    "answer",
    [
        {"presigned_urls": [{"url": "https://x", "relative_file_name": "a", "node_rank": -1, "size_bytes": 1}]},
        {"presigned_urls": [{"url": "https://x", "relative_file_name": "a", "node_rank": 0, "size_bytes": "1"}]},
        {"presigned_urls": [{"url": None, "relative_file_name": "a", "node_rank": 0, "size_bytes": 1}]},
        {"presigned_urls": [{"url": "u", "relative_file_name": "a", "node_rank": 0, "size_bytes": 1}],
         "next_page_token": 0},
        {"files": []},
    ],
)  # fmt: skip
def test_a_list_that_makes_no_sense_is_an_error_of_the_api(answer: Any) -> None:
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)), base_url="https://a")
    with pytest.raises(ApiError):
        files_of(Api(http, StandingClock()), JOB)


# Whole files


@pytest.fixture
def store() -> Store:
    return Store({(node, f"c-1/f{number}"): os.urandom(200_000) for node in (0, 1) for number in range(12)})


def test_each_file_lands_whole_in_its_nodes_folder_and_is_kept_the_next_time(store: Store, tmp_path: Path) -> None:
    done = store.fetch(tmp_path)
    assert {each.fate for each in done.files} == {Fate.DOWNLOADED}
    assert below(tmp_path) == {f"node-{node}/{path}": content for (node, path), content in store.files.items()}
    assert len(store.asked) == len(store.files)
    again = store.fetch(tmp_path)
    assert {each.fate for each in again.files} == {Fate.KEPT}
    assert len(store.asked) == len(store.files)


def test_the_key_never_goes_to_the_store(store: Store, tmp_path: Path) -> None:
    store.fetch(tmp_path)
    assert all("the-key" not in str(request.headers) for request in store.asked)


def test_a_link_that_ran_out_is_asked_for_anew(store: Store, tmp_path: Path) -> None:
    def first_are_old(request: httpx.Request, content: bytes) -> httpx.Response | None:
        old = int(request.url.params["X-Amz-Signature"].rpartition("-")[2]) <= 2
        told = f"<Error><Code>ExpiredToken</Code><Message>{SECRET}-2 expired</Message></Error>"
        return httpx.Response(400, text=told) if old else None

    store.refuse = first_are_old
    assert len(store.fetch(tmp_path).of(Fate.DOWNLOADED)) == 24
    assert store.pages == [0, 0, 0], "one thread asks for all"


def broken(content: bytes, start: int, end: int) -> httpx.Response:
    def parts() -> Iterator[bytes]:
        yield content[start:end]
        raise httpx.ReadError("reset")

    told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
    return httpx.Response(206 if start else 200, content=parts(), headers=told)


def test_a_file_that_broke_off_is_gone_on_with_where_it_did(store: Store, tmp_path: Path) -> None:
    def in_thirds(request: httpx.Request, content: bytes) -> httpx.Response | None:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        return broken(content, start, start + 70_000) if start < 130_000 else None

    store.refuse = in_thirds
    assert len(store.fetch(tmp_path).of(Fate.DOWNLOADED)) == 24
    assert below(tmp_path) == {f"node-{node}/{path}": content for (node, path), content in store.files.items()}
    assert sorted({request.headers.get("Range", "") for request in store.asked}) == [
        "",
        "bytes=140000-",
        "bytes=70000-",
    ]


def test_a_store_without_ranges_begins_anew(store: Store, tmp_path: Path) -> None:
    asked: set[str] = set()

    def whole(request: httpx.Request, content: bytes) -> httpx.Response | None:
        if request.url.path not in asked:
            asked.add(request.url.path)
            return broken(content, 0, 70_000)
        return httpx.Response(200, content=content)

    store.refuse = whole
    store.fetch(tmp_path)
    assert below(tmp_path) == {f"node-{node}/{path}": content for (node, path), content in store.files.items()}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda content: httpx.Response(200, content=content + b"x"), "larger than the 200000 bytes"),
        (lambda content: httpx.Response(200, content=content[:9]), "ends after 9 of the 200000 bytes"),
        (lambda content: httpx.Response(503, text="<Code>SlowDown</Code>"), "503 Service Unavailable: SlowDown"),
        (lambda content: httpx.Response(302, headers={"Location": "https://x"}), "a redirect, which is not followed"),
        (lambda content: httpx.Response(206, content=b"x"), "another part of the file"),
        (lambda content: httpx.Response(418, text=f"<Message>{SECRET}-2\x1b[2J</Message>"), "418"),
    ],
)
def test_what_fails_is_told_and_never_stands_under_its_name(
    answer: Callable[[bytes], httpx.Response], told: str, store: Store, tmp_path: Path
) -> None:
    one = next(iter(store.files))
    store.refuse = lambda request, content: answer(content) if content == store.files[one] else None
    done = store.fetch(tmp_path)
    (failed,) = done.of(Fate.FAILED)
    assert told in failed.error
    assert SECRET not in failed.error
    assert "\x1b" not in failed.error
    assert len(done.of(Fate.DOWNLOADED)) == 23
    assert not Path(failed.place).exists()


def test_where_everything_fails_the_rest_is_left(store: Store, tmp_path: Path) -> None:
    store.refuse = lambda request, content: httpx.Response(418)
    done = store.fetch(tmp_path)
    assert len(done.of(Fate.FAILED)) >= 12
    assert len(done.of(Fate.LEFT)) > 0


def test_a_part_of_another_version_is_not_gone_on_with(tmp_path: Path) -> None:
    old, new = (RemoteFile(0, "a", 9, modified, 0) for modified in (1.0, 2.0))
    place = str(tmp_path / "a")
    assert part_of(place, old) != part_of(place, new)
    Path(part_of(place, new)).write_bytes(b"much too long for it")
    with Partial(place, new) as partial:
        assert partial.size == 0


def test_two_downloads_do_not_write_into_one_folder(store: Store, tmp_path: Path) -> None:
    def meanwhile(request: httpx.Request, content: bytes) -> None:
        with pytest.raises(FolderBusy):
            Store().fetch(tmp_path)

    store.refuse = meanwhile
    assert len(store.fetch(tmp_path).of(Fate.DOWNLOADED)) == 24


def test_a_file_that_moved_in_the_list_is_found_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    store = Store({(0, f"f{number}"): b"x" for number in range(PAGE + 2)})
    files = files_of(store.api, JOB)
    del store.files[0, "f0"], store.files[0, "f1"]
    done = fetch(store.api, JOB, files[:3] + files[-2:], Folder(str(tmp_path)), lambda *_: None)
    assert [each.error for each in done.of(Fate.FAILED)] == [
        "f0 of node 0 is no longer there", "f1 of node 0 is no longer there",
    ]  # fmt: skip
    assert len(done.of(Fate.DOWNLOADED)) == 3


def test_no_more_than_a_few_pages_of_links_are_kept() -> None:
    store = Store({(0, f"f{number}"): b"x" for number in range(6 * PAGE)})
    files = files_of(store.api, JOB)
    links = Links(store.api, JOB)
    for file in files[::PAGE]:
        assert SECRET in links.of(file)
    assert len(links._pages) == 3


# Links that no API should give


@pytest.mark.parametrize(
    ("link", "near", "told"),
    [
        ("http://bucket.example/x?s=" + SECRET, False, "in clear"),
        ("http://bucket.example/x?s=" + SECRET, True, "in clear"),
        ("https://127.0.0.1/x?s=" + SECRET, False, "this very machine"),
        ("http://localhost:1/x?s=" + SECRET, False, "this very machine"),
        ("http://embedded/x?s=" + SECRET, True, "in clear"),
        ("file:///etc/passwd", True, "not an http:// or https:// address"),
        ("https://user:" + SECRET + "@bucket.example/x", False, "not an http:// or https:// address"),
        ("https://", False, "not an http:// or https:// address"),
        ("https://[::1", False, "not an address"),
        ("\x1b[2J", False, "not an address"),
    ],
)
def test_a_link_to_elsewhere_is_not_followed(link: str, near: bool, told: str) -> None:
    asked: list[httpx.Request] = []
    http = httpx.Client(transport=httpx.MockTransport(lambda request: asked.append(request) or httpx.Response(200)))  # type: ignore[func-returns-value]
    with pytest.raises(LinkFailed, match=told) as failed, LinkReader(http, near=near).open(link):
        pass
    assert asked == []
    assert SECRET not in str(failed.value)
    assert not failed.value.passing
