"""One GGUF file in this process: loaded at its first use, one call at a time, in threads of its own.

The library would open a TCP port without a key. It gets a socket in a private folder and a random key instead, and
the folder is gone as soon as the model is loaded: from then on there is no way in but `answer`.
"""

from __future__ import annotations

import importlib
import os
import secrets
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio
from msgspec import Struct

from pillion.errors import BadRequest, ContextOverflow, ProviderDown, ProviderError, ProviderRefused

SILENT = -1
"""The library's log level at which not even its errors are written; they come back as values."""
BATCH = 128
"""Tokens of a prompt that are read at once. Between two batches a call can be stopped."""
GRACE = 10.0
"""Seconds that a stopped call gets to let go of its thread: several batches, also of a large model."""
LONGEST_SOCKET = 100
"""Characters of a socket's path; the system allows 107."""

NOTICE = 15.0
"""Seconds after which a call that still waits for its turn says so, again and again."""

Piece = Mapping[str, Any]
QUEUED: Piece = {}
"""Sent instead of a chunk by a call that waits for another one."""


class Loading(Struct, frozen=True):
    """What is loaded, and how. `threads` 0: half as many as there are cores, at least one.

    The library's threads wait for each other in busy loops: when another program has work for the same cores, as many
    threads as cores took a hundred times longer than one.
    """

    path: Path
    context: int
    threads: int = 0


class Model:
    """Calls wait for each other in the order of their coming; a waiting one can be cancelled."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._slot = trio.Lock()
        self._server: Any = None

    @property
    def path(self) -> Path:
        """The GGUF file."""
        return self._loading.path

    async def answer(self, body: Piece, send: trio.MemorySendChannel[Piece | ProviderError]) -> None:
        """Sends the chunks of one chat completion, or a ProviderError as the last thing; closes `send`. While it waits
        for other calls it sends QUEUED now and then.

        When `send` is full the model waits. Cancelling stops the model and waits until its thread has let go, at
        most GRACE seconds; after that the loaded model is given up, and the next call loads it anew.
        """
        queued = trio.CancelScope()
        with send:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_say_queued, send, queued)
                async with self._slot:
                    queued.cancel()
                    await self._answer(body, send)

    async def _answer(self, body: Piece, send: trio.MemorySendChannel[Piece | ProviderError]) -> None:
        try:
            server = await self._loaded()
        except ProviderError as error:
            await send.send(error)
            return
        if not await _run(server, body, send):
            self._server = None

    async def aclose(self) -> None:
        """Unloads, after the call that is running."""
        with trio.move_on_after(GRACE, shield=True):
            async with self._slot:
                holder, self._server = [self._server], None
                # The library's end joins its threads, so the last reference must go in a thread of ours.
                await trio.to_thread.run_sync(holder.clear, abandon_on_cancel=True)

    async def _loaded(self) -> Any:
        if self._server is None:
            self._server = await trio.to_thread.run_sync(_load, self._loading, abandon_on_cancel=True)
        return self._server


def _load(loading: Loading) -> Any:
    xllamacpp: Any = importlib.import_module("xllamacpp")  # large, so only at the first call
    params = xllamacpp.CommonParams()
    params.verbosity = SILENT
    params.model.path = str(loading.path)
    params.n_ctx = loading.context
    params.n_batch = params.n_ubatch = BATCH
    params.n_parallel = 1
    params.n_threads_http = 1
    params.cache_ram_mib = 0
    params.fit_params = params.warmup = params.ui = params.endpoint_slots = False
    params.offline = True
    params.cors_origins = "null"
    params.api_keys = [secrets.token_urlsafe(32)]
    threads = loading.threads or max(1, (os.cpu_count() or 1) // 2)
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads, cpu.poll = threads, 0
    with _private_folder() as folder:
        params.hostnames = [str(Path(folder) / "model.sock")]
        try:
            server = xllamacpp.Server(params)
        except Exception as error:
            raise ProviderRefused(f"The model file {loading.path} could not be loaded.") from error
    # A server that is dropped before its loop runs hangs for ever; one token proves that the loop runs.
    server.handle_completions({"prompt": "a", "max_tokens": 1})
    return server


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="pillion-")
    if len(folder.name) < LONGEST_SOCKET - len("/model.sock"):
        return folder
    folder.cleanup()
    return tempfile.TemporaryDirectory(prefix="pillion-", dir="/tmp")


async def _say_queued(send: trio.MemorySendChannel[Piece | ProviderError], queued: trio.CancelScope) -> None:
    with queued:
        while True:
            await trio.sleep(NOTICE)
            await send.send(QUEUED)


async def _run(server: Any, body: Piece, send: trio.MemorySendChannel[Piece | ProviderError]) -> bool:
    """True when the thread came back, False when it was left behind after GRACE."""
    stop = threading.Event()
    grace = trio.CancelScope(shield=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_when_cancelled, stop, grace)
        with grace:
            await trio.to_thread.run_sync(_generate, server, body, send, stop, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()
    return not grace.cancelled_caught


async def _stop_when_cancelled(stop: threading.Event, grace: trio.CancelScope) -> None:
    try:
        await trio.sleep_forever()
    finally:
        stop.set()
        grace.deadline = trio.current_time() + GRACE


def _generate(
    server: Any, body: Piece, send: trio.MemorySendChannel[Piece | ProviderError], stop: threading.Event
) -> None:
    """In a thread; the library lets go of the interpreter's lock while it works."""

    def pass_on(piece: Piece | ProviderError) -> bool:
        """True stops the model."""
        if stop.is_set():
            return True
        try:
            trio.from_thread.run(send.send, piece)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.RunFinishedError, trio.Cancelled):
            # Nobody reads any more. Cancelled is not swallowed here: it belongs to the task that sent for us.
            return True
        return False

    def take(piece: Piece) -> bool:
        if "error" in piece:
            pass_on(_error(piece["error"]))
            return True
        return pass_on(piece)

    try:
        server.handle_chat_completions(dict(body), take)
    except ValueError as error:  # a schema that the library can't hold a model to, or a template it can't read
        pass_on(BadRequest(f"The embedded model can't take this request: {error}"))
    except Exception as error:  # of whatever class: the library failed
        pass_on(ProviderDown(f"The embedded model failed: {error}"))


def _error(error: Any) -> ProviderError:
    detail = error if isinstance(error, dict) else {"message": str(error)}
    message = f"The embedded model: {detail.get('message', 'it failed')}."
    if detail.get("type") == "exceed_context_size_error":
        return ContextOverflow(message)
    return BadRequest(message) if 400 <= int(detail.get("code", 500)) < 500 else ProviderDown(message)
