"""How a file holds its text: encoding, byte order mark, line ends. What is written back keeps them."""

from __future__ import annotations

import codecs

from msgspec import Struct

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 8192


class TextForm(Struct, frozen=True):
    """`valid` is false where bytes don't fit the encoding: an old 8-bit one, most likely."""

    encoding: str = "utf-8"
    mark: bytes = b""
    newline: str = "\n"
    valid: bool = True

    def encode(self, text: str) -> bytes:
        """`text` in this form; its line ends become the file's."""
        return self.mark + self.with_newlines(text).encode(self.encoding)

    def with_newlines(self, text: str) -> str:
        text = text.replace("\r\n", "\n")
        return text if self.newline == "\n" else text.replace("\n", self.newline)

    def decode(self, data: bytes) -> str:
        """The text of `data` without its mark, line ends as they are, wrong bytes replaced."""
        return data[len(self.mark) :].decode(self.encoding, "replace")


def text_form(data: bytes) -> TextForm | None:
    """The form of a file's content; None for what is no text."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    body = data[len(mark) :]
    if encoding == "utf-8" and b"\0" in body[:_LOOKED_AT]:
        return None
    valid = (encoding == "utf-8" and body.isascii()) or _decodes(body, encoding)
    if b"\r" not in body:
        return TextForm(encoding, mark, "\n", valid)
    ends = "\r\n".encode(encoding), "\n".encode(encoding)
    crlf = body.count(ends[0])
    return TextForm(encoding, mark, "\r\n" if crlf * 2 > body.count(ends[1]) else "\n", valid)


def _decodes(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
