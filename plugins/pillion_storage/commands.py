"""`pillion db …`: looks at the database and looks after it, in a process of its own and without a kernel."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec
import trio
from msgspec import Struct

from pillion import ConfigError, Conflict, NotFound
from pillion.processes import Processes

from . import copies, migrations
from .database import bound
from .entities import Entities
from .opening import all_projections, define, prepared
from .plugin import Plugin
from .ponytypes import Database
from .rebuilding import rebuild as remake
from .standing import Standing, address, connected, living, size, standing

if TYPE_CHECKING:
    from pillion.plugins import PluginHost

    from .database import Place
    from .hookspecs import Migration
    from .retention import Keep

F = TypeVar("F", bound=Callable[..., Any])
Load = Callable[[Path | None, Path | None], "PluginHost"]
UNITS = ("bytes", "kB", "MB", "GB", "TB")
DAY, HOUR, MINUTE = 86_400, 3_600, 60


class Desk(Struct, frozen=True):
    """What a command works with: the settings' database, and the steps that all plugins know."""

    host: Any
    settings: Any
    place: Any
    keep: Any
    steps: Any


def desk(load: Load, config: Path | None, data_dir: Path | None) -> Desk:
    """Raises ConfigError where the plugin is off, or its settings are wrong."""
    host = load(config, data_dir)
    plugin = next((one for one in host.plugins().values() if isinstance(one, Plugin)), None)
    if plugin is None:
        raise ConfigError(
            "The plugin storage is not at work.", plugin="storage", hint="`pillion plugins list` says why."
        )
    steps: dict[str, Sequence[Migration]] = {}
    database = Database()
    Entities(database)
    define(host, steps, database)
    return Desk(host, host.settings, plugin.place(host.settings), plugin.keep, steps)


def group(load: Load) -> click.Group:
    """`pillion db`."""

    @click.group("db")
    def db() -> None:
        """Look at the database of sessions, and look after it."""

    def command(name: str) -> Callable[[F], click.Command]:
        def made(function: F) -> click.Command:
            config = click.option(
                "--config",
                type=click.Path(path_type=Path, dir_okay=False),
                help="A settings file, laid over the shipped one.",
            )
            data_dir = click.option(
                "--data-dir",
                envvar="PILLION_DATA_DIR",
                type=click.Path(path_type=Path, file_okay=False),
                help="Where the server keeps what is its own.",
            )
            return db.command(name)(config(data_dir(function)))

        return made

    @command("status")
    @click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
    def status(json_: bool, config: Path | None, data_dir: Path | None) -> None:
        """Say what is in it, which steps it has, and who has it open."""
        at = desk(load, config, data_dir)
        found = standing(at.place, at.steps, at.keep, used=at.settings.defaults.store == "storage")
        if json_:
            click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        else:
            for line in told(found, at.keep):
                click.echo(line)

    @command("upgrade")
    def upgrade(config: Path | None, data_dir: Path | None) -> None:
        """Bring its tables to what this program knows; a SQLite file is copied first."""
        at = existing(load, config, data_dir)
        with connected(at.place) as connection:
            waiting = [
                f"{state.plugin} {number}"
                for state in migrations.status(connection, at.place.dialect, at.steps)
                for number in range(state.applied + 1, state.known + 1)
            ]
        if not waiting:
            click.echo("Nothing waits: the tables are the newest.")
            return
        click.echo(f"{count(len(waiting), 'step')} to apply: {', '.join(waiting)}.", err=True)
        if at.place.url:
            click.echo("No copy is made of a PostgreSQL database; `pillion db backup` makes one.", err=True)
        database = bound(at.place)
        try:
            done = migrations.upgrade(database, at.place.dialect, at.steps, None if at.place.url else at.place.file)
        finally:
            database.disconnect()
        click.echo(f"Applied: {', '.join(done) or 'none, somebody else has just done it'}.")

    @command("backup")
    @click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
    def backup(file: Path | None, config: Path | None, data_dir: Path | None) -> None:
        """Copy it to FILE, also while a server runs. Without FILE the copy is in the data directory."""
        at = existing(load, config, data_dir)
        copy = (file or copies.beside(at.place.file, copies.DUMP if at.place.url else copies.FILE)).absolute()
        if at.place.url:
            processes = Processes(at.settings.environment.pick(at.settings.execution.environment))
            trio.run(copies.of_server, at.place.url, copy, processes)
        else:
            with bar("Copied") as progress:
                copies.of_file(at.place.file, copy, progress)
        click.echo(f"{copy}: {amount(copy.stat().st_size)}, checked.")

    @command("rebuild")
    def rebuild(config: Path | None, data_dir: Path | None) -> None:
        """Make all rows that follow from the sessions' logs again. Nobody else may have it open."""
        at = existing(load, config, data_dir)
        with connected(at.place) as connection:
            alone(at.place, connection)
        ready = prepared(at.place, at.host)
        try:
            with bar("Sessions") as shown:
                done = remake(
                    ready,
                    all_projections(ready, at.host),
                    lambda progress: shown and shown(progress.done, progress.sessions),
                )
        finally:
            ready.database.disconnect()
        click.echo(f"The rows of {count(done.done, 'session')} are made again.")
        if done.faults:
            failed = f"{count(done.faults, 'projection')} of them failed; `pillion db status` says which."
            raise click.ClickException(failed)

    @command("vacuum")
    def vacuum(config: Path | None, data_dir: Path | None) -> None:
        """Give room that deleted sessions left back to the disk.

        A SQLite file must be open nowhere else. Where a PostgreSQL database is, its tables stay as large as they are,
        and what is free in them is used again.
        """
        at = existing(load, config, data_dir)
        with connected(at.place) as connection:
            if not at.place.url:
                alone(at.place, connection)
            before = size(at.place, connection)
            at.place.dialect.vacuum(connection, alone=not living(at.place, connection))
            after = size(at.place, connection)
        click.echo(f"{amount(max(0, before - after))} are given back; it has {amount(after)} now.")

    return db


def existing(load: Load, config: Path | None, data_dir: Path | None) -> Desk:
    """As `desk`. Raises NotFound where there is no database yet."""
    at = desk(load, config, data_dir)
    if at.place.url or at.place.file.exists():
        with connected(at.place) as connection:
            if at.place.dialect.has_table(connection, "schema_version"):
                return at
    raise NotFound(f"There is no database at {address(at.place)} yet; {begin(at.settings.defaults.store == 'storage')}")


def alone(place: Place, connection: Any) -> None:
    """Raises Conflict where another process has it open."""
    others = living(place, connection)
    if others:
        raise Conflict(
            f"The database is open in {', '.join(map(str, others))}. End what runs there first: "
            f"`kill {' '.join(str(other.pid) for other in others)}`."
        )


def told(found: Standing, keep: Keep) -> Iterator[str]:
    """The lines of `status`."""
    kind = {"sqlite": "SQLite", "postgres": "PostgreSQL"}[found.kind]
    if not found.exists:
        yield f"There is no database at {found.place} yet; {begin(found.used)}"
        return
    yield f"{kind} at {found.place}, {amount(found.bytes)}"
    if not found.used:
        yield 'Not in use: the settings keep sessions elsewhere (defaults.store is not "storage").'
    yield f"{count(found.sessions, 'session')}, {count(found.events, 'event')}"
    for step in found.steps:
        waits = f", {count(step.known - step.applied, 'step')} to apply: `pillion db upgrade`"
        yield f"Tables of {step.plugin}: step {step.applied}{waits if step.applied < step.known else ', the newest'}"
    for fault in found.faults:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(fault.time / 1000))
        yield (
            f"Projection {fault.projection} failed {count(fault.times, 'time')}, last {when}: {fault.reason} "
            "`pillion db rebuild` makes it whole."
        )
    for one in found.open_by:
        state = "" if one.lives else f", silent for {age(one.silent)}: taken for dead"
        yield f"Open in process {one.pid} on {one.host}, for {age(one.age)}{state}"
    if not found.open_by:
        yield "Open in no process"
    if keep.days or keep.megabytes:
        yield f"Retention takes next: {count(found.would_go, 'session')}, about {amount(found.would_free)}"
    else:
        yield "Retention is off: nothing is deleted by itself"


def begin(used: bool) -> str:
    """How a database comes to be."""
    how = "" if used else 'set `store = "storage"` under [defaults], then '
    return f"{how}the first `pillion run` or `pillion serve` makes it."


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar, where somebody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as shown:

        def progress(done: int, whole: int) -> None:
            shown.length = max(1, whole)
            shown.update(done - shown.pos)

        yield progress


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def amount(size: int) -> str:
    """Bytes as people say them."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {UNITS[unit]}"


def age(seconds: float) -> str:
    """A time as people say it."""
    for whole, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= whole:
            return count(int(seconds // whole), name)
    return count(int(seconds), "second")
