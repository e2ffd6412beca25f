"""Names the plugin whose code holds up the event loop, while it does, and interrupts it when that takes too long.

The loop itself can't tell: it stands still. An instrument of trio notes each turn of the loop; a thread sees that no
turn came, and looks at what the loop's thread is doing. To interrupt it sends that thread a signal, whose handler
raises where the plugin's code stands. That works where Python delivers signals: in the main thread, and not on
Windows; elsewhere the plugin is named and runs on.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import TYPE_CHECKING, Any

import trio

from .errors import HeldUp

if TYPE_CHECKING:
    from .plugins import PluginHost

LOOK_SECONDS = 0.15
NAMED_AFTER = 3
"""Looks, one after the other, that find the same plugin's code and a loop that has not turned."""
STACK = 12
"""Innermost frames that are told."""
OURS = frozenset(("pillion", "trio"))
"""Packages that are not interrupted: they may be in the middle of a change that must be whole."""
_log = logging.getLogger(__name__)


class Watchdog(trio.abc.Instrument):
    """`with Watchdog(host, seconds):` watches the loop that runs the block; what it finds stands in the plugin's state.

    Code that holds up the loop for `seconds` gets HeldUp raised in it, again each time as many seconds later.
    """

    def __init__(self, host: PluginHost, seconds: float) -> None:
        self._host, self._seconds = host, seconds
        self._turns = 0
        self._idle = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pillion-watchdog", daemon=True)
        self._before: Any = None
        self._can_interrupt = False

    def __enter__(self) -> None:
        self._loop = threading.get_ident()
        if hasattr(signal, "pthread_kill") and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGALRM, self._interrupt)
            self._can_interrupt = True
        trio.lowlevel.add_instrument(self)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        trio.lowlevel.remove_instrument(self)
        if self._can_interrupt:
            signal.signal(signal.SIGALRM, self._before)

    # ── in the loop's thread ──

    def before_io_wait(self, timeout: float) -> None:
        self._idle = True

    def after_io_wait(self, timeout: float) -> None:
        self._idle = False
        self._turns += 1

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if self._host.owner(module):
                raise HeldUp(f"It held up all sessions for more than {self._seconds:g} s.")
            if module.partition(".")[0] in OURS:
                return  # the next alarm may meet the plugin's own code
            frame = frame.f_back

    # ── in our own ──

    def _watch(self) -> None:
        stood, turn, suspect = 0, -1, ""
        patience = max(NAMED_AFTER, round(self._seconds / LOOK_SECONDS))
        while not self._ended.wait(LOOK_SECONDS):
            stack = None if self._idle or self._turns != turn else sys._current_frames().get(self._loop)
            plugin = self._owner(stack)
            if not plugin or plugin != suspect or self._turns != turn:
                stood, turn, suspect = 0, self._turns, plugin
                continue
            stood += 1
            if stood == NAMED_AFTER and stack is not None:
                self._tell(plugin, stack)
            if stood % patience == 0 and self._can_interrupt:
                _log.error("The plugin %s is interrupted where it stands", plugin)
                signal.pthread_kill(self._loop, signal.SIGALRM)

    def _owner(self, frame: FrameType | None) -> str:
        """The plugin whose code is innermost on the stack; "" for none."""
        while frame is not None:
            plugin = self._host.owner(frame.f_globals.get("__name__", ""))
            if plugin:
                return plugin
            frame = frame.f_back
        return ""

    def _tell(self, plugin: str, frame: FrameType) -> None:
        stack = traceback.extract_stack(frame)[-STACK:]
        where = f"{stack[-1].name}, {stack[-1].filename}:{stack[-1].lineno}"
        self._host.fault(plugin, f"Its code keeps all sessions waiting, without a checkpoint, in {where}.")
        _log.error("What the plugin %s is doing:\n%s", plugin, "".join(traceback.format_list(stack)))
