"""A store of objects in git's own format, which nobody else uses: loose ones for a few, a pack for many at once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID
from dulwich.pack import write_pack_index_v2

from .scanning import entries, named

FEW = 64
"""Objects that are written as files of their own; more become a pack."""
FEW_BYTES = 4 * 1024 * 1024
LEVEL = 1
"""Of compression: speed counts more than room."""
_KINDS = {b"commit": 1, b"tree": 2, b"blob": 3}
_NAMES = {number: kind for kind, number in _KINDS.items()}
CONFIG = """[core]
	repositoryformatversion = 0
	bare = true
[fsck]
	hasDotgit = ignore
	gitmodulesUrl = ignore
	gitmodulesName = ignore
	gitmodulesPath = ignore
	gitmodulesUpdate = ignore
	gitmodulesParse = ignore
	gitmodulesLarge = ignore
	gitmodulesBlob = ignore
	gitmodulesSymlink = ignore
	gitignoreSymlink = ignore
	gitattributesSymlink = ignore
	mailmapSymlink = ignore
"""
"""What a stranger's tree may hold is no fault of the store."""


class Objects:
    """The bare repository `path`, made if there is none. What is put is there for others from `flush` on.

    Not for two threads at once. Names are 20 bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _make(path)
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._store = DiskObjectStore(str(path / "objects"))
        self._known: set[bytes] = set()
        self._few: list[tuple[bytes, bytes, bytes]] = []
        self._size = 0
        self._pack: _Pack | None = None

    def close(self) -> None:
        self.forget()
        self._store.close()
        os.close(self._lock)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Is nobody else using the store, for as long as the block runs?"""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def reopen(self) -> None:
        """Objects were taken away behind its back."""
        self.forget()
        self._store.close()
        self._store = DiskObjectStore(str(self.path / "objects"))

    def names(self) -> set[bytes]:
        """Of all objects that are there."""
        return {bytes.fromhex(name.decode()) for name in self._store}

    def size(self) -> int:
        """Bytes of all objects."""
        return sum(place.stat().st_size for place in (self.path / "objects").glob("*/*"))

    def put(self, kind: bytes, data: bytes) -> bytes:
        """The object's name; it is written when it is a new one."""
        name = named(kind, data)
        if name in self._known or ObjectID(name.hex().encode()) in self._store:
            self._known.add(name)
            return name
        self._known.add(name)
        if self._pack is not None:
            self._pack.add(kind, data, name)
            return name
        self._few.append((kind, name, data))
        self._size += len(data)
        if len(self._few) > FEW or self._size > FEW_BYTES:
            self._pack = _Pack(self.path / "objects" / "pack")
            for one in self._few:
                self._pack.add(one[0], one[2], one[1])
            self._few, self._size = [], 0
        return name

    def flush(self) -> None:
        """All that was put can be read from now on."""
        for kind, name, data in self._few:
            self._loose(kind, name, data)
        self._few, self._size = [], 0
        if self._pack is not None:
            pack, self._pack = self._pack, None
            pack.finish()

    def forget(self) -> None:
        """Drops what was put and not flushed, and what was known to be there."""
        self._few, self._size = [], 0
        self._known.clear()
        if self._pack is not None:
            pack, self._pack = self._pack, None
            pack.drop()

    def get(self, name: bytes) -> bytes:
        """The content of an object. Raises KeyError."""
        return self.typed(name)[1]

    def typed(self, name: bytes) -> tuple[bytes, bytes]:
        """The type and content of an object. Raises KeyError."""
        number, data = self._store.get_raw(ObjectID(name.hex().encode()))
        return _NAMES[number], data

    def has(self, name: bytes) -> bool:
        return ObjectID(name.hex().encode()) in self._store

    def rewrite(self, names: Sequence[bytes]) -> None:
        """Puts these, which are there, into a pack of their own."""
        if names:
            pack = _Pack(self.path / "objects" / "pack")
            for name in names:
                pack.add(*self.typed(name), name)
            pack.finish()

    def tree(self, name: bytes) -> dict[bytes, tuple[int, bytes]]:
        """Mode and object by name; of `b""` nothing."""
        return {entry: (mode, hash) for entry, mode, hash in entries(self.get(name))} if name else {}

    # ── refs ──

    def point(self, ref: str, commit: bytes) -> None:
        """Gives a commit a name that keeps it."""
        place = self.path / "refs" / "pillion" / ref
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path / f"ref-{secrets.token_hex(8)}.tmp"
        temporary.write_text(f"{commit.hex()}\n")
        os.replace(temporary, place)

    def refs(self) -> Iterator[tuple[str, bytes, float]]:
        """The names, their commits, and when each was made, in seconds since 1970."""
        top = self.path / "refs" / "pillion"
        for folder, _, names in os.walk(top):
            for name in names:
                place = Path(folder, name)
                with contextlib.suppress(OSError, ValueError):
                    commit = bytes.fromhex(place.read_text().strip())
                    yield str(place.relative_to(top)), commit, place.stat().st_mtime

    def unpoint(self, ref: str) -> None:
        """Takes the name away, and a folder that is empty without it."""
        place = self.path / "refs" / "pillion" / ref
        place.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            place.parent.rmdir()

    def _loose(self, kind: bytes, name: bytes, data: bytes) -> None:
        hex = name.hex()
        folder = self.path / "objects" / hex[:2]
        folder.mkdir(exist_ok=True)
        temporary = folder / f"tmp_obj_{secrets.token_hex(8)}"
        temporary.write_bytes(zlib.compress(b"%b %d\0%b" % (kind, len(data), data), LEVEL))
        os.replace(temporary, folder / hex[2:])


class _Pack:
    """One that is being written: its count is filled in at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"tmp_pack_{secrets.token_hex(8)}"
        self._file = self._path.open("wb+")
        self._file.write(b"PACK\0\0\0\2\0\0\0\0")
        self._entries: list[tuple[bytes, int, int | None]] = []
        self._place = 12

    def add(self, kind: bytes, data: bytes, name: bytes) -> None:
        size = len(data)
        head = bytearray([(_KINDS[kind] << 4) | (size & 15)])
        size >>= 4
        while size:
            head[-1] |= 0x80
            head.append(size & 0x7F)
            size >>= 7
        whole = bytes(head) + zlib.compress(data, LEVEL)
        self._file.write(whole)
        self._entries.append((name, self._place, zlib.crc32(whole)))
        self._place += len(whole)

    def finish(self) -> None:
        with self._file as file:
            file.seek(8)
            file.write(len(self._entries).to_bytes(4, "big"))
            file.seek(0)
            sum = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).digest()
            file.seek(0, os.SEEK_END)
            file.write(sum)
        index = self._path.with_suffix(".idx")
        with index.open("wb") as listed:
            write_pack_index_v2(listed, sorted(self._entries), sum)
        place = self._folder / f"pack-{sum.hex()}"
        os.replace(self._path, place.with_suffix(".pack"))
        os.replace(index, place.with_suffix(".idx"))

    def drop(self) -> None:
        self._file.close()
        self._path.unlink()


def _make(path: Path) -> None:
    for folder in ("objects/pack", "objects/info", "refs/pillion", "refs/heads"):
        (path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in (("config", CONFIG), ("HEAD", "ref: refs/heads/none\n")):
        if not (path / name).exists():
            (path / name).write_text(text)
