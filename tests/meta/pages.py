"""The project's Markdown pages, and what stands in them: sections, tables, blocks of code, links, command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)
_OPERATORS = frozenset(["&&", "||", "|", ";", "&", "(", ")", "{", "}", "$("])


def name(page: Path) -> str:
    """The page's path, as a test's id."""
    return str(page.relative_to(ROOT))


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def blocks(markdown: str, *languages: str) -> list[str]:
    """The contents of its code blocks in one of these languages."""
    return [body for language, body in _FENCE.findall(markdown) if language in languages]


def prose(markdown: str) -> str:
    """Without its code blocks."""
    return _FENCE.sub("", markdown)


def sections(markdown: str, mark: str) -> dict[str, str]:
    """Heading -> what stands below it, for headings of the level `mark`, e.g. `###`."""
    found: dict[str, str] = {}
    outside = _FENCE.sub(lambda fence: "\0" * len(fence[0]), markdown)  # a comment in code is no heading
    headings = list(re.finditer(r"^(#+) (.+)$", outside, re.M))
    for at, heading in enumerate(headings):
        if heading[1] == mark:
            end = headings[at + 1].start() if at + 1 < len(headings) else len(markdown)
            found[heading[2]] = markdown[heading.end() : end]
    return found


def tables(section: str) -> dict[str, set[str]]:
    """First word of a table's head -> all names in backticks in its first column."""
    found: dict[str, set[str]] = {}
    for head, body in re.findall(r"^\| (\w+) \|.*\n\|[-|]+\|\n((?:\|.*\n?)*)", section, re.M):
        found[head] = {word for row in body.splitlines() for word in re.findall(r"`([^`]+)`", row.split("|")[1])}
    return found


def links(markdown: str) -> list[str]:
    """Where its links and pictures lead, addresses on the web left out."""
    found: list[str] = re.findall(r"\]\(([^)\s]+)\)", prose(markdown))
    return [link for link in found if "://" not in link]


def anchors(markdown: str) -> set[str]:
    """The anchors that its headings make, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", prose(markdown), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(markdown: str) -> Iterator[list[str]]:
    """The arguments of each `pillion …` in its shell blocks and its code spans."""
    lines = [line for block in blocks(markdown, "sh", "console") for line in block.splitlines()]
    spans = [span for span in re.findall(r"`([^`\n]+)`", prose(markdown)) if re.match(r"(\S+ \| )?pillion ", span)]
    for line in [*lines, *spans]:
        if "pillion" in line:
            yield from _pillions(line)


def _pillions(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in _OPERATORS and word not in (">", ">>", "<"):
            words.append(word)
            continue
        while words and re.match(r"\w+=", words[0]):
            del words[0]
        if words and words[0].rpartition("/")[2] == "pillion":
            yield words[1:]
        words = [] if word in _OPERATORS else ["a file"]
