"""An edit of several files in each format, the files before and after it, and a kernel whose model makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pillion import events as e
from pillion.contracts.policy import Allow
from pillion.testing.kit import PolicyPlugin, events, kernel_host
from pillion.testing.scripted import calls, says
from pillion_edit.plugin import Config, Plugin

Files = Mapping[str, str]
LONG = "".join(f"line {number} of a file that fills some pages\n" for number in range(400))
"""The second file is longer: there may be room for the first, and then not for it."""
OLD: Files = {"a.txt": f"one\n{LONG}", "sub/b.txt": f"two\n{LONG * 3}", "e.txt": "five\n"}
BOTH: Files = OLD | {"a.txt": f"1\n{LONG}", "sub/b.txt": f"2\n{LONG * 3}"}
PATCHED: Files = {"a.txt": f"1\n{LONG}", "new/c.txt": f"2\n{LONG * 3}", "d.txt": "four\n"}


def blocks(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


PATCH = """\
*** Begin Patch
*** Update File: a.txt
-one
+1
*** Update File: sub/b.txt
*** Move to: new/c.txt
-two
+2
*** Add File: d.txt
+four
*** Delete File: e.txt
*** End Patch"""
DIFF = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-{1}\n+{2}\n"
FENCED = "{0}\n````\n{1}````\n"
EDITS: dict[str, tuple[str, Mapping[str, Any], Files]] = {
    "patch": ("apply_patch", {"patch": PATCH}, PATCHED),
    "blocks": (
        "edit_files",
        {"text": blocks("a.txt", "one\n", "1\n") + blocks("sub/b.txt", "two\n", "2\n") + blocks("d.txt", "", "four\n")},
        BOTH | {"d.txt": "four\n"},
    ),
    "unified": (
        "apply_diff",
        {"text": DIFF.format("a.txt", "one", 1) + DIFF.format("sub/b.txt", "two", 2)},
        BOTH,
    ),
    "whole": (
        "write_files",
        {"text": FENCED.format("a.txt", BOTH["a.txt"]) + FENCED.format("sub/b.txt", BOTH["sub/b.txt"])},
        BOTH,
    ),
    "replace": ("edit_file", {"path": "a.txt", "old": "one", "new": "1"}, OLD | {"a.txt": f"1\n{LONG}"}),
    "editor": (
        "str_replace_based_edit_tool",
        {"command": "str_replace", "path": "a.txt", "old_str": "one", "new_str": "1"},
        OLD | {"a.txt": f"1\n{LONG}"},
    ),
}
"""By format: the tool, its arguments, and the files that must come of it."""


class AllowAll:
    async def decide(self, call: object) -> Allow:
        return Allow()


def fill(folder: Path) -> None:
    for name, text in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def found(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


async def edited(folder: Path, format: str) -> e.ToolFinished:
    """A turn of a kernel, in which the model makes that edit."""
    name, arguments, _ = EDITS[format]
    plugins = {"edit": Plugin(Config({"*": format})), "allow": PolicyPlugin(AllowAll())}  # type: ignore[dict-item]
    async with kernel_host(folder, plugins=plugins) as host:
        host.provider.script(calls((name, json.dumps(msgspec.to_builtins(arguments)))), says("done"))
        session = await host.open()
        await host.run(session, "go")
        (result,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
        return result
