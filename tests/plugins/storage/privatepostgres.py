"""A private PostgreSQL of the machine's own binaries: on a socket only, in a folder that goes with it."""

from __future__ import annotations

import getpass
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = "nobody"
"""initdb refuses root."""
_numbers = itertools.count(1)


class Postgres:
    """A running server. `url()` is that of a new, empty database."""

    def __init__(self, binaries: Path, folder: Path, user: str) -> None:
        self.binaries, self.folder, self.user = binaries, folder, user

    def run(self, program: str, *arguments: str) -> None:
        as_user = {"user": self.user} if os.geteuid() == 0 else {}
        command = [str(self.binaries / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.folder)},
            **as_user,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
        self.run("pg_ctl", "start", "-w", "-D", "data", "-o", options, "-l", "log")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "stop", "-w", "-D", "data", "-m", mode)

    def url(self) -> str:
        name = f"test{next(_numbers)}"
        self.run("createdb", "-h", str(self.folder), "-U", self.user, name)
        return f"postgresql://{self.user}@/{name}?host={self.folder}"

    def filled(self, script: Path) -> str:
        """The url of a new database, made by a script."""
        url = self.url()
        copy = self.folder / script.name
        copy.write_text(script.read_text("utf-8"), "utf-8")  # the server's user may not read the source tree
        copy.chmod(0o644)
        self.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(copy), url)
        return url


@contextmanager
def private_postgres() -> Iterator[Postgres | None]:
    """A server that runs until this is left; None: PostgreSQL's programs are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not found[-1].is_file():
        yield None
        return
    user = NOBODY if os.geteuid() == 0 else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o700)
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        server = Postgres(found[-1].resolve().parent, folder, user)
        server.run("initdb", "-D", "data", "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
