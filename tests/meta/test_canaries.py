"""The watch at the suite's end sees a key in whatever form it stands, and nothing else."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from ..canaries import BLOCK, MARK, canary, files_with_one

KEY = canary()
HEAD = b"HTTP/1.1 200 OK\r\nauthorization: Basic "


@pytest.mark.parametrize(
    "text",
    [
        KEY.encode(),
        msgspec.json.encode(msgspec.json.encode({"key": KEY}).decode()),
        quote(f"key: {KEY}").encode(),
        *(HEAD + base64.b64encode(b"u" * before + b":" + KEY.encode()) for before in range(3)),
        b"." * (BLOCK - len(MARK) // 2 - 13) + KEY.encode(),  # where one block ends and the next begins
    ],
    ids=["bare", "json", "url", "base64-0", "base64-1", "base64-2", "blocks"],
)
def test_a_key_is_seen_wherever_it_stands(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "fine.log").write_bytes(text.replace(MARK[4:].encode(), b"").swapcase())
    hidden = tmp_path / "there"
    hidden.mkdir()
    (hidden / "run.log").write_bytes(text)
    try:
        assert list(files_with_one(tmp_path)) == [hidden / "run.log"]
    finally:
        (hidden / "run.log").unlink()
