"""One simple command after another -> the folder that each starts in, and what those before it may have made."""

from dataclasses import dataclass, field
from posixpath import basename, join, normpath

_WORKING = ("$BT_WORKING_DIR", "${BT_WORKING_DIR}", "/b10/workspace")
"""What a job calls the folder that its workspace is unpacked into."""
_MOST_FOLDERS = 4


def within(path: str) -> str | None:
    """Returns a path relative to the folder that the commands begin in; None for one that is elsewhere or unknown."""
    for name in _WORKING:
        if path == name or path.startswith(f"{name}/"):
            path = path[len(name) + 1 :] or "."
            break
    if not path or path[0] in "/~-" or any(mark in path for mark in "$`*?[]{}\\\n\0") or "://" in path:
        return None
    return normpath(path)


@dataclass
class Place:
    """Where a shell is: the folders it may be in, none if they are unknown, and what was made since it began.

    With `anything` each file may have been made; with `data` each but code, by a program of the job's own.
    """

    folders: tuple[str, ...] = (".",)
    made: set[str] = field(default_factory=set)
    anything: bool = False
    data: bool = False

    def paths(self, word: str) -> tuple[str, ...]:
        """Returns the paths that a word may mean, relative to where the commands begin."""
        path = within(word)
        if path is None:
            return ()
        if word.startswith(_WORKING):
            return (path,)
        return tuple(dict.fromkeys(normpath(join(folder, path)) for folder in self.folders))

    def enter(self, folder: str) -> None:
        self.folders = self.paths(folder)

    def begin(self) -> None:
        """Begin the next command, of which it is not known whether the shell of the one before runs it."""
        if self.folders:
            self.folders = tuple(dict.fromkeys((".", *self.folders)))[:_MOST_FOLDERS]

    def make(self, word: str) -> None:
        """Note a file, or a folder with all that is in it, that a command writes to."""
        paths = self.paths(word)
        if not self.folders or "." in paths:
            self.anything = self.anything or within(word) is not None
        elif any(mark in word for mark in "$`*?{") and not word.startswith(("$", "/")):
            self.anything = True
        self.made.update(paths)

    def may_be_made(self, path: str) -> bool:
        parts = path.split("/")
        return any("/".join(parts[:length]) in self.made for length in range(1, len(parts) + 1))


def _value(words: tuple[str, ...], *names: str) -> str:
    """Returns the value of the first of these options that is given, or ""."""
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else "".join(words[index + 1 : index + 2])
    return ""


def _operands(words: tuple[str, ...]) -> list[str]:
    return [word for word in words[1:] if not word.startswith("-")]


_COPIES = frozenset({
    "cp", "mv", "ln", "rsync", "scp", "install", "aws", "gsutil", "gcloud", "rclone", "azcopy", "s5cmd",
})  # fmt: skip
"""Programs whose last operand is what they write to."""
_UNPACKS = frozenset({
    "tar", "unzip", "bsdtar", "7z",
})  # fmt: skip
_WRITES = frozenset({
    "tee", "touch", "mkdir",
})  # fmt: skip
_MAKES_ANYTHING = frozenset({
    "make", "cmake", "dvc", "kaggle", "docker", "oras", "cookiecutter", "ninja", "just", "task", "git-lfs", "gh",
})  # fmt: skip


def note(place: Place, program: str, words: tuple[str, ...]) -> bool:
    """Adds what a command makes to the place; returns False for a program that is not known to make files."""
    operands = _operands(words)
    if program == "git":
        _git(place, words)
    elif program in ("wget", "curl"):
        told = _value(words, "-O", "-o", "--output-document", "--output", "-P", "--output-dir")
        given = [told, *([basename(each.partition("?")[0]) for each in operands if "://" in each])]
        for each in filter(None, given):
            place.make(each)
    elif program in ("hf", "huggingface-cli", "modelscope"):
        if folder := _value(words, "--local-dir", "--local_dir"):
            place.make(folder)
    elif program == "axolotl" and "fetch" in words[:2]:
        for each in [_value(words, "--dest")] if "--dest" in words else operands[1:]:
            place.make(each)
    elif program in _COPIES:
        place.make(operands[-1] if operands else "")
    elif program in _UNPACKS:
        place.make(_value(words, "-C", "-d", "--directory") or ".")
    elif program in _WRITES:
        for each in operands:
            place.make(each)
    elif program in _MAKES_ANYTHING:
        place.anything = True
    else:
        return False
    return True


def _git(place: Place, words: tuple[str, ...]) -> None:
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        if rest[0] == "-C" and within("".join(rest[1:2])) is None:
            return
        del rest[: 2 if rest[0] in ("-C", "-c") else 1]
    if rest[:1] != ["clone"]:
        place.anything = place.anything or rest[:1] not in (["config"], ["status"], ["log"], ["rev-parse"])
        return
    addresses = [index for index, word in enumerate(rest) if "://" in word or word.startswith("git@")]
    if not addresses:
        place.anything = True
        return
    named = [word for word in rest[addresses[0] + 1 :] if not word.startswith("-")]
    for each in (*named, basename(rest[addresses[0]].rstrip("/")).removesuffix(".git")):
        place.make(each)
