"""A plugin that ends its server with SIGKILL exactly at a kill point, or writes down which points are passed.

It watches the code objects of the points alone, instruction by instruction: the moment before a wait is the instruction
that begins it, the moment after is the one that a finished wait leads to.
"""

from __future__ import annotations

import atexit
import dis
import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import msgspec
from msgspec import Struct

COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
"""Functions of their own for Python 3.11; in the source they belong to the one round them."""


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`points`: a JSON file with the points. With a `point`, the process dies when it is passed for the `hit`-th time,
    and the file `said` tells when (seconds of the monotonic clock); without, `said` tells at the process's end how
    often each point was passed."""

    points: str
    said: str
    point: str = ""
    hit: int = 1


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Kills its own process."""

    Config = Config

    def __init__(self, config: Given) -> None:
        points = msgspec.json.decode(Path(config.points).read_bytes())
        self._said = config.said
        self._passed: Counter[str] = Counter()
        self._left = config.hit
        if config.point:
            points = [point for point in points if point["name"] == config.point]
            assert points, f"There is no point {config.point}."
            begin(points, self._kill)
        else:
            begin(points, self._note)
            atexit.register(self._write)

    def _kill(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            Path(self._said).write_text(repr(time.monotonic()))
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # until the signal is there

    def _note(self, name: str) -> None:
        self._passed[name] += 1

    def _write(self) -> None:
        Path(self._said).write_bytes(msgspec.json.encode(self._passed))


def begin(points: list[Any], passed: Callable[[str], None]) -> None:
    """From now on `passed` is told each point that this process passes, in whatever thread."""
    if sys.version_info >= (3, 12):
        monitor(points, passed)
        return
    tracer = Tracer(points, passed)
    threading.settrace(tracer)
    sys.settrace(tracer)


def monitor(points: list[Any], passed: Callable[[str], None]) -> None:
    """By sys.monitoring. There a trace function would miss the first call of each function."""
    watching: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    watching.use_tool_id(watching.DEBUGGER_ID, "killer")
    places: dict[int, Mapping[int, list[str]]] = {}

    def told(code: CodeType, offset: int) -> Any:
        names = places[id(code)].get(offset)
        if names is None:
            return watching.DISABLE
        for name in names:
            passed(name)
        return None

    watching.register_callback(watching.DEBUGGER_ID, watching.events.INSTRUCTION, told)
    wanted = by_function(points)
    for module in {point["module"] for point in points}:
        importlib.import_module(module)
    gc.unfreeze()  # the forker's
    functions = [function.__code__ for function in gc.get_objects() if type(function) is FunctionType]
    for code in {id(inner): inner for outer in functions for inner in nested(outer)}.values():
        found = offsets(code, wanted.get((code.co_filename, source_name(code)), []))
        if found:
            places[id(code)] = found
            watching.set_local_events(watching.DEBUGGER_ID, code, watching.events.INSTRUCTION)


def nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)


def by_function(points: list[Any]) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for point in points:
        found.setdefault((point["file"], point["function"]), []).append(point)
    return found


def source_name(code: CodeType) -> str:
    """The function that the code is written in."""
    function = code.co_qualname
    while function.endswith(COMPREHENSIONS):
        function = function.rpartition(".<locals>.")[0]
    return function


class Tracer:
    """A trace function that tells `passed` the name of each point, just before its instruction runs."""

    def __init__(self, points: list[Any], passed: Callable[[str], None]) -> None:
        self._passed = passed
        self._wanted = by_function(points)
        self._names = {function.rpartition(".")[2] for _, function in self._wanted}.union(COMPREHENSIONS)
        self._known: dict[int, tuple[CodeType, Any]] = {}

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        if code.co_name not in self._names:
            return None
        known = self._known.get(id(code))
        if known is None:
            known = self._known[id(code)] = code, self._local(code)
        if known[1] is not None:
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
        return known[1]

    def _local(self, code: CodeType) -> Any:
        points = self._wanted.get((code.co_filename, source_name(code)))
        places = offsets(code, points) if points else {}
        if not places:
            return None
        passed = self._passed

        def local(frame: FrameType, event: str, arg: Any) -> Any:
            if event == "opcode":
                for name in places.get(frame.f_lasti, ()):
                    passed(name)
            return local

        return local


def offsets(code: CodeType, points: list[Any]) -> Mapping[int, list[str]]:
    """The instructions of `code` at which a point is passed, with the points' names."""
    found: dict[int, list[str]] = {}
    steps = list(dis.get_instructions(code))
    for point in points:
        for offset in _offsets(steps, point):
            found.setdefault(offset, []).append(point["name"])
    return found


def _offsets(steps: list[dis.Instruction], point: Any) -> Iterator[int]:
    spans = [tuple(span) for span in point["spans"]]
    before = point["moment"] == "before"
    match point["kind"]:
        case "await":
            begins = [at for at, step in enumerate(steps) if _is(step, "GET_AWAITABLE", 0) and _at(step) in spans]
            yield from _waits(steps, begins, before)
        case "enter":
            enters = [at for at, step in enumerate(steps) if _is(step, "BEFORE_ASYNC_WITH") and _at(step) in spans]
            if (
                enters and _at(steps[enters[0]]) == spans[0]
            ):  # 3.11: all managers of a statement stand at the same place
                enters = [at for number, at in enumerate(enters) if number % point["items"] == point["item"]]
            yield from _waits(steps, enters, before)
        case "leave":
            begins = [at for at, step in enumerate(steps) if _is(step, "GET_AWAITABLE", 2) and _at(step) in spans]
            yield from _waits(steps, begins, before)
        case "next":
            nexts = [at for at, step in enumerate(steps) if _is(step, "GET_ANEXT") and _at(step) in spans]
            yield from _waits(steps, nexts, before)
            if not before:
                yield from (step.offset for step in steps if _is(step, "END_ASYNC_FOR") and _at(step) in spans)
        case "statement":
            inside = [_inside(step, spans[0]) for step in steps]
            yield from (steps[at].offset for at in range(len(steps)) if inside[at] and not (at and inside[at - 1]))
        case "exit":
            enters = [at for at, step in enumerate(steps) if _is(step, "BEFORE_WITH") and _at(step) in spans]
            entered = enters[0] if enters else len(steps)  # a comprehension in that function has none
            for step in steps[entered + 1 :]:
                if step.opname in ("CALL", "WITH_EXCEPT_START") and _at(step) in spans:
                    yield step.offset


def _waits(steps: list[dis.Instruction], begins: list[int], before: bool) -> Iterator[int]:
    """Where these waits begin, or where each leads when it is over."""
    for at in begins:
        send = next(step for step in steps[at:] if step.opname == "SEND")
        yield steps[at].offset if before else send.argval


def _is(step: dis.Instruction, name: str, argument: int | None = None) -> bool:
    return step.opname == name and (argument is None or (step.arg or 0) == argument)


def _at(step: dis.Instruction) -> tuple[int | None, ...]:
    place = step.positions
    return (place.lineno, place.end_lineno, place.col_offset, place.end_col_offset) if place else ()


def _inside(step: dis.Instruction, span: tuple[int, ...]) -> bool:
    first, last, start, end = _at(step) or (None,) * 4
    if first is None or last is None or start is None or end is None:
        return False
    return (span[0], span[2]) <= (first, start) and (last, end) <= (span[1], span[3])
