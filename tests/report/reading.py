"""Markdown as GitHub reads it: tables as rows of cells, and the plain text that a person sees."""

import re
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: list[list[str]]


def seen(token: Token) -> str:
    """The text of an inline token, without its HTML."""
    return "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))


@lru_cache(maxsize=1)
def parsed(markdown: str) -> list[Token]:
    return PARSER.parse(markdown)


def tables(markdown: str) -> list[Table]:
    found: list[Table] = []
    row: list[str] = []
    tokens = parsed(markdown)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            found.append(Table([], []))
        elif token.type == "tr_open":
            row = []
        elif token.type in ("th_open", "td_open") and following is not None:
            row.append(seen(following))
        elif token.type == "tr_close":
            if found[-1].head:
                found[-1].rows.append(row)
            else:
                found[-1].head.extend(row)
    return found


def raw_rows(markdown: str) -> list[int]:
    """The number of cells of each line of a table, as it is written: a parser would mend a row that is too short."""
    return [len(re.findall(r"(?<!\\)\|", line)) - 1 for line in markdown.splitlines() if line.startswith("|")]


def elements(markdown: str) -> list[str]:
    """Every HTML tag, by its text."""
    found = []
    for token in parsed(markdown):
        if token.type == "html_block":
            found += re.findall(r"</?[a-z]+[^>]*>", token.content)
        for child in token.children or ():
            if child.type == "html_inline":
                found.append(child.content)
    return found


def inline_kinds(markdown: str) -> set[str]:
    return {child.type for token in parsed(markdown) for child in token.children or ()}
