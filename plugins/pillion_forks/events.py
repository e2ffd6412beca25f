"""What a log tells of forks."""

from __future__ import annotations

from pillion import Event
from pillion.contracts.forks import Unmerged


class ForkMerged(Event, frozen=True, tag="fork.merged"):
    """What the fork changed is changed in the session's workspace, too: `files` were written, `paths` names the first
    of them, `left` those that were not."""

    fork: str
    files: int = 0
    paths: tuple[str, ...] = ()
    left: tuple[Unmerged, ...] = ()
