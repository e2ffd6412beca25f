"""Why a port can't be had: who listens there, in a sentence, with the way on."""

from __future__ import annotations

import errno
import os
import pwd
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import trio
from msgspec import Struct

from pillion.errors import ConfigError

from . import discovery
from .apiversion import HEADER
from .hostsettings import Address

PROC = Path("/proc")
ASKING = 1.0
"""Seconds in which a Pillion server that lives says what it is."""
HEAD = 8192
"""Bytes of an answer's head that are read."""
WORD = 40
"""Characters of a word of a command line that are told."""
_LISTENING = "0A"
OTHER_PORT = "Choose another with --port, or --port 0 for any that is free."


class Holder(Struct, frozen=True):
    """A process that listens. `pid` is 0 and `program` empty where it can't be looked into: it is another user's."""

    uid: int
    pid: int = 0
    program: str = ""

    def __str__(self) -> str:
        if self.pid:
            return f"process {self.pid} ({self.program or 'which has no name'})"
        try:
            return f"a process of the user {pwd.getpwuid(self.uid).pw_name}"
        except KeyError:
            return f"a process of the user with the number {self.uid}"


async def blame(error: OSError, address: Address, data_dir: Path) -> ConfigError:
    """What to say when `address` can't be listened on: who does so already, and what to do."""
    beginning = f"Can't listen on {address}"
    holder = holder_of(address) if error.errno == errno.EADDRINUSE else None
    if error.errno != errno.EADDRINUSE or not await _is_pillion(address):
        why = f"{holder} does so already" if holder else error.strerror
        return ConfigError(f"{beginning}: {why}.", key="host.bind", hint=OTHER_PORT)
    own = discovery.read(data_dir)
    if own is not None and own.url == address.url and (holder is None or holder.pid in (0, own.pid)):
        said = f"{beginning}: the Pillion server of this data directory does so already, as process {own.pid}."
        hint = f"`pillion run` and `pillion open` use it; to start another in its place, end it with `kill {own.pid}`."
        return ConfigError(said, key="host.bind", hint=hint)
    who = f", {holder}" if holder and holder.pid else ""
    said = f"{beginning}: a Pillion server with another data directory does so{who}."
    return ConfigError(said, key="host.bind", hint=f"Name its directory with --data-dir to use it. {OTHER_PORT}")


def holder_of(address: Address) -> Holder | None:
    """The process that listens where `address` would, as Linux tells it; None where it does not."""
    found = next(_sockets(address), None)
    if found is None:
        return None
    inode, uid = found
    pid = _owner(f"socket:[{inode}]")
    return Holder(uid, pid, _program(pid)) if pid else Holder(uid)


def _sockets(address: Address) -> Iterator[tuple[str, int]]:
    """Inode and user of each socket that listens in the way."""
    wanted = ip_address("127.0.0.1" if address.host == "localhost" else address.host)
    for table in ("tcp", "tcp6"):
        try:
            rows = (PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for columns in (row.split() for row in rows):
            host, _, port = columns[1].partition(":")
            if columns[3] == _LISTENING and int(port, 16) == address.port and _meet(wanted, _decoded(host)):
                yield columns[9], int(columns[7])


def _decoded(text: str) -> IPv4Address | IPv6Address:
    """An address as the kernel prints it: words of 32 bits, each in the machine's order of bytes."""
    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    return ip_address(b"".join(struct.pack("=I", word) for word in words))


def _meet(one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address) -> bool:
    """Can't both be listened on, with one port?"""
    return one.is_unspecified or other.is_unspecified or one == (getattr(other, "ipv4_mapped", None) or other)


def _owner(link: str) -> int:
    """The process with this open file; 0: none that we may look into."""
    for folder in PROC.glob("[0-9]*/fd"):
        try:
            if any(os.readlink(entry) == link for entry in os.scandir(folder)):
                return int(folder.parent.name)
        except OSError:
            continue  # it has ended, or is not ours
    return 0


def _program(pid: int) -> str:
    """The program, and of an interpreter's command line what it runs: further words may hold a secret."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    told = words[:3] if words[1:2] == ["-m"] else [word for word in words[:2] if not word.startswith("-")]
    plain = ("".join(letter if letter.isprintable() else "?" for letter in Path(word).name) for word in told)
    return " ".join(word[:WORD] for word in plain if word)


async def _is_pillion(address: Address) -> bool:
    """Does a Pillion server answer there? It names its API's version on every answer."""
    host = address.url.removeprefix("http://").rpartition(":")[0].strip("[]")
    request = f"GET /livez HTTP/1.1\r\nHost: {address.url.removeprefix('http://')}\r\nConnection: close\r\n\r\n"
    head = b""
    with trio.move_on_after(ASKING):
        try:
            async with await trio.open_tcp_stream(host, address.port) as stream:
                await stream.send_all(request.encode())
                while b"\r\n\r\n" not in head and len(head) < HEAD and (piece := await stream.receive_some(HEAD)):
                    head += piece
        except (OSError, trio.BrokenResourceError):
            return False
    return f"\r\n{HEADER}: ".lower().encode() in head.lower()
