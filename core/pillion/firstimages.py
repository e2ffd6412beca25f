"""What files were before a session changed each for the first time: kept once, to be compared at last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from .events import Event, FileChanged

LARGEST = 4 * 1024 * 1024
"""Bytes of a file that are kept."""


def first_images(
    events: Sequence[Event], blobs: Mapping[str, bytes], known: Mapping[str, str | None], mask: Callable[[bytes], bytes]
) -> tuple[Sequence[Event], Mapping[str, bytes]]:
    """The events as they are written, and the blobs that they name. `known` are files that were changed before.

    `before` stays only where the session had not changed that file yet, and names what `mask` leaves of its content.
    """
    if not any(isinstance(event, FileChanged) for event in events):
        return events, blobs
    written: list[Event] = []
    passed = {event.before for event in events if isinstance(event, FileChanged)}
    kept = {name: blob for name, blob in blobs.items() if name not in passed}
    seen = set(known)
    for event in events:
        if isinstance(event, FileChanged):
            image = blobs.get(event.before) if event.path not in seen else None
            seen.add(event.path)
            name = ""
            if image is not None and len(image) <= LARGEST:
                image = mask(image)
                name = hashlib.sha256(image).hexdigest()
                kept[name] = image
            event = structs.replace(event, before=name)
        written.append(event)
    return written, kept
