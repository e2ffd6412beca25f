"""What a file was before a session changed it first is kept, once, without secrets, and as long as the session."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.contracts.tool import Call
from pillion.errors import NotFound
from pillion.events import FileChanged
from pillion.filediff import file_changed, images
from pillion.firstimages import LARGEST
from pillion.testing.kit import Anything, FunctionTool, events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says


def change(path: str, before: bytes | None, after: bytes | None) -> tuple[FileChanged, dict[str, bytes]]:
    event = file_changed(path, before, after)
    return event, dict(images(event, before))


@pytest.mark.promise("files.diff")
async def test_the_first_image_of_a_file_is_kept_and_no_later_one(tmp_path: Path) -> None:
    async with kernel_host(tmp_path) as host:
        session = await host.open()
        host.kernel.secrets.register("a long secret")
        for path, before, after in [
            ("a", b"one", b"two"), ("a", b"two", b"three"), ("new", None, b"x"), ("new", b"x", b"y"),
            ("keys", b"key = a long secret", b""), ("large", b"x" * (LARGEST + 1), b""), ("gone", b"bye", None),
        ]:  # fmt: skip
            event, blobs = change(path, before, after)
            await session.note(event, blobs=blobs)
        await session.note(FileChanged(path="foreign", kind="changed", diff="", before="0" * 64))
        written = [event for event in await events(session) if isinstance(event, FileChanged)]
        changed = session.changed
        assert [event.before for event in written if event.path in ("a", "new")] == [changed["a"], "", "", ""]
        assert changed["a"] and await session.kept(changed["a"]) == b"one"
        assert changed["gone"] and await session.kept(changed["gone"]) == b"bye"
        assert (changed["new"], changed["large"], changed["foreign"]) == ("", None, None)
        assert changed["keys"] and b"long" not in await session.kept(changed["keys"])
        with pytest.raises(NotFound):
            await session.kept(change("a", b"two", b"")[0].before)


async def test_a_tool_keeps_it_by_what_it_emits(tmp_path: Path) -> None:
    async def run(arguments: Anything, call: Call) -> str:
        event, blobs = change("f", b"before", b"after")
        await call.emit(event, blobs=blobs)
        return "done"

    tool = FunctionTool("change", run)
    provider = ScriptedProvider(calls(("change", "{}")), says("done"))
    async with kernel_host(tmp_path, tool, provider=provider) as host:
        session = await host.open()
        await host.run(session, "go")
        assert (name := session.changed["f"]) and await session.kept(name) == b"before"
