"""Random changes of a folder: odd names, links, permission bits, empty folders, ignore rules, kinds that change."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NAMES = [
    b"a", b"b c", b"d.txt", b"-x", "ü".encode(), b"\xff\xfe", b"a\nb", b"e.log", b"sub", b"sub.x", b"[1]", b"a\\b",
]  # fmt: skip
FILES_OF_RULES = [b".gitignore", b"sub/.gitignore", b"a/.gitignore"]
RULES = [
    b"*.log\n", b"/sub/\n", b"sub/\n!sub/a\n", b"*\n!a\n", b"d.txt\n", b"\\-x\n!*.log\n", b"**/a\n", b"a/**\n",
    b"[1]\n",
    b"# a\n\nb c \n", b"sub/*\n!sub/d.txt\n", b"\xef\xbb\xbfa\n", b"sub\r\n", b"",
]  # fmt: skip
names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(b"/".join)
contents = st.sampled_from([b"", b"one\n", b"two\r\n", b"\0\1\2", b"longer\n" * 50, b"$Id$\n"])
changes = st.lists(
    st.one_of(
        st.tuples(st.just("write"), names, contents),
        st.tuples(st.just("mode"), names, st.sampled_from([0o644, 0o755, 0o600, 0o444, 0o777])),
        st.tuples(st.just("link"), names, st.sampled_from([b"a", b"../a", b"/nowhere", b"sub", b"."])),
        st.tuples(st.just("folder"), names, st.none()),
        st.tuples(st.just("remove"), names, st.none()),
        st.tuples(st.just("move"), names, names),
        st.tuples(st.just("rules"), st.sampled_from(FILES_OF_RULES), st.sampled_from(RULES)),
    ),
    max_size=12,
)  # fmt: skip


def change(root: Path, what: str, path: bytes, more: Any) -> bool:
    """Does it, where that can be done. Was it?"""
    place = os.path.join(os.fsencode(root), path)
    try:
        match what:
            case "write" | "rules":
                _room(root, path)
                if os.path.islink(place):
                    os.unlink(place)
                with open(place, "wb") as file:
                    file.write(more)
            case "mode" if not os.path.islink(place) and os.path.isfile(place):
                os.chmod(place, more)
            case "link":
                _room(root, path)
                os.symlink(more, place)
            case "folder":
                os.makedirs(place)
            case "remove":
                remove(place)
            case "move":
                os.rename(place, os.path.join(os.fsencode(root), more))
            case _:
                return False
    except OSError:
        return False
    return True


def remove(place: bytes) -> None:
    if stat.S_ISDIR(os.lstat(place).st_mode):
        shutil.rmtree(place)
    else:
        os.unlink(place)


def _room(root: Path, path: bytes) -> None:
    """Folders down to it, and no link on the way, lest something outside is written."""
    folder = os.fsencode(root)
    for name in path.split(b"/")[:-1]:
        folder = os.path.join(folder, name)
        if os.path.islink(folder):
            raise OSError
        os.makedirs(folder, exist_ok=True)
