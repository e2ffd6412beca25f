"""`python opener.py FILE URL GO`: opens the store there as soon as GO exists, and closes it. For several at once."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import trio

from pillion_storage.database import Place
from pillion_storage.opening import open_store


async def main(place: Place) -> None:
    await (await open_store(place)).aclose()


if __name__ == "__main__":
    file, url, go = sys.argv[1:]
    print("ready", flush=True)
    while not Path(go).exists():
        time.sleep(0.001)
    trio.run(main, Place(Path(file), url))
