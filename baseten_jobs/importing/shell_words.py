"""A shell command as it was pasted -> its words, each character with its index in the source."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Word:
    """One word of a command, quotes and escapes resolved; `indices` has where its characters, and its end, are."""

    text: str
    indices: tuple[int, ...] = field(repr=False)


class Unfinished(Exception):
    """The command ends within a quoted text or a here-document; `index` is where that begins."""

    def __init__(self, index: int, what: str) -> None:
        super().__init__(what)
        self.index, self.what = index, what


@dataclass(frozen=True)
class Command:
    """The words of one command, and what it reads on standard input if that is written with it."""

    words: tuple[Word, ...]
    stdin: Word | None = None


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}
_CODE = re.compile(r"x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}")
_HERE = re.compile(r"<<-?[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([^\s'\"<>|;&]+))")
_GOES_ON = re.compile(r"\s*-")


def read_command(source: str, start: int) -> Command:
    """The command that begins at an index, up to the end of its line; raises Unfinished.

    A line that begins with an option goes on the one before it: the backslash is easily lost when text is copied.
    """
    return _Shell(source, start).command()


class _Shell:
    def __init__(self, source: str, start: int) -> None:
        self.source, self.index = source, start
        self.words: list[Word] = []
        self.characters: list[tuple[str, int]] | None = None
        self.delimiter = ""

    def command(self) -> Command:
        while self.index < len(self.source):
            mark = self.source[self.index]
            if mark == "\n":
                if self.delimiter or not _GOES_ON.match(self.source, self.index):
                    break
                self._end_word()
                self.index += 1
            elif mark in " \t\r":
                self._end_word()
                self.index += 1
            elif mark in "|;&>" or (mark == "#" and self.characters is None):
                self._end_word()
                self._skip_line()
            elif mark == "<" and (here := _HERE.match(self.source, self.index)):
                self._end_word()
                self.delimiter = here[1] or here[2] or here[3]
                self.index = here.end()
            else:
                self._piece(mark)
        self._end_word()
        return Command(tuple(self.words), self._here_document() if self.delimiter else None)

    def _skip_line(self) -> None:
        end = self.source.find("\n", self.index)
        end = len(self.source) if end < 0 else end
        if not self.delimiter and (here := _HERE.search(self.source, self.index, end)):
            self.delimiter = here[1] or here[2] or here[3]
        self.index = end
        if not self.delimiter:
            self.source = self.source[:end]

    def _add(self, text: str, index: int) -> None:
        if self.characters is None:
            self.characters = []
        self.characters += [(character, index) for character in text]

    def _end_word(self) -> None:
        if self.characters is not None:
            indices = (*(index for _, index in self.characters), self.index)
            self.words.append(Word("".join(character for character, _ in self.characters), indices))
            self.characters = None

    def _piece(self, mark: str) -> None:
        index = self.index
        if mark == "'":
            self._add("", index)
            self._single(index + 1)
        elif mark == '"':
            self._add("", index)
            self._double(index + 1)
        elif mark == "$" and self.source[index + 1 : index + 2] == "'":
            self._add("", index)
            self._escaped(index + 2)
        elif mark == "\\":
            following = self.source[index + 1 : index + 2]
            crlf = self.source[index + 1 : index + 3] == "\r\n"
            if following not in ("", "\n") and not crlf:
                self._add(following, index)
            self.index += 3 if crlf else 2
        else:
            self._add(mark, index)
            self.index += 1

    def _single(self, start: int) -> None:
        end = self.source.find("'", start)
        if end < 0:
            raise Unfinished(start - 1, "the single quote that begins here never ends")
        for index in range(start, end):
            self._add(self.source[index], index)
        self.index = end + 1

    def _double(self, start: int) -> None:
        index = start
        while index < len(self.source):
            mark = self.source[index]
            if mark == '"':
                self.index = index + 1
                return
            following = self.source[index + 1 : index + 2]
            if mark == "\\" and following and following in '"\\$`\n':
                self._add("" if following == "\n" else following, index)
                index += 2
            else:
                self._add(mark, index)
                index += 1
        raise Unfinished(start - 1, "the double quote that begins here never ends")

    def _escaped(self, start: int) -> None:
        index = start
        while index < len(self.source):
            mark = self.source[index]
            if mark == "'":
                self.index = index + 1
                return
            if mark != "\\":
                self._add(mark, index)
                index += 1
                continue
            code = _CODE.match(self.source, index + 1)
            following = self.source[index + 1 : index + 2]
            if code and code.group()[0] in "xuU":
                self._add(_character(int(code.group()[1:], 16)), index)
            elif code:
                self._add(_character(int(code.group(), 8)), index)
            else:
                self._add(_ESCAPES.get(following, following), index)
            index = code.end() if code else index + 2
        raise Unfinished(start - 2, "the quoted text that begins here never ends")

    def _here_document(self) -> Word:
        start = begin = self.source.find("\n", self.index) + 1
        while begin:
            end = self.source.find("\n", begin)
            line = self.source[begin : end if end >= 0 else None]
            if line.strip() == self.delimiter:
                return Word(self.source[start:begin], tuple(range(start, begin + 1)))
            begin = end + 1
        raise Unfinished(self.index, f"the text up to '{self.delimiter[:40]}' never ends")


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 else "\ufffd"
