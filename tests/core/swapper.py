"""A program that swaps two names of a folder, over and over and at once: `python swapper.py A B` until it is killed."""

from __future__ import annotations

import ctypes
import os
import sys

HERE, EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of the kernel."""


def main(one: str, other: str) -> None:
    rename = ctypes.CDLL(None, use_errno=True).renameat2
    names = os.fsencode(one), os.fsencode(other)
    print("begun", flush=True)
    while rename(HERE, names[0], HERE, names[1], EXCHANGE) == 0:
        pass
    raise OSError(ctypes.get_errno(), "they can't be swapped")


if __name__ == "__main__":
    main(*sys.argv[1:])
