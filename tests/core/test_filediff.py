"""Diffs that a real patch program takes, whatever the files hold."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from pillion.filediff import file_changed, unified_diff
from pillion.processes import Processes
from pillion.textform import TextForm, text_form

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is the patch program here")


def some_text(seed: int, lines: int) -> list[str]:
    chance = random.Random(seed)
    words = ["", "one", "two", "three\x0bfour", "five\u2028six", "seven\x0c", "-- minus", "++ plus", "@@ at"]
    return [chance.choice(words) for _ in range(lines)]


def changed(text: list[str], seed: int) -> list[str]:
    chance = random.Random(seed)
    found = list(text)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(found) + 1)
        found[at : at + chance.randrange(3)] = [f"new {chance.random()}"] * chance.randrange(3)
    return found


async def patched(folder: Path, before: bytes | None, after: bytes) -> bytes:
    """What git makes of `before` by our diff."""
    if before is not None:
        (folder / "f").write_bytes(before)
    (folder / "d").write_bytes(unified_diff("f", before, after).encode())
    git = Processes({"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CEILING_DIRECTORIES": str(folder.parent)})
    ended = await git.run(["git", "apply", "--whitespace=nowarn", "d"], cwd=folder, seconds=20)
    assert (ended.code, ended.output) == (0, "")
    return (folder / "f").read_bytes()


@needs_git
@pytest.mark.parametrize("seed", range(12))
async def test_git_applies_it(tmp_path: Path, seed: int) -> None:
    before = some_text(seed, random.Random(seed).randrange(1, 60))
    old, new = "\n".join(before).encode() + b"\n" * (seed % 2), "\n".join(changed(before, seed)).encode()
    if old != new:
        assert await patched(tmp_path, old, new) == new


@needs_git
async def test_git_applies_a_new_file(tmp_path: Path) -> None:
    assert await patched(tmp_path, None, b"a\nb") == b"a\nb"


@needs_git
async def test_git_applies_what_was_replaced_wholly(tmp_path: Path) -> None:
    old = b"same\n" + b"".join(b"old %d\n" % number for number in range(5000)) + b"end\n"
    new = b"same\n" + b"".join(b"new %d\n" % number for number in range(5001)) + b"end\n"
    assert await patched(tmp_path, old, new) == new


def test_the_event_counts_and_names() -> None:
    event = file_changed("x/y", b"a\nb\n--- c\n", b"a\nB\n", "h", "c")
    assert (event.kind, event.added, event.removed, event.hash, event.call) == ("changed", 1, 2, "h", "c")
    assert file_changed("x", None, b"").kind == "created"
    assert (
        file_changed("x", b"a", None).diff
        == "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n"
    )


def test_what_is_no_text_is_one_sentence() -> None:
    assert unified_diff("x", b"\0", b"a") == "Binary files a/x and b/x differ\n"
    assert unified_diff("x", b"\0", b"\0") == ""


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", TextForm()),
        (b"a\r\nb\r\nc\n", TextForm(newline="\r\n")),
        (b"a\r\nb\nc\n", TextForm()),
        (b"\xef\xbb\xbfa", TextForm(mark=b"\xef\xbb\xbf")),
        (b"\xff\xfea\0\r\0\n\0", TextForm("utf-16-le", b"\xff\xfe", "\r\n")),
        (b"\xe9", TextForm(valid=False)),
        (b"a\0b", None),
    ],
)
def test_forms(data: bytes, form: TextForm | None) -> None:
    assert text_form(data) == form
