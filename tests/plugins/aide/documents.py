"""The documents of an editor: what it answers where it has the endpoints for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pillion.positions import Places, Position

from .editordouble import Answers


class Documents:
    """`texts` are open and not saved, by path. `streams`: it shows a streamed edit; `saves`: it saves one."""

    def __init__(self, *, streams: bool = True, saves: bool = False) -> None:
        self.texts: dict[str, str] = {}
        self.streams, self.saves = streams, saves
        self._growing: dict[str, str] = {}

    @property
    def answers(self) -> Answers:
        return {
            "/file_open": self.open,
            "/apply_edits": self.apply,
            "/apply_edits_streamed": self.stream,
            "/create_file": self.create,
        }

    def open(self, body: dict[str, Any]) -> Any:
        path = body["fs_file_path"]
        text = self._text(path)
        said = {"fs_file_path": path, "file_contents": text or "", "exists": text is not None, "language": "x"}
        return said | {"start_line": None, "end_line": None}

    def create(self, body: dict[str, Any]) -> Any:
        path = Path(body["fs_file_path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return {"success": True}

    def apply(self, body: dict[str, Any]) -> Any:
        path = body["fs_file_path"]
        self._replace(path, body["selected_range"], body["edited_content"])
        Path(path).write_bytes(self.texts.pop(path).encode())
        return {"fs_file_path": path, "success": True, "new_range": body["selected_range"]}

    def stream(self, body: dict[str, Any]) -> Any:
        edit, event = body["edit_request_id"], body["event"]
        if event == "Start":
            self._growing[edit] = ""
        elif event == "End":
            code = self._growing.pop(edit)
            if self.streams:
                lines = code.split("\n")
                assert lines[0] == lines[-1] == "```"
                self._replace(body["fs_file_path"], body["range"], "\n".join(lines[1:-1]))
                if self.saves:
                    Path(body["fs_file_path"]).write_bytes(self.texts.pop(body["fs_file_path"]).encode())
        else:
            self._growing[edit] += event["Delta"]
        return {"fs_file_path": body["fs_file_path"], "success": True}

    def _text(self, path: str) -> str | None:
        if path in self.texts:
            return self.texts[path]
        return Path(path).read_bytes().decode() if Path(path).exists() else None

    def _replace(self, path: str, range: dict[str, Any], text: str) -> None:
        """From the beginning of the first line to the end of the range; with the document's line ends."""
        old = self._text(path) or ""
        places, start, end = Places(old), range["startPosition"], range["endPosition"]
        begin = places.offset(Position(start["line"], 0))
        until = places.offset(Position(end["line"], end["character"]))
        if "\r\n" in old:
            text = text.replace("\n", "\r\n")
        self.texts[path] = old[:begin] + text + old[until:]
