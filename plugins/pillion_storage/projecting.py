"""Runs projections over new records; one that raises takes the transaction back, which is then done without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pillion import Record

from .hookspecs import Projected, Projection
from .ponytypes import flush
from .rows import Rows

FAULT = "INSERT INTO projection_fault (projection, session, seq, reason, time) VALUES (?, ?, ?, ?, ?)"


class ProjectionFailed(Exception):
    """Takes the transaction back; it is then done without that projection."""

    def __init__(self, projection: str, error: Exception) -> None:
        super().__init__(f"{projection}: {error!r}")
        self.projection, self.error = projection, error


class Projector:
    """All projections of one database. In the database's thread, inside the transaction of an append or a rebuild."""

    def __init__(self, rows: Rows, projections: Mapping[str, Projection]) -> None:
        self._rows = rows
        self._all = [(name, run, getattr(run, "types", None)) for name, run in projections.items()]

    def note(self, session: str, records: Sequence[Record], failed: Sequence[ProjectionFailed]) -> None:
        """Keeps what failed on these records, in the rows of `projection_fault`."""
        seq, time = (records[0].seq, records[0].time) if records else (0, 0)
        for fault in failed:
            self._rows.run(FAULT, (fault.projection, session, seq, repr(fault.error), time))

    def run(self, projected: Projected, failed: Sequence[ProjectionFailed]) -> None:
        """Runs all whose types of events are among the records, but those that failed. Raises ProjectionFailed."""
        types = {record.type for record in projected.records}
        for name, run, wanted in self._all:
            if not (wanted is None or projected.anew or types & wanted) or any(it.projection == name for it in failed):
                continue
            try:
                run(projected)
                flush()
            except Exception as error:  # a plugin's fault is its own
                raise ProjectionFailed(name, error) from error
