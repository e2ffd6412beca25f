"""Keeps the newest tables for the tests of all later ones, as `<step>.sqlite` and `<step>.sql` beside this file.

Run it before a released step gets a successor: `python -m tests.plugins.storage.schemas.freeze`, at the top of the
source tree. It writes a small database with the code as it is, on SQLite and on a PostgreSQL of its own. The files
of steps 1 to 3 were written anew by the last code of each of these steps, out of the history, when turns and calls came
into this data; what those programs did with it themselves is what the files hold.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import trio

from pillion import Batch, Draft, Record, SessionInfo, Store
from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store
from pillion_storage.tables import STEPS

from ..privatepostgres import Postgres, private_postgres

FOLDER = Path(__file__).parent
FIRST = SessionInfo("first", "/w/öne", 1_000, 1_000, "Größe", "p/m", "agent", {"ü": "ß"})
CHILD = SessionInfo("child", "/w/öne", 2_000, 2_000, parent="first", trusted=True)
USED = b'{"type":"usage.recorded","model":"p/m","usage":{"input":7,"output":3,"cached":2,"cost":0.5},"seconds":1.5,%b}'
RECORDS = (
    Record(1, "session.opened", "", 1_000, b'{"type":"session.opened","workspace":"/w"}'),
    Record(2, "prompt.queued", "", 1_001, '{"type":"prompt.queued","prompt":"t0","text":"Wie groß?"}'.encode()),
    Record(3, "turn.started", "t0", 1_002, b'{"type":"turn.started","prompt":"t0","strategy":"agent","model":"p/m"}'),
    Record(4, "text.started", "t0", 1_003, b'{"type":"text.started","step":1}'),
    Record(5, "text.finished", "t0", 1_004, '{"type":"text.finished","item":4,"text":"Sehr groß.","step":1}'.encode()),
    Record(6, "usage.recorded", "t0", 1_005, USED % b'"finish":"stop","step":1'),
    Record(7, "message.finished", "t0", 1_005, b'{"type":"message.finished","items":[4],"finish":"stop","step":1}'),
    Record(8, "turn.finished", "t0", 1_006, b'{"type":"turn.finished","steps":1}'),
    Record(9, "prompt.queued", "", 1_007, b'{"type":"prompt.queued","prompt":"t1","text":"And then?"}'),
    Record(10, "turn.started", "t1", 1_008, b'{"type":"turn.started","prompt":"t1","strategy":"agent","model":"p/m"}'),
    Record(11, "usage.recorded", "t1", 1_009, USED % b'"role":"summary","error":"provider_down","step":1'),
    Record(12, "text.started", "t1", 1_010, b'{"type":"text.started","step":1}'),
)
"""A turn that has ended, and one that goes on, with a call that failed."""
OF_CHILD = (
    Record(1, "session.opened", "", 2_000, b'{"type":"session.opened","workspace":"/w","parent":"first"}'),
    Record(2, "usage.recorded", "c", 2_001, USED % b'"finish":"stop","step":1'),
)
DRAFTS = (Draft(12, 0, "hal"), Draft(12, 3, "f ä"))
BLOBS = {"0" * 64: bytes(range(256))}


async def fill(store: Store) -> None:
    """What every frozen database holds."""
    made = await store.create(FIRST)
    await store.commit(Batch("first", made.generation, 0, RECORDS, blobs=BLOBS))
    await store.commit(Batch("first", made.generation, len(RECORDS), drafts=DRAFTS))
    made = await store.create(CHILD)
    await store.commit(Batch("child", made.generation, 0, OF_CHILD))
    await store.aclose()


async def fill_new(place: Place) -> None:
    await fill(await open_store(place))


def frozen_sqlite(target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name) / FILE)
        trio.run(fill_new, place)
        rows = sqlite3.connect(place.file)
        rows.execute("PRAGMA journal_mode = DELETE")
        rows.execute("VACUUM")
        rows.close()
        target.write_bytes(place.file.read_bytes())


def frozen_postgres(server: Postgres, target: Path) -> None:
    url = server.url()
    trio.run(fill_new, Place(Path(), url))
    dump = server.folder / "dump.sql"
    server.run("pg_dump", "--no-owner", "--no-privileges", "--inserts", "-f", str(dump), url)
    lines = dump.read_text("utf-8").splitlines()
    target.write_text("\n".join(line for line in lines if line and not line.startswith(("--", "\\"))) + "\n", "utf-8")


def main() -> None:
    name = str(len(STEPS))
    frozen_sqlite(FOLDER / f"{name}.sqlite")
    with private_postgres() as server:
        assert server, "PostgreSQL's programs are not installed"
        frozen_postgres(server, FOLDER / f"{name}.sql")


if __name__ == "__main__":
    main()
