"""`python killedwriter.py FOLDER N…`: for each N, a process of its own writes several files at once in FOLDER/N and is
killed at the N-th call into the system. Prints each one's exit code, and ends behind the first that got to its end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

import trio

from pillion.contracts.workspace import Write
from pillion.localworkspace import LocalWorkspace

CALLS = (
    "rename",
    "unlink",
    "fsync",
    "ftruncate",
    "pwrite",
    "link",
    "open",
    "write",
    "mkdir",
    "fchmod",
    "flock",
    "close",
)


def main(folder: str, last: int) -> None:
    workspace = LocalWorkspace(folder)
    count = 0

    def watch(frame: Any, event: str, function: Any) -> None:
        nonlocal count
        if event == "c_call" and getattr(function, "__name__", "") in CALLS:
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

    def write() -> None:
        sys.setprofile(watch)
        threading.setprofile(watch)
        workspace._write_all(WRITES)
        sys.setprofile(None)

    trio.run(trio.to_thread.run_sync, write)


def forked(folder: str, last: int) -> int:
    """The exit code of a process that does that; nothing is imported anew for it."""
    pid = os.fork()
    if pid == 0:
        main(folder, last)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


WRITES = (
    Write("a.txt", b"new a\n" * 3),
    Write("sub/b.txt", b"new b\n"),
    Write("new/c.txt", b"new c\n", ""),
    Write("gone.txt", None),
)
if __name__ == "__main__":
    for number in sys.argv[2:]:
        code = forked(f"{sys.argv[1]}/{number}", int(number))
        print(code)
        if code == 0:
            break
