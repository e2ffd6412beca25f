"""How large a picture is, by the first bytes of its file."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .values import Image


def size_of(image: Image) -> tuple[int, int] | None:
    """Width and height in pixels; None where the file does not say them as its media type has it."""
    try:
        return _READERS[image.media_type](image.data)
    except (struct.error, IndexError, ValueError):
        return None


def _png(data: bytes) -> tuple[int, int] | None:
    return _pair(">II", data, 16) if data.startswith(b"\x89PNG\r\n\x1a\n") else None


def _gif(data: bytes) -> tuple[int, int] | None:
    return _pair("<HH", data, 6) if data.startswith(b"GIF8") else None


def _webp(data: bytes) -> tuple[int, int] | None:
    """RFC 9649: lossy, lossless or extended, each of which says it in its own way."""
    match data[12:16] if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else b"":
        case b"VP8 ":
            width, height = _pair("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """From segment to segment, up to the one that begins a frame."""
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while data[at] == 0xFF:
        kind = data[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def _pair(layout: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, at)
    return first, second


_READERS: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/jpeg": _jpeg,
}
