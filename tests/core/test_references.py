"""What events refer to is known in one place: whoever adds an event that does so is told."""

from __future__ import annotations

import re

import msgspec

from pillion import Usage
from pillion import events as e
from pillion.references import HOLDS_BLOBS, HOLDS_SESSIONS, blobs, readdressed


def test_each_event_that_names_a_blob_is_known() -> None:
    """By its words: whoever adds a hash says that it is one. These name contents of files, which nobody keeps."""
    files = {e.FileUnsaved, e.FileEditWanted}
    named = {kind for kind in e.LASTING if re.search("hash|SHA-256", kind.__doc__ or "")}
    named |= {kind for kind in e.LASTING if "ImageRef" in str(msgspec.structs.fields(kind))}
    assert named - files == set(HOLDS_BLOBS)
    image = e.ImageRef("image/png", "i" * 64, 1)
    samples: list[tuple[e.Event, tuple[str, ...]]] = [
        (e.PromptQueued(prompt="", text="", images=(image,)), (image.hash,)),
        (e.ToolFinished(item=1, call="", tool="", text="", images=(image, image)), (image.hash,) * 2),
        (e.SessionForked(origin="", at=1, messages=("a", "b")), ("a", "b")),
        (e.UsageRecorded(model="", usage=Usage(), request=("a",), answer="c"), ("a", "c")),
        (e.UsageRecorded(model="", usage=Usage()), ()),
        (e.FileChanged(path="", kind="changed", diff="", before="b"), ("b",)),
        (e.FileChanged(path="", kind="created", diff="", hash="h"), ()),
    ]
    assert {type(event) for event, _ in samples} == set(HOLDS_BLOBS)
    for event, hashes in samples:
        assert blobs(event) == hashes


def test_each_event_that_names_a_session_is_known() -> None:
    """By the fields that do so; another one must be added to what `readdressed` knows."""
    fields = {"parent", "origin", "child", "path"}
    named = {kind for kind in e.LASTING if fields & set(kind.__struct_fields__)}
    assert named - {e.FileChanged, e.FileUnsaved, e.FileEditWanted} == set(HOLDS_SESSIONS)
    every = {name for kind in e.LASTING for name in kind.__struct_fields__}
    assert not [name for name in every - fields if "session" in name or "child" in name]
    moved = readdressed(e.ChildStarted(child="a"), str.upper, {})
    assert moved == e.ChildStarted(child="A")
