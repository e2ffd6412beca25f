"""Images that are wider than a model needs, made smaller on arrival, in a thread. Whatever can't be stays as it is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from io import BytesIO

import trio

from pillion import Image
from pillion.imagesize import size_of

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
LARGEST = 40_000_000
"""Pixels that are unpacked: 160 MB of memory. A file of a few kilobytes may claim to hold billions."""
SECONDS = 10.0
QUALITY = 85
_log = logging.getLogger("pillion.plugin.aide")
_one = trio.CapacityLimiter(1)
"""One at a time: what each unpacks is in memory."""


async def shrunk(images: Sequence[Image], width: int) -> list[Image]:
    """Those of PNG and JPEG that are wider than `width` pixels, as wide as that; 0 leaves all as they are."""
    return [await _shrunk(image, width) for image in images]


async def _shrunk(image: Image, width: int) -> Image:
    size = size_of(image)
    if not width or size is None or image.media_type not in FORMATS or size[0] <= width:
        return image
    if size[0] * size[1] > LARGEST:
        _log.warning("An image of %d by %d pixels is left as it is: it is too large to be unpacked.", *size)
        return image
    with trio.move_on_after(SECONDS):
        try:
            return await trio.to_thread.run_sync(_smaller, image, width, limiter=_one, abandon_on_cancel=True)
        except ImportError:
            _log.warning("Images are not made smaller: Pillow is not installed (pip install 'pillion[aide]').")
        except Exception as error:  # whatever is wrong with a file that somebody sent
            _log.warning("An image of %d by %d pixels is left as it is: %s", *size, error)
    return image


def _smaller(image: Image, width: int) -> Image:
    from PIL import Image as Pictures  # large; most messages have no image
    from PIL.ImageOps import exif_transpose

    kind = FORMATS[image.media_type]
    with Pictures.open(BytesIO(image.data), formats=[kind]) as picture:
        if picture.width * picture.height > LARGEST:
            raise ValueError("it is larger than it says at first")
        upright = exif_transpose(picture)
        if upright.width <= width:
            return image
        if upright.mode == "P":
            upright = upright.convert("RGBA")
        small = upright.resize((width, max(1, round(upright.height * width / upright.width))))
        packed = BytesIO()
        small.save(packed, kind, **({"quality": QUALITY} if kind == "JPEG" else {"optimize": False}))
    return Image(image.media_type, packed.getvalue())
