"""A program of its own: a page's HTML on stdin, UTF-8, becomes Markdown on stdout.

It is a process, since reading what a stranger wrote to be dear (depth, attributes by the million) must neither hold up
nor fill anybody else: it has a bound on its time and memory. lxml reads the page, html-to-markdown writes it; what
stands here is what neither knows: what nobody sees is dropped, and where links may lead.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from html_to_markdown import ConversionOptions, PreprocessingOptions, convert
from lxml.etree import ParserError
from lxml.html import HtmlElement, HTMLParser, document_fromstring, tostring

MEMORY = 1024 * 1024 * 1024
"""Bytes of address space."""
SECONDS = 15
"""Of the processor."""
MOST = 4_000_000
"""Characters that are written."""
LONGEST_LINK = 1_000
"""Characters of a link's address; a longer one is left out."""
LONGEST_ALT = 300
"""Characters of an image's description."""
ENOUGH = 100
"""Characters from which on a page's main part is taken for the page."""

_DROPPED = {
    "title", "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "applet", "canvas", "audio",
    "video", "nav", "select", "datalist", "dialog", "button",
}  # fmt: skip
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])")
_KEPT = {"ol": "start", "code": "class", "pre": "class"}
"""The attribute that says how an element is written."""
_OPTIONS = ConversionOptions(
    bullets="-",
    extract_metadata=False,
    hidden_content="all",  # what is hidden was dropped here
    preprocessing=PreprocessingOptions(enabled=False),
)


def markdown(html: str, base: str) -> str:
    """The page's title and text, the main part where the page says which one that is. `base`: where links are seen
    from."""
    try:
        page = document_fromstring(
            html.encode("utf-8", "replace"),
            parser=HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True),
        )
    except ParserError:  # there is nothing in it
        return ""
    title = " ".join((page.findtext(".//title") or "")[:1000].split())
    base = next((href for href in page.xpath("//base/@href") if href.startswith(("http://", "https://"))), base)
    if _hides(page):
        return title
    for element in [element for element in page.iterdescendants() if element.tag in _DROPPED or _hides(element)]:
        element.clear(keep_tail=True)
        element.tag = "span"
    for element in [inner for block in page.iter("pre") for inner in block.iterdescendants("a")]:
        element.tag = "span"  # code stays as it is
    for element in reversed(list(page.iter())):  # a link after what is in it
        _plain(element, base)
    whole = "".join(tostring(part, encoding="unicode", with_tail=False) for part in _parts(page))
    text = (convert(whole, _OPTIONS).content or "").strip("\n")
    return f"# {title}\n\n{text}" if title and not text.startswith(f"# {title}\n") else text


def _hides(element: HtmlElement) -> bool:
    said = element.attrib
    style = said.get("style", "")[:2000].lower()
    return "hidden" in said or said.get("aria-hidden") == "true" or bool(style and _HIDING.search(style))


def _plain(element: HtmlElement, base: str) -> None:
    """Of its attributes only what is written stays; a picture becomes its description."""
    kept = _KEPT.get(element.tag, "")
    value = element.get(kept) if kept else None
    link = _link(element.get("href", ""), base) if element.tag == "a" else ""
    alt = " ".join(element.get("alt", "").split())[:LONGEST_ALT] if element.tag == "img" else ""
    element.attrib.clear()
    if value is not None:
        element.set(kept, value)
    match element.tag:
        case "a" if link and element.text_content().strip():
            element.set("href", link)
        case "a" | "img":
            element.tag = "span"
            element.text = f"[image: {alt}]" if alt else element.text


def _link(href: str, base: str) -> str:
    """Its address in full; empty for one that leads nowhere, or is no address of a page."""
    href = href.strip()
    if not href or href.startswith("#") or len(href) > LONGEST_LINK:
        return ""
    try:
        full = urljoin(base, href)
        scheme = urlsplit(full).scheme
    except ValueError:
        return ""
    good = scheme in ("http", "https", "mailto") and not re.search(r"[\s()<>\x00-\x1f]", full)
    return full if good and len(full) <= LONGEST_LINK else ""


def _parts(page: HtmlElement) -> Sequence[HtmlElement]:
    mains = page.xpath("//*[self::main or self::article][not(ancestor::main or ancestor::article)]")
    return mains if sum(len(main.text_content()) for main in mains) >= ENOUGH else [page]


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
