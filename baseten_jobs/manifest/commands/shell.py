"""The text of a shell -> the simple commands in it: words without their quotes, and what they write to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<blank>(?:[ \t\r]|\\\n)+)
    |(?P<here><<-?[ \t]*(?:'(?P<single>[^'\n]+)'|"(?P<double>[^"\n]+)"|\\?(?P<bare>[^\s'"<>|;&()]+)))
    |(?P<redirect>&?(?:>>|>\||>&|<<<|<&|>|<))
    |(?P<operator>&&|\|\||;;|\|&|[;&|()\n])
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\s'\"\\$`;&|()<>]+")
_RUN = re.compile(r"(?:[^\s'\"\\$`;&|()<>#]+ +)+")
"""Words that are what they read, each with blanks behind it: most of a command."""
_SINGLE = re.compile(r"'([^']*)'?")
_WITHIN = re.compile(r'(?:[^"\\$`]|\\.)+', re.DOTALL)
_ESCAPED = re.compile(r'\\([\\"$`\n])')


_DESCRIPTORS = frozenset("0123456789")


@dataclass(frozen=True)
class Step:
    """One simple command; `writes` are the files that its output goes to, `background` is True if nothing awaits it.

    A bracket that begins or ends a subshell is a step of that one word. What a shell would put in the place of a
    variable, or of a command, stands as it is written, with its `$` or backtick.
    """

    words: tuple[str, ...]
    writes: tuple[str, ...] = ()
    background: bool = False


OPENS, CLOSES = Step(("(",)), Step((")",))


def steps(text: str) -> Iterator[Step]:
    """Yields the simple commands of any text, in order; it raises nothing, whatever the text."""
    return _Reader(text).steps()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.index = text, 0
        self.words: list[str] = []
        self.writes: list[str] = []
        self.word: list[str] | None = None
        self.target = ""
        self.awaited: list[str] = []

    def steps(self) -> Iterator[Step]:
        while self.index < len(self.text):
            if self.word is None and not self.target and (run := _RUN.match(self.text, self.index)):
                self.words += run.group().split()
                self.index = run.end()
            elif found := _PLAIN.match(self.text, self.index):
                if self.word is None and self.text[self.index] == "#":
                    self._skip_comment()
                else:
                    self._add(found.group())
                    self.index = found.end()
            elif self.text[self.index] == " ":
                self._end_word()
                self.index += 1
            elif found := _TOKEN.match(self.text, self.index):
                yield from self._token(found)
            else:
                self._piece()
        self._end_word()
        yield from self._ended()

    def _token(self, found: re.Match[str]) -> Iterator[Step]:
        self.index = found.end()
        if found["redirect"] and self.word and self.word[-1] in _DESCRIPTORS and len(self.word) == 1:
            self.word = None
        self._end_word()
        if found["here"]:
            self.awaited.append(found["single"] or found["double"] or found["bare"])
        elif found["redirect"]:
            self.target = found["redirect"]
        elif operator := found["operator"]:
            yield from self._ended(background=operator == "&")
            if operator in "()":
                yield OPENS if operator == "(" else CLOSES
            if operator == "\n":
                self._skip_here_documents()

    def _ended(self, *, background: bool = False) -> Iterator[Step]:
        if self.words or self.writes:
            yield Step(tuple(self.words), tuple(self.writes), background)
        self.words, self.writes, self.target = [], [], ""

    def _add(self, text: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(text)

    def _end_word(self) -> None:
        if self.word is None:
            return
        word = "".join(self.word)
        if not self.target:
            self.words.append(word)
        elif ">" in self.target and not (self.target.endswith("&") and word.rstrip("-").isdigit()):
            self.writes.append(word)
        self.word, self.target = None, ""

    def _skip_comment(self) -> None:
        end = self.text.find("\n", self.index)
        self.index = end if end >= 0 else len(self.text)

    def _skip_here_documents(self) -> None:
        for delimiter in self.awaited:
            end = re.compile(rf"^\t*{re.escape(delimiter)}[ \t\r]*$", re.MULTILINE).search(self.text, self.index)
            self.index = end.end() if end else len(self.text)
        self.awaited = []

    def _piece(self) -> None:
        mark = self.text[self.index]
        if mark == "'":
            found = _SINGLE.match(self.text, self.index)
            assert found
            self._add(found[1])
            self.index = found.end()
        elif mark == '"':
            self._double()
        elif mark == "\\":
            self._add(self.text[self.index + 1 : self.index + 2])
            self.index += 2
        elif mark in "$`":
            self._substitution()
        else:
            self._add(mark)
            self.index += 1

    def _double(self) -> None:
        self._add("")
        self.index += 1
        while self.index < len(self.text):
            mark = self.text[self.index]
            if mark == '"':
                self.index += 1
                return
            if mark in "$`":
                self._substitution()
            elif found := _WITHIN.match(self.text, self.index):
                self._add(_ESCAPED.sub(lambda each: each[1].strip("\n"), found.group()))
                self.index = found.end()
            else:
                self.index += 1

    def _substitution(self) -> None:
        """What a `$` or a backtick begins, as it is written."""
        begin = self.index
        if self.text[begin] == "`":
            end = self.text.find("`", begin + 1)
            self.index = end + 1 if end >= 0 else len(self.text)
        elif self.text.startswith("$(", begin):
            self.index = _closing(self.text, begin + 1)
        elif self.text.startswith("${", begin):
            end = self.text.find("}", begin)
            self.index = end + 1 if end >= 0 else len(self.text)
        else:
            self.index += 1
        self._add(self.text[begin : self.index])


def _closing(text: str, opened: int) -> int:
    """The index after the bracket that closes the one at `opened`, or the end of the text."""
    depth = 0
    for found in re.compile("[()]").finditer(text, opened):
        depth += 1 if found.group() == "(" else -1
        if depth == 0:
            return found.end()
    return len(text)
