"""A request as it was pasted, JSON or a whole curl command -> its body, and the project that its address names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from baseten_jobs.importing.json_reader import Where, lines_of, read_json
from baseten_jobs.importing.placed import At, Placed
from baseten_jobs.importing.shell_words import Command, Unfinished, Word, read_command
from baseten_jobs.manifest.diagnostics import Diagnostic, Position


@dataclass(frozen=True)
class Pasted:
    """The body, or the name of the file that a command takes it from; and the id of its project, if it tells one."""

    body: Placed | None = None
    file: str = ""
    project_id: Placed | None = None


_CURL = re.compile(r"^[ \t]*(?:[$>%] +)?(?:\w+=\S* +)*(curl)(?:\.exe)?(?=\s)", re.MULTILINE)
_PROJECT = re.compile(r"/training_projects/([A-Za-z0-9_-]+)/jobs/?(?:[?#]|$)")
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_WITH_A_VALUE = "dHXuoAebFTmwxUEK"
"""Letters of curl's short options that take a value, which may stand in the same word."""


def read_pasted(text: str, path: str) -> Pasted | Diagnostic:
    """What a text of either form says; lines of comment before JSON, as `render` prints them, are passed over."""
    where = lines_of(text)
    json_from = re.match(r"(?:\s*#[^\n]*(?:\n|$))*\s*", text)
    start = json_from.end() if json_from else 0
    if text[start : start + 1] in ("{", "["):
        body = read_json(text[start:], path, lambda index: where(start + index))
        return body if isinstance(body, Diagnostic) else Pasted(body)
    found = _CURL.search(text)
    if found is None:
        hint = "a JSON body begins with '{', a command with 'curl'"
        return Diagnostic("not-a-request", "there is neither JSON nor a curl command", Position(path), hint=hint)

    def at(index: int) -> At:
        return where(min(index, len(text)))

    try:
        command = read_command(text, found.start(1))
    except Unfinished as unfinished:
        return Diagnostic("shell-syntax", unfinished.what, Position(path, *at(unfinished.index)))
    return _Curl(command, path, at).pasted()


class _Curl:
    """One command of curl's. Headers are never looked at: they hold the key."""

    def __init__(self, command: Command, path: str, at: Where) -> None:
        self.command, self.path, self.at = command, path, at

    def pasted(self) -> Pasted | Diagnostic:
        data = [word for option, word in self._options() if option in _DATA]
        urls = [word for option, word in self._options() if option in ("--url", "")]
        project_id = next(iter(filter(None, map(self._project_id, urls))), None)
        if len(data) != 1:
            message = "the command has no --data" if not data else "the command has several --data"
            place = self.command.words[0] if not data else data[1]
            return self._problem(message, place)
        body = data[0]
        if body.text.startswith("@") and body.text != "@-":
            return Pasted(None, body.text[1:], project_id)
        if body.text == "@-":
            if self.command.stdin is None:
                return self._problem("the body is read from standard input, which is not part of the command", body)
            body = self.command.stdin
        read = read_json(body.text, self.path, lambda index: self.at(body.indices[min(index, len(body.text))]))
        return read if isinstance(read, Diagnostic) else Pasted(read, project_id=project_id)

    def _problem(self, message: str, word: Word) -> Diagnostic:
        return Diagnostic("not-a-request", message, Position(self.path, *self.at(word.indices[0])))

    def _options(self) -> Iterator[tuple[str, Word]]:
        """Each option with its value, and with '' each word that seems to be an address."""
        words = iter(self.command.words[1:])
        for word in words:
            text = word.text
            name, equals, _ = text.partition("=")
            if text.startswith("--"):
                if equals and name in (*_DATA, "--url"):
                    yield name, _rest(word, len(name) + 1)
                elif name in (*_DATA, "--url", "--header", "--request", "--user", "--output"):
                    yield name, next(words, word)
            elif text.startswith("-") and len(text) > 1:
                letter = next((index for index, each in enumerate(text) if each in _WITH_A_VALUE), 0)
                if letter:
                    glued = _rest(word, letter + 1)
                    yield f"-{text[letter]}", glued if glued.text else next(words, word)
            elif "://" in text or "/training_projects/" in text:
                yield "", word

    def _project_id(self, url: Word) -> Placed | None:
        found = _PROJECT.search(url.text)
        return Placed(found[1], self.at(url.indices[found.start(1)])) if found else None


def _rest(word: Word, start: int) -> Word:
    return Word(word.text[start:], word.indices[start:])
