"""What the files of workspaces define and use: kept by content, and brought up to date whenever it is asked for."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import msgspec
import trio
from msgspec import Struct

from pillion import ToolError, Workspace
from pillion.contracts.code import CodeFile, Symbol
from pillion.processes import Processes

from .grammars import Languages
from .keeping import Keeping, Kept, batches
from .reading import Read, Reader
from .walking import Stat, folders, stats, walk
from .workers import Workers

Note = Callable[[str, float], None]
BATCH = 2000
"""Files that are read before the file cache is given them."""
FEW, SMALL = 5, 100_000
"""Files, and bytes of each, that are read here and in no process of their own."""


class _Name(Struct, frozen=True, array_like=True):
    """As much of a symbol, or of a use, as a table looks at."""

    kind: str
    name: str


class _Names(Struct, frozen=True, array_like=True):
    """As much of a CodeFile: what stands behind is skipped."""

    path: str
    hash: str
    language: str
    symbols: tuple[_Name, ...] = ()
    uses: tuple[_Name, ...] = ()


_NAMES = msgspec.msgpack.Decoder(_Names)


class Table:
    """What is known of one workspace; files in memory as they are kept. One thread puts and drops, others may read.

    Sets of paths are dictionaries: the search for cycles, which stops all threads, looks at each set there is.
    """

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self.seen: dict[str, Stat] = {}
        self.folders: dict[str, Stat] = {}
        self.languages: Mapping[str, str] = {}
        self.version = ""
        self._data: dict[str, bytes] = {}
        self._defining: dict[str, dict[str, None]] = defaultdict(dict)
        self._using: dict[str, dict[str, None]] = defaultdict(dict)

    def file(self, path: str) -> CodeFile | None:
        data = self._data.get(path)
        return None if data is None else msgspec.msgpack.decode(data, type=CodeFile)

    def defining(self, name: str) -> Sequence[str]:
        return sorted(self._defining.get(name, ()))

    def using(self, name: str) -> Sequence[str]:
        return sorted(self._using.get(name, ()))

    def names(self) -> Iterator[str]:
        """All that is defined."""
        return iter(list(self._defining))

    def put(self, path: str, stat: Stat, hash: str, data: bytes) -> None:
        before = self._data.get(path)
        self.seen[path] = stat
        self._data[path], self.hashes[path] = data, hash
        found = _NAMES.decode(data)
        for names, table in ((found.symbols, self._defining), (found.uses, self._using)):
            for one in names:
                table[one.name][path] = None
        if before is not None:
            self._forget(path, before, found)

    def drop(self, path: str) -> None:
        if self.hashes.pop(path, None) is None:
            return
        self.seen.pop(path, None)
        self._forget(path, self._data.pop(path), _Names(path, "", ""))

    def _forget(self, path: str, before: bytes, now: _Names) -> None:
        """The names that the file had and has no more."""
        old = _NAMES.decode(before)
        for was, has, table in ((old.symbols, now.symbols, self._defining), (old.uses, now.uses, self._using)):
            for name in {one.name for one in was} - {one.name for one in has}:
                table[name].pop(path, None)
                if not table[name]:
                    del table[name]


class Indexes:
    """One table a workspace. `table` is exact: each time it asks the disk which files have another size or time, and
    the workspace what is unsaved."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.keeping = Keeping(None)
        self._tables: dict[Path, tuple[trio.Lock, Table]] = {}
        self._processes: Processes | None = None
        self._workers: Workers | None = None

    def begin(self, processes: Processes, keeping: Keeping, workers: Workers | None = None) -> None:
        self._processes, self.keeping = processes, keeping
        self._workers = workers or Workers(processes)

    async def table(self, workspace: Workspace, note: Note | None = None) -> Table:
        lock, table = self._tables.setdefault(workspace.root, (trio.Lock(), Table()))
        async with lock:
            await self._refresh(workspace, table, note)
        return await self._overlaid(workspace, table) if getattr(workspace, "unsaved", None) else table

    async def _overlaid(self, workspace: Workspace, table: Table) -> Table:
        """With the texts of an editor; of languages that a plugin brings only what is on the disk, since a grammar that
        hangs would hold a thread."""
        from .unsaved import OverlaidTable, wanted  # which is made of a table

        files: dict[str, CodeFile] = {}
        if self._reader.only_shipped:
            for path, data in (await trio.to_thread.run_sync(wanted, workspace, table)).items():
                if (found := await self._reader.symbols(path, data)) is not None:
                    files[path] = found
        return OverlaidTable(table, files) if files else table

    async def look(self, workspace: Workspace, path: str) -> CodeFile | None:
        """None also for what can't be parsed."""
        try:
            found = await self._reader.outline(workspace, path)
        except ToolError:
            return None
        symbols = [
            Symbol(node.kind, node.name, node.owner, node.span.first, node.span.last, node.naming.first, "")
            for node in found.nodes
            if node.kind != "import" and node.name
        ]
        return CodeFile(found.path, found.hash, found.language, tuple(symbols))

    async def _refresh(self, workspace: Workspace, table: Table, note: Note | None) -> None:
        assert self._processes is not None and self._workers is not None
        files, version = self._reader.files, await trio.to_thread.run_sync(_version, self._reader.files)
        root = workspace.root
        now = await trio.to_thread.run_sync(folders, root, list(table.languages))
        if table.version != version or now != table.folders:
            table.languages = await walk(workspace, self._processes, self._reader.languages)
            table.folders = await trio.to_thread.run_sync(folders, root, list(table.languages))
        changed = await trio.to_thread.run_sync(_changed, table, root, version)
        for some in batches(list(changed)):
            old = await self.keeping.known(root, version, {path: changed[path] for path in some})
            await trio.to_thread.run_sync(_take_over, table, changed, old)
        if changed:
            await self._read(root, files, version, table, changed, note)
        table.version = version

    async def _read(
        self,
        root: Path,
        files: Sequence[Path],
        version: str,
        table: Table,
        changed: Mapping[str, Stat],
        note: Note | None,
    ) -> None:
        assert self._workers is not None
        fresh: list[Kept] = []
        done = 0

        def take(read: Read) -> None:
            nonlocal done
            done += 1
            data = read.data or msgspec.msgpack.encode(CodeFile(read.path, "", ""))
            table.put(read.path, changed[read.path], read.hash, data)
            if read.hash and read.mtime:
                fresh.append(Kept(read.path, read.hash, read.size, read.mtime, read.language, data))
            if note is not None and done % 50 == 0:
                note(f"{done} of {len(changed)} files read", done / len(changed))

        jobs = [(path, table.languages[path]) for path in changed]
        if self._is_quick(table, changed):
            for path, language in jobs:
                take(await trio.to_thread.run_sync(_read, self._reader.languages, root, path, language))
            jobs.clear()
            await self.keeping.put(root, version, fresh)
            fresh.clear()
        try:
            for start in range(0, len(jobs), BATCH):
                for path in await self._workers.read(root, files, jobs[start : start + BATCH], take):
                    take(Read(path, 0, 0))
                await self.keeping.put(root, version, fresh)
                fresh.clear()
        finally:
            if fresh:
                with trio.move_on_after(2, shield=True):  # what was read is not read again
                    await self.keeping.put(root, version, fresh)

    def _is_quick(self, table: Table, changed: Mapping[str, Stat]) -> bool:
        """May they be read here, without the half second that a process takes to begin? A few small files, in languages
        whose grammars are the shipped ones', none of which hung before."""
        known = self._reader.only_shipped and len(changed) <= FEW
        return known and all(size <= SMALL and table.hashes.get(path) != "" for path, (size, _) in changed.items())


def _read(known: Languages, root: Path, path: str, language: str) -> Read:
    read: Read = import_module(f"{__package__}.worker").read(known, root, path, language)  # tree-sitter
    return read


def _changed(table: Table, root: Path, version: str) -> dict[str, Stat]:
    """The files that the table does not know as they are; those that are gone it drops. For a thread."""
    there = stats(root, list(table.languages))
    for path in [path for path in table.seen if path not in there]:
        table.drop(path)
    other = table.version != version
    return {path: stat for path, stat in there.items() if other or table.seen.get(path) != stat}


def _take_over(table: Table, changed: dict[str, Stat], old: Mapping[str, Kept]) -> None:
    for path, kept in old.items():
        table.put(path, changed.pop(path), kept.hash, kept.data)


def _version(files: Sequence[Path]) -> str:
    """Of what makes the tables: another one where a language file has changed."""
    return "3-" + hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
