"""A program of its own: a page's HTML on stdin, UTF-8, becomes Markdown on stdout.

It is a process, since reading what a stranger wrote to be dear (depth, unclosed comments by the million) must neither
hold up nor fill anybody else: it has a bound on its time and memory, and the standard library is all it needs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space."""
SECONDS = 15
"""Of the processor."""
MOST = 4_000_000
"""Characters that are written."""
DEEPEST = 400
"""Open elements that are kept track of."""
LONGEST_LINK = 1_000
"""Characters of a link's address; a longer one is left out."""
ENOUGH = 200
"""Characters from which on a page's main part is taken for the page."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _words("area base br col embed hr img input link meta param source track wbr")
_DROPPED = _words(
    "script style noscript template svg math iframe object applet canvas audio video head nav select datalist dialog "
    "button"
)
_BLOCKS = _words(
    "address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hgroup hr li main ol p pre section summary table tbody tfoot thead tr ul"
)
_NOT_P = _BLOCKS - {"p"}
_CLOSES = {"li": ("li", ("ul", "ol")), "dt": ("dd", ("dl",)), "dd": ("dd", ("dl",)), "tr": ("tr", ("table",))} | {
    cell: (cell, ("tr", "table")) for cell in ("td", "th")
}
"""What a new one of a kind closes, looked for up to these."""
_WRAPS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "kbd": "`", "samp": "`", "del": "~~", "s": "~~"}
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])")
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""What a person does not see and a model reads: controls, tags, marks of direction. Joiners stay, since scripts need
them."""


def clean(text: str) -> str:
    """Without characters that nobody sees, with plain line ends."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class Page(HTMLParser):
    """Collects the text while the page is read. `base` is where links are seen from."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._base = base
        self._stack: list[str] = []
        self._hidden: int | None = None
        """How deep the stack was before the element that hides all in it."""
        self._in_title = False
        self._inline: list[str] = []
        self._links: list[tuple[int, str]] = []
        """Links that are open: where their text begins in `_inline`, and where they lead."""
        self._lists: list[int] = []
        """Numbers of the next items of lists that are open; 0: without numbers."""
        self._bullet = ""
        self._quotes = 0
        self._pre: list[str] | None = None
        self._row: list[str] | None = None
        self._rows = 0
        self.blocks: list[tuple[str, bool]] = []
        """Lines or groups of them, and whether they are of the page's main part."""
        self._mains = 0

    # ── what the parser tells ──

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "base" and said.get("href", "").startswith(("http://", "https://")):
            self._base = said["href"]
        if tag == "title" and not self.title:
            self._in_title = True
        if tag in _BLOCKS:
            if "head" in self._stack[:2]:
                self._close("head", ())
            self._close("p", _NOT_P)
        if tag in _CLOSES:
            closes, until = _CLOSES[tag]
            self._close(closes, until)
        if self._hidden is None and (tag in _DROPPED or _hides(said)):
            self._flush()
            self._hidden = len(self._stack)
        if tag not in _VOID:
            if len(self._stack) < DEEPEST:
                self._stack.append(tag)
        elif self._hidden == len(self._stack):  # one that hides itself alone
            self._hidden = None
            return
        if self._hidden is None:
            self._open(tag, said)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if tag in _VOID or tag not in self._stack:
            return
        while self._stack:
            ended = self._stack.pop()
            if self._hidden is not None:
                if len(self._stack) <= self._hidden:
                    self._hidden = None
            else:
                self._end(ended)
            if ended == tag:
                break

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data[: 1000 - len(self.title)]
        elif self._hidden is None:
            (self._inline if self._pre is None else self._pre).append(data)

    # ── what becomes of it ──

    def _close(self, tag: str, until: Sequence[str] | frozenset[str]) -> None:
        """Ends an element that was left open, unless one of `until` is open in it."""
        for open_ in reversed(self._stack):
            if open_ == tag:
                self.handle_endtag(tag)
                return
            if open_ in until:
                return

    def _open(self, tag: str, said: Mapping[str, str]) -> None:
        if self._row is not None and tag not in ("td", "th", "tr", "table"):
            if tag in ("br", "p", "div", "li"):
                self._inline.append(" ")
        elif tag in _BLOCKS:
            self._flush()
        match tag:
            case "main" | "article":
                self._mains += 1
            case "ul" | "ol":
                self._lists.append(_number(said.get("start", "1")) if tag == "ol" else 0)
            case "li" if self._lists:
                self._bullet = f"{self._lists[-1]}. " if self._lists[-1] else "- "
                self._lists[-1] += self._lists[-1] > 0
            case "li":
                self._bullet = "- "
            case "blockquote":
                self._quotes += 1
            case "pre":
                self._pre = []
            case "br":
                self._inline.append(" ")
            case "hr":
                self._put("---")
            case "table":
                self._rows = 0
            case "tr":
                self._flush()
                self._row = []
            case "td" | "th":
                self._inline, self._links = [], []
            case "a":
                self._links.append((len(self._inline), self._link(said.get("href", ""))))
            case "img" if said.get("alt", "").strip():
                self._inline.append(f"[image: {_SPACE.sub(' ', said['alt']).strip()[:300]}]")
            case _ if tag in _WRAPS and self._pre is None:
                self._inline.append(_WRAPS[tag])

    def _end(self, tag: str) -> None:
        match tag:
            case "main" | "article":
                self._flush()
                self._mains = max(0, self._mains - 1)
            case "ul" | "ol":
                self._flush()
                if self._lists:
                    self._lists.pop()
            case "blockquote":
                self._flush()
                self._quotes = max(0, self._quotes - 1)
            case "pre" if self._pre is not None:
                text, self._pre = "".join(self._pre).strip("\n"), None
                fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
                if text.strip():
                    self._put(f"{fence}\n{text}\n{fence}")
            case "a" if self._links:
                self._linked()
            case "td" | "th" if self._row is not None:
                self._row.append(_SPACE.sub(" ", "".join(self._inline)).strip().replace("|", "\\|"))
                self._inline, self._links = [], []
            case "tr" if self._row is not None:
                self._end("td" if "".join(self._inline).strip() else "")
                self._put_row(self._row)
                self._row, self._inline = None, []
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._flush("#" * int(tag[1]) + " ")
            case _ if tag in _BLOCKS and self._row is None:
                self._flush()
            case _ if tag in _WRAPS and self._pre is None:
                self._inline.append(_WRAPS[tag])

    def _linked(self) -> None:
        start, href = self._links.pop()
        if start > len(self._inline) or self._pre is not None:
            return
        text = _SPACE.sub(" ", "".join(self._inline[start:]))
        if href and text.strip():
            self._inline[start:] = [f"[{text.strip()}]({href})"]

    def _link(self, href: str) -> str:
        """Its address in full; empty for one that leads nowhere, or is no address of a page."""
        href = href.strip()
        if not href or href.startswith("#") or len(href) > LONGEST_LINK:
            return ""
        try:
            full = urljoin(self._base, href)
            scheme = urlsplit(full).scheme
        except ValueError:
            return ""
        good = scheme in ("http", "https", "mailto") and not re.search(r"[\s()<>\x00-\x1f]", full)
        return full if good and len(full) <= LONGEST_LINK else ""

    def _flush(self, before: str = "") -> None:
        """What stands in the line becomes a block."""
        if self._row is not None:
            return
        text = _SPACE.sub(" ", "".join(self._inline)).strip()
        self._inline, self._links = [], []
        if re.sub(r"[*`~\s]", "", text):
            self._put(before + text)

    def _put(self, text: str) -> None:
        indent = "  " * max(0, len(self._lists) - 1)
        first = indent + self._bullet if self._bullet else indent + ("  " if self._lists else "")
        rest = " " * len(first)
        self._bullet = ""
        quote = "> " * min(self._quotes, 8)
        lines = text.split("\n")
        done = [f"{quote}{first if number == 0 else rest}{line}".rstrip() for number, line in enumerate(lines)]
        self.blocks.append(("\n".join(done), self._mains > 0))

    def _put_row(self, row: Sequence[str]) -> None:
        if not any(row):
            return
        self._put(f"| {' | '.join(row)} |")
        if self._rows == 0:
            self._put(f"|{' --- |' * len(row)}")
        self._rows += 1

    def text(self) -> str:
        """The whole: the main part, where the page says which one that is."""
        for tag in reversed(self._stack[: self._hidden]):  # those that were left open
            self._end(tag)
        self._flush()
        mains = [text for text, main in self.blocks if main]
        blocks = mains if sum(map(len, mains)) >= ENOUGH else [text for text, _ in self.blocks]
        return "\n".join(_spaced(blocks)).strip("\n")


def _spaced(blocks: Sequence[str]) -> list[str]:
    """With an empty line between blocks, none within a list or a table."""
    out: list[str] = []
    before = ""
    for block in blocks:
        kind = "row" if block.startswith("| ") else "item" if re.match(r" *(?:- |\d+\. )", block) else ""
        if out and not (kind and kind == before):
            out.append("")
        out.append(block)
        before = kind
    return out


def _hides(said: Mapping[str, str]) -> bool:
    style = said.get("style", "")[:2000].lower()
    return "hidden" in said or said.get("aria-hidden", "") == "true" or bool(style and _HIDING.search(style))


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9]\d{0,6}", text) else 1


def markdown(html: str, base: str) -> str:
    """The page's title and text."""
    page = Page(base)
    page.feed(html)
    page.close()
    title = _SPACE.sub(" ", page.title).strip()
    text = page.text()
    return clean(f"# {title}\n\n{text}" if title and not text.startswith(f"# {title}\n") else text)


def main() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource  # not on every system; the deadline holds there, too

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    text = markdown(sys.stdin.buffer.read().decode("utf-8", "replace"), sys.argv[1])
    if len(text) > MOST:
        text = f"{text[:MOST]}\n\n[The page is longer; the rest is left out.]"
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
