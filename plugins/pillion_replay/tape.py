"""Writes the file of a recording while the run goes on."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import trio

from pillion.contracts.provider import CallPart, Chunk, RatesSeen, Request, Restart
from pillion.errors import ConfigError, PillionError, ProviderError
from pillion.secrets import Secrets
from pillion.values import ModelInfo, Text, Thinking

from .failure import Failure
from .recording import BEGINS, VERSION, AnswerLine, CallLine, Head, Offered, PartLine, References, kept
from .sameness import Folders, changed, spelled

_log = logging.getLogger("pillion.plugin.replay")


class Tape:
    """One file, 0600, a line at a time. Known secrets are masked, and the workspace's folder has a name of its own.

    `fault` is why it can't record; calls are refused with it when nothing was recorded so far.
    """

    def __init__(self, path: Path, folders: Folders) -> None:
        self.path, self.fault = path, ""
        self._folders, self._secrets = folders, Secrets()
        self._file = -1
        self._offered: dict[str, tuple[ModelInfo, ...]] = {}
        self._parts: dict[bytes, int] = {}
        self._calls = 0

    def open(self, secrets: Secrets) -> None:
        """Begins the file; one that this process has begun goes on. What is there and no recording stays as it is."""
        self._secrets = secrets
        try:
            self._file, before = _opened(self.path)
        except OSError as error:
            self.fault = f"The recording {self.path} can't be written: {error.strerror}."
            return
        if self._file < 0:
            self.fault = f"{self.path} is there, and no recording: it is not written over."
            return
        self._calls = before
        made = datetime.now(UTC).isoformat(timespec="seconds")
        self._write(Head("recording", VERSION, os.getpid(), made))
        for name, models in self._offered.items():
            self._write(Offered(name, models))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def offer(self, provider: str, models: tuple[ModelInfo, ...]) -> None:
        """That provider is there."""
        if self._offered.get(provider) != models:
            self._offered[provider] = models
            if self._file >= 0:
                self._write(Offered(provider, models))

    def begin(self, request: Request) -> Take:
        """A call begins. Raises ConfigError where it can't be recorded."""
        if self.fault and not self._calls:
            raise ConfigError(self.fault, plugin="replay", key="record")
        asked = spelled(request)
        self._calls += 1
        system, tools = self._part(asked.system), self._part(asked.tools)
        messages = tuple(map(self._part, asked.messages))
        self._write(CallLine(self._calls, References(asked.model, system, tools, messages, asked.more)))
        return Take(self, self._calls)

    def end(self, answer: AnswerLine) -> None:
        """A call has ended."""
        self._write(answer)

    def clean(self, text: str) -> str:
        """The text without secrets and folders."""
        return self._folders.out_of(self._secrets.redact(text))

    def _part(self, value: Any) -> int:
        """The number of that value, which is written where it is new."""
        name = msgspec.json.encode(value)
        if name not in self._parts:
            self._parts[name] = len(self._parts)
            self._write(PartLine(self._parts[name], value))
        return self._parts[name]

    def _write(self, line: Any) -> None:
        if self._file < 0:
            return
        data = msgspec.json.encode(changed(msgspec.to_builtins(line), self.clean)) + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.fault = f"The recording {self.path} ends in its midst: {error.strerror}."
            _log.error("%s", self.fault)
            self.close()


class Take:
    """One call on its way into the file. A context manager round its stream: an error that leaves it is the call's."""

    def __init__(self, tape: Tape, number: int) -> None:
        self._tape, self._number = tape, number
        self._began = trio.current_time()
        self._came: list[tuple[float, Chunk]] = []
        self.opened = self.ended = False
        self.error: Exception | None = None
        """What the stream raised when it was asked for its next piece."""

    def take(self, chunk: Chunk) -> None:
        if not isinstance(chunk, RatesSeen):  # those are of this day alone
            self._came.append((trio.current_time() - self._began, chunk))

    def __enter__(self) -> Take:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        failed = _ours(error) or self.error
        if self.opened and not isinstance(failed, ProviderError):
            failed = self.error  # who reads the stream has failed, not the call
        came = _clean(self._came, self._tape.clean)
        self._tape.end(
            AnswerLine(
                self._number,
                tuple(round(at, 3) for at, _ in came),
                tuple(kept(chunk) for _, chunk in came),
                Failure.of(failed) if failed is not None else None,
                cancelled=failed is None and not self.ended,
            )
        )


def _opened(path: Path) -> tuple[int, int]:
    """The file to append to, emptied where another process wrote it, and how many calls it has; -1 where it is another
    file."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    there = os.pread(file, 1 << 20, 0) if os.fstat(file).st_size else b""
    if there and not there.startswith(BEGINS):
        os.close(file)
        return -1, 0
    os.fchmod(file, 0o600)
    own = there and msgspec.json.decode(there.partition(b"\n")[0], type=Head).pid == os.getpid()
    if not own:
        os.ftruncate(file, 0)
        return file, 0
    return file, path.read_bytes().count(b'\n{"call":')


def _ours(error: BaseException | None) -> Exception | None:
    """The first error of Pillion in it, else the error itself where it is none that only ends things."""
    ours: BaseException | None = BaseExceptionGroup("", [error]).subgroup(PillionError) if error is not None else None
    while isinstance(ours, BaseExceptionGroup):
        ours = ours.exceptions[0]
    found = ours or error
    return found if isinstance(found, Exception) else None


def _clean(came: list[tuple[float, Chunk]], clean: Any) -> list[tuple[float, Chunk]]:
    """The chunks without what must not be kept, also where it came in pieces: then the whole text is one piece."""
    items: list[list[int]] = []
    open_: dict[object, list[int]] = {}
    for number, (_, chunk) in enumerate(came):
        match chunk:
            case Text() | Thinking():
                open_ = {key: item for key, item in open_.items() if key is type(chunk) or isinstance(key, int)}
                place: object = type(chunk)
            case CallPart():
                open_ = {key: item for key, item in open_.items() if isinstance(key, int)}
                place = chunk.index
            case Restart():
                open_.clear()
                continue
            case _:
                continue
        if place not in open_:
            items.append(open_.setdefault(place, []))
        open_[place].append(number)
    shown = list(came)
    for item in items:
        whole = "".join(_words(came[number][1]) for number in item)
        if (cleaned := clean(whole)) != whole:
            for number in item:
                at, chunk = shown[number]
                shown[number] = at, _saying(chunk, cleaned)
                cleaned = ""
    return shown


def _words(chunk: Any) -> str:
    return str(chunk.arguments if isinstance(chunk, CallPart) else chunk.text)


def _saying(chunk: Any, text: str) -> Any:
    return msgspec.structs.replace(chunk, **{"arguments" if isinstance(chunk, CallPart) else "text": text})
