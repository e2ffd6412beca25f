"""What a README says in prose: its name, and its beginning without badges, markup, code and side matters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from pillion.contracts.workspace import Entry, Workspace
from pillion.errors import PillionError

LARGEST = 1024 * 1024
BYTES_A_TOKEN = 3
"""Fewer than in any usual tokenizer and prose, so that a cut text is never longer than was asked for."""

ENDINGS = (".md", ".markdown", ".rst", ".txt", "")
"""Endings of READMEs, the most telling first."""

NOISE = [
    re.compile(r"^(?P<fence>```+|~~~+).*?(^(?P=fence)[^\n]*$|\Z)", re.M | re.S),  # blocks of code
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"^\.\. [^\n]*(\n[ \t]+[^\n]*)*", re.M),  # directives of reStructuredText
    re.compile(r"^(?: {4}|\t).*$", re.M),  # indented code
    re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])"),  # images, and so badges
    re.compile(r"^\[[^\]]+\]:.*$", re.M),  # where links lead
]
LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
TAG = re.compile(r"</?[a-zA-Z][^>]*>")
TITLE_TAG = re.compile(r"<h1[^>]*>(.*?)</h1>", re.S | re.I)
BARE = re.compile(r"^[^\w\n]*$|^\s*\|.*\|\s*$|^<?https?://\S+$", re.M)  # rules, tables, lines that are only a link
UNDERLINED = re.compile(r"^(\S[^\n]*)\n(?P<mark>[=\-~^])(?P=mark){2,}[ \t]*$", re.M)
BOLD_LINE = re.compile(r"^(\*\*|__)([^*_\n]+)\1:?[ \t]*$", re.M)  # a heading to those who read it
HEADING = re.compile(r"^(#+)\s+(.*?)[\s#]*$")
ASIDE = re.compile(
    r"install|licen[cs]e|contribut|contents|news|changelog|credit|thank|acknowledg|develop|build|compil|test|support"
    r"|sponsor|cit(?:e|ing|ation)|faq|roadmap|configur|require|started|quick ?start|try it|usage|example|demo|status",
    re.I,
)
"""Headings of what says little about what a project is."""


class Readme(Struct, frozen=True):
    """`name` is the project's, `text` some of its prose."""

    name: str
    text: str


async def find_readme(workspace: Workspace, tokens: int) -> Readme | None:
    """The README at the workspace's top, at most `tokens` of it; None when there is none that can be read."""
    try:
        entries = await workspace.list()
        path = _choose(entries)
        text = (await workspace.read(path, LARGEST)).data.decode(errors="replace") if path else ""
    except PillionError:
        return None
    prose = _prose(text)
    kept = cut("\n\n".join(filter(None, _sections(prose))), tokens)
    return Readme(_name(prose, workspace.root.name), kept) if kept else None


def cut(text: str, tokens: int) -> str:
    """The beginning of `text`, up to the end of a word."""
    data = text.encode()
    if len(data) <= tokens * BYTES_A_TOKEN:
        return text
    kept = data[: tokens * BYTES_A_TOKEN].decode(errors="ignore")
    words = re.match(r".*\S(?=\s)", kept, re.S)
    return words[0] if words else kept


def _choose(entries: Sequence[Entry]) -> str:
    found = {entry.path.lower().removeprefix("readme"): entry.path for entry in entries if _is_readme(entry)}
    return next((found[ending] for ending in ENDINGS if ending in found), "")


def _is_readme(entry: Entry) -> bool:
    return entry.kind in ("file", "link") and entry.path.lower().startswith("readme")


def _prose(text: str) -> str:
    text = TITLE_TAG.sub(r"\n# \1\n", text.replace("\r\n", "\n"))
    text = UNDERLINED.sub(lambda found: f"{'#' if found['mark'] == '=' else '##'} {found[1]}", text)
    text = BOLD_LINE.sub(r"## \2", text)
    for pattern in NOISE:
        text = pattern.sub("", text)
    text = BARE.sub("", TAG.sub("", LINK.sub(r"\1", text)))
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", text).strip()


def _sections(prose: str) -> Iterator[str]:
    """Sections with something in them, without side matters and what stands below those. What comes before the
    second heading always stays."""
    aside = 0  # the level of the side matter we are in
    for number, section in enumerate(re.split(r"(?m)^(?=#+\s)", prose)):
        head, _, body = section.strip().partition("\n")
        heading = HEADING.match(head)
        level = len(heading[1]) if heading else 0
        if aside and level > aside:
            continue
        aside = level if heading and number > 1 and ASIDE.search(heading[2]) else 0
        if not aside and (number < 2 or body.strip()):
            yield section.strip()


def _name(prose: str, folder: str) -> str:
    """What the first heading says, of its parts round a dash or colon the one like the folder, else the first."""
    heading = next((found for line in prose.splitlines() if (found := HEADING.match(line))), None)
    parts = re.split(r"\s[-–—|]\s|:\s", heading[2].replace("`", "")) if heading else []
    names = [name for part in parts if (name := re.sub(r"^[^\w]+|[^\w]+$", "", part))]
    return next((name for name in names if name.lower() == folder.lower()), names[0] if names else folder)
