"""A page's bytes as text: what kind of text it is, and in which characters."""

from __future__ import annotations

import codecs
import re
from typing import Literal

Kind = Literal["html", "text", ""]

_TEXT = re.compile(
    r"text/.*|application/(?:.*\+)?(?:json|xml|yaml|toml|javascript|ecmascript|x-ndjson|jsonl|graphql|sql|rtf|x-sh)"
    r"|application/(?:x-yaml|x-javascript|json5|ld\+json|x-www-form-urlencoded|x-httpd-php|x-tex|x-latex)"
    r"|image/svg\+xml|message/.*"
)
_HTML = ("text/html", "application/xhtml+xml")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_META = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})"
    rb"|<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9._:-]{1,40})",
    re.IGNORECASE,
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_NO_CHARSET = {"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
"""Codecs that no page is written in."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""What a person does not see and a model reads: controls, tags, marks of direction. Joiners stay, since scripts need
them."""
PIECE = 64 * 1024
"""Characters."""
LOOKED_AT = 4096
"""Bytes at the beginning in which a page says of itself what it is."""


def named(kind: str) -> str:
    """A content type without its parameters."""
    return kind.partition(";")[0].strip().lower()


def readable(kind: str) -> bool:
    """May this be text? What has no type, or the one for anything, may be."""
    return named(kind) in ("", "application/octet-stream", *_HTML) or _TEXT.fullmatch(named(kind)) is not None


def kind_of(kind: str, body: bytes) -> Kind:
    """What it is, by its type and its beginning; empty: no text."""
    begin = body[:LOOKED_AT]
    wide = begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in begin and not wide and not charset_of(kind, body).startswith("utf-16"):
        return ""
    if named(kind) in _HTML:
        return "html"
    if named(kind) not in ("", "application/octet-stream"):
        return "text"
    if re.match(rb"\s*<(?:!doctype html|html[\s>])", begin, re.IGNORECASE):
        return "html"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return "text" if wide else ""
    return "text"


def charset_of(kind: str, body: bytes) -> str:
    """The byte-order mark's, else the header's, else the page's own word; empty: it is not told."""
    for mark, name in _MARKS:
        if body.startswith(mark):
            return name
    told = _CHARSET.search(kind)
    if told is None:
        own = _META.search(body[:LOOKED_AT])
        name = (own[1] or own[2]).decode("ascii") if own else ""
        name = "utf-8" if name.lower().startswith("utf-16") else name  # it was read as ASCII just now
    else:
        name = told[1]
    try:
        codec = codecs.lookup(name)
    except LookupError:
        return ""
    found = codec.name.replace("_", "-")
    if found in _NO_CHARSET or not getattr(codec, "_is_text_encoding", True):
        return ""
    return {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}.get(found, found)


def text_of(kind: str, body: bytes) -> str:
    """Its characters; what can't be read becomes U+FFFD. Without a told charset: UTF-8 where it is that."""
    charset = charset_of(kind, body)
    if not charset:
        try:
            text = codecs.getincrementaldecoder("utf-8")().decode(body)  # its last character may be cut
        except UnicodeDecodeError:
            text = body.decode("cp1252", "replace")
    else:
        text = body.decode(charset, "replace")
    return text.removeprefix("\ufeff")


def clean(text: str) -> str:
    """Without characters that nobody sees, with plain line ends. In pieces, so that other threads get their turns."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_INVISIBLE.sub("", text[start : start + PIECE]) for start in range(0, len(text), PIECE))
