"""Vectors of workspaces, made in the background and kept by content: a search takes those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import trio
from msgspec import Struct

from pillion import StoreFailed, ToolError, Workspace
from pillion.contracts.code import CodeFile, CodeTable, Piece

if TYPE_CHECKING:
    from pillion_storage.filecache import FileCacheDoor

    from .vectors import Near, Vectors

KIND = "index.vectors"
TOGETHER = 4
"""Texts for which a question waits at most, since one batch is made after the other."""
MOST = 50_000
"""Pieces of a workspace."""
SECONDS = 5.0
"""For the vector of a question."""
READING = 2.0
"""For those that are kept, before the first search; the rest is read beside it."""
FILES = 100
"""Of which the file cache is asked at once."""
HEADS = 12
CHARACTERS = 1500


class Embedder(Protocol):
    """Makes vectors of texts. `name` has its version in it: vectors of another name are none."""

    @property
    def name(self) -> str: ...
    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str], /) -> Sequence[bytes]:
        """For each a vector of length 1: 32-bit numbers, the low byte first. Raises ToolError."""
        ...


class _Kept(Struct, frozen=True, array_like=True):
    """What the file cache has of a file: the lines of its pieces, and their vectors, 16-bit numbers."""

    lines: tuple[tuple[int, int], ...]
    data: bytes


class Embedding:
    """Of all workspaces. `begin` is given the nursery of the plugin's lifespan."""

    makes = True
    """Are vectors made of what has none? Not by who is gone before they are there."""

    def __init__(self) -> None:
        self._nursery: trio.Nursery | None = None
        self._door: FileCacheDoor | None = None
        self._known: dict[tuple[Path, str], Vectors] = {}
        self._working: dict[tuple[Path, str], trio.Event] = {}

    def begin(self, nursery: trio.Nursery | None, door: FileCacheDoor | None) -> None:
        self._nursery, self._door = nursery, door

    async def nearest(
        self,
        embedder: Embedder,
        workspace: Workspace,
        table: CodeTable,
        question: str,
        first: Iterable[str],
        limit: int,
        *,
        must: bool = True,
    ) -> list[Near]:
        """The files closest to a question among those that have vectors by now. What has none gets them in the
        background, `first` the files that are named there. Raises ToolError where the question gets none; unless it
        `must`, it needs none where there is nothing to compare it with, and no model has to begin."""
        key = workspace.root, embedder.name
        if key not in self._known:
            made = await trio.to_thread.run_sync(_fresh, embedder.dimensions)
            self._known.setdefault(key, made)
            with trio.move_on_after(READING):
                await self._load(embedder, workspace, table, self._known[key])
        vectors = self._known[key]
        vectors.keep(table.hashes)
        if self.makes and self._nursery is not None and key not in self._working and vectors.lacking(table.hashes):
            self._working[key] = trio.Event()
            self._nursery.start_soon(self._work, embedder, workspace, table, vectors, list(first))
        if not must and not vectors.pieces:
            return []
        with trio.move_on_after(SECONDS):
            (vector,) = await embedder.embed([question])
            return await trio.to_thread.run_sync(vectors.nearest, vector, limit)
        raise ToolError("The model that makes vectors is busy.")

    async def settled(self, embedder: Embedder, workspace: Workspace) -> None:
        """Waits until no vectors are made for it any more."""
        if (working := self._working.get((workspace.root, embedder.name))) is not None:
            await working.wait()

    def share(self, embedder: Embedder, workspace: Workspace, table: CodeTable) -> float:
        """Of the files, those that have vectors: 0 to 1."""
        vectors = self._known.get((workspace.root, embedder.name))
        if vectors is None or not table.hashes:
            return 0.0
        return 1 - len(vectors.lacking(table.hashes)) / len(table.hashes)

    async def _work(
        self, embedder: Embedder, workspace: Workspace, table: CodeTable, vectors: Vectors, first: list[str]
    ) -> None:
        """Until every file has vectors, or none can be made."""
        try:
            lacking = vectors.lacking(table.hashes)
            order = [*(path for path in first if path in lacking), *(path for path in lacking if path not in first)]
            for start in range(0, len(order), FILES):
                some = order[start : start + FILES]
                old = await self._kept(embedder, workspace, table, some)
                for path in some:
                    if vectors.pieces >= MOST:
                        return
                    await self._file(embedder, workspace, table, vectors, path, old.get(path))
        except ToolError:
            return  # the model failed; the next search tries again
        finally:
            self._working.pop((workspace.root, embedder.name)).set()

    async def _load(self, embedder: Embedder, workspace: Workspace, table: CodeTable, vectors: Vectors) -> None:
        """What is kept of the files that have none yet."""
        lacking = vectors.lacking(table.hashes)
        for start in range(0, len(lacking), FILES):
            for path, old in (await self._kept(embedder, workspace, table, lacking[start : start + FILES])).items():
                file = await trio.to_thread.run_sync(table.file, path)
                lines = [(piece.first, piece.last) for piece in file.pieces] if file is not None else []
                known = await trio.to_thread.run_sync(_read, old, lines)
                if file is not None and known is not None:
                    vectors.put(path, file.hash, lines, known)

    async def _file(
        self, embedder: Embedder, workspace: Workspace, table: CodeTable, vectors: Vectors, path: str, old: bytes | None
    ) -> None:
        file = await trio.to_thread.run_sync(table.file, path)
        if file is None:
            return
        lines = [(piece.first, piece.last) for piece in file.pieces]
        if old is not None and (known := await trio.to_thread.run_sync(_read, old, lines)) is not None:
            vectors.put(path, file.hash, lines, known)
            return
        try:
            content = await workspace.read(path)
        except ToolError:
            content = None  # it has just gone; without pieces nobody asks for it again until it changes
        texts = _texts(file, content.data) if content is not None and content.hash == file.hash else []
        if len(texts) < len(lines):
            vectors.put(path, file.hash, [], [])
            return
        data: list[bytes] = []
        for start in range(0, len(texts), TOGETHER):
            data += await embedder.embed(texts[start : start + TOGETHER])
        vectors.put(path, file.hash, lines, data)
        if lines:
            kept = await trio.to_thread.run_sync(_packed, lines, data)
            await self._put(embedder, workspace, path, file.hash, kept)

    async def _kept(
        self, embedder: Embedder, workspace: Workspace, table: CodeTable, paths: Sequence[str]
    ) -> Mapping[str, bytes]:
        door = self._door
        if door is None:
            return {}
        wanted = [(path, hash) for path in paths if (hash := table.hashes.get(path))]
        try:
            return await door.artefacts(str(workspace.root), wanted, KIND, embedder.name)
        except StoreFailed:
            return {}

    async def _put(self, embedder: Embedder, workspace: Workspace, path: str, hash: str, data: bytes) -> None:
        """Where the file cache knows that content of the file; a store that fails costs time alone."""
        door = self._door
        if door is None:
            return
        from pillion_storage.filecache import Artefact  # there is a door, so it is imported already

        try:
            facts = (await door.facts(str(workspace.root), [path])).get(path)
            if facts is not None and facts.hash == hash:
                await door.put(str(workspace.root), [(facts, [Artefact(KIND, embedder.name, data)])])
        except StoreFailed:
            return


def _fresh(dimensions: int) -> Vectors:
    if find_spec("numpy") is None:
        raise ToolError("The library numpy is not installed: pip install 'pillion[map]'.")
    vectors: Vectors = _numbers().Vectors(dimensions)
    return vectors


def _numbers() -> Any:
    return import_module(f"{__package__}.vectors")  # numpy, which is large


def _packed(lines: Sequence[tuple[int, int]], data: Sequence[bytes]) -> bytes:
    return msgspec.msgpack.encode(_Kept(tuple(lines), _numbers().packed(data)))


def _read(data: bytes, lines: Sequence[tuple[int, int]]) -> list[bytes] | None:
    """None: of other pieces."""
    try:
        kept = msgspec.msgpack.decode(data, type=_Kept)
        if kept.lines != tuple(lines) or not lines:
            return None
        found: list[bytes] = _numbers().unpacked(kept.data, len(lines))
    except (msgspec.DecodeError, ValueError):
        return None
    return found


def _texts(file: CodeFile, data: bytes) -> list[str]:
    """Of each piece: where it stands, what is defined in it, and how it begins."""
    lines = data.decode("utf-8", "replace").split("\n")
    return [_text(file, piece, lines) for piece in file.pieces]


def _text(file: CodeFile, piece: Piece, lines: Sequence[str]) -> str:
    heads = [one.head for one in file.symbols if piece.first <= one.line <= piece.last and one.kind != "field"]
    begins = "\n".join(line.strip() for line in lines[piece.first - 1 : piece.last])
    return "\n".join([file.path, *heads[:HEADS], begins])[:CHARACTERS]
