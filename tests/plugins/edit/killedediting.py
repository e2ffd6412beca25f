"""`python killedediting.py FOLDER FORMAT STEP`: makes an edit again and again, killed at the first call by which the
workspace looks for or changes a file, then at one STEP calls later, and so on, until one comes to its end.

Each time it is a process of its own, with a kernel whose model makes the edit. Prints a line of JSON for each: whether
it was killed, and the files once the folder was opened again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import trio

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.plugins.edit.editedfiles import edited, fill, found

from pillion.localworkspace import LocalWorkspace

WRITING = {"write", "fsync", "fchmod", "rename", "link", "unlink", "mkdir", "pwrite", "ftruncate"}
CALLS = WRITING | {"open", "close", "flock"}
ROOMS = ("localworkspace.py", "writejournal.py", "beneath.py")


def die_at(last: int) -> None:
    """In the threads that begin from now on."""
    count = 0

    def watch(frame: Any, event: str, function: Any) -> None:
        nonlocal count
        meant = event == "c_call" and getattr(function, "__name__", "") in CALLS
        if meant and frame.f_code.co_filename.endswith(ROOMS):
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(watch)


def main(folder: Path, format: str, step: int) -> None:
    killed, number = True, 1 - step
    while killed:
        number += step
        place = folder / str(number)
        place.mkdir()
        fill(place)
        child = os.fork()
        if not child:
            die_at(number)
            trio.run(edited, place, format)
            os._exit(0)
        killed = os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        LocalWorkspace(place)
        print(json.dumps({"killed": killed, "files": found(place)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
