"""Images that an editor sends are as wide as a model needs, whatever is in the file."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image as Pictures

from pillion import Image
from pillion.imagesize import size_of
from pillion_aide.shrinking import shrunk


def picture(kind: str, width: int, height: int, mode: str = "RGB", **more: object) -> Image:
    packed = BytesIO()
    Pictures.new(mode, (width, height), "white" if mode != "P" else 0).save(packed, kind, **more)
    media_type = "image/png" if kind == "PNG" else "image/jpeg"
    return Image(media_type, packed.getvalue())


@pytest.mark.parametrize(
    ("sent", "size"),
    [
        (picture("PNG", 2160, 100), (1080, 50)),
        (picture("JPEG", 3240, 30), (1080, 10)),
        (picture("JPEG", 2160, 10), (1080, 5)),
        (picture("PNG", 4000, 1, "P"), (1080, 1)),
        (picture("PNG", 2160, 10, "LA"), (1080, 5)),
        (picture("JPEG", 2160, 10, "CMYK"), (1080, 5)),
        (picture("PNG", 1080, 3000), (1080, 3000)),
    ],
)
async def test_wide_ones_are_made_smaller(sent: Image, size: tuple[int, int]) -> None:
    (small,) = await shrunk([sent], 1080)
    assert size_of(small) == size and small.media_type == sent.media_type
    assert await shrunk([sent], 0) == [sent]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


BOMB = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
    + chunk(b"IEND", b"")
)
HALF = picture("PNG", 4000, 4000).data[:400]


@pytest.mark.parametrize("data", [BOMB, HALF, b"\x89PNG\r\n\x1a\n", b"no picture"])
async def test_what_can_not_be_unpacked_stays_as_it_is(data: bytes) -> None:
    sent = Image("image/png", data)
    assert await shrunk([sent], 1080) == [sent]
