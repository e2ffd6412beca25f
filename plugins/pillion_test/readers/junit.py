"""JUnit's XML, as pytest, node and many others write it.

Read by expat itself, in one pass and without a tree. Whatever is not in such a file and could make reading it dear (a
document type, so any entity; depth; numbers of tests beyond all reason) ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat

from ..found import Found, counted
from ..report import MESSAGE, CaseOutcome, TestCase, clipped

DEEPEST = 40
MOST = 200_000
"""Tests of one file."""
LARGEST = 32 * 1024 * 1024
"""Bytes of one file."""
KEPT = 4 * MESSAGE
"""Characters of one text that are looked at."""
_FAILED_AT = re.compile(r"^(\S[^:\n]*\.py):(\d+): ", re.MULTILINE)
_OUTCOMES: Mapping[str, CaseOutcome] = {"failure": "failed", "error": "error", "skipped": "skipped"}


class NotJUnit(Exception):
    """Why it can't be read."""


def read(data: bytes, runner: str = "junit") -> Found:
    """The tests of a whole file. One that can't be read, or has none, is doubted."""
    if len(data) > LARGEST:
        return Found(runner, doubt=f"its results have {len(data):,} bytes, more than are read")
    reading = _Reading()
    try:
        reading.parse(data)
    except (NotJUnit, expat.ExpatError) as error:
        return Found(runner, doubt=f"its results can't be read: {error}")
    doubt = ""
    if reading.declared > sum(case.bad for case in reading.cases) == 0:
        doubt = f"its results count {reading.declared} failures and name none"
    return Found(runner, reading.cases, counted(reading.cases), doubt, len(data))


class _Reading:
    """The state of one pass: where it is, and the test that is being read."""

    def __init__(self) -> None:
        self.cases: list[TestCase] = []
        self.declared = 0
        """Failures and errors that the suites count."""
        self._path: list[str] = []
        self._case: Mapping[str, str] = {}
        self._outcome: CaseOutcome = "passed"
        self._message = ""
        self._text: list[str] = []
        self._room = 0

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.Parse(data, True)

    def _doctype(self, *_: object) -> None:
        raise NotJUnit("it has a document type")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not self._path and name not in ("testsuites", "testsuite"):
            raise NotJUnit(f"it begins with {name[:40]!r}")
        if len(self._path) >= DEEPEST:
            raise NotJUnit("it is too deep")
        self._path.append(name)
        if name == "testsuite" and "testsuite" not in self._path[:-1]:
            self.declared += _number(attributes.get("failures")) + _number(attributes.get("errors"))
        elif name == "testcase":
            if len(self.cases) >= MOST:
                raise NotJUnit(f"it has more than {MOST:,} tests")
            self._case, self._outcome, self._message = attributes, "passed", ""
        elif name in _OUTCOMES and "testcase" in self._path:
            outcome = _OUTCOMES[name]
            if self._outcome in ("passed", "skipped") or outcome == "error":
                self._outcome, self._message = outcome, attributes.get("message", "")[:KEPT]
            self._text, self._room = [], KEPT

    def _data(self, text: str) -> None:
        if self._path[-1] not in _OUTCOMES:
            return
        self._text.append(text[-KEPT:])
        self._room -= len(text)
        while len(self._text) > 1 and self._room + len(self._text[0]) < 0:
            self._room += len(self._text.pop(0))

    def _end(self, name: str) -> None:
        name = self._path.pop()
        if name in _OUTCOMES and self._text:
            text = "".join(self._text).strip()
            if self._outcome == _OUTCOMES[name] and text:
                self._message = text if self._outcome != "skipped" else self._message or text
            self._text = []
        elif name == "testcase":
            seconds = _seconds(self._case.get("time"))
            place = _place(self._case, self._message if self._outcome in ("failed", "error") else "")
            message = clipped(self._message, MESSAGE)
            self.cases.append(TestCase(_name(self._case), self._outcome, message, place, seconds))


def _name(case: Mapping[str, str]) -> str:
    """The name to select it by: pytest's has the file, then classes; another's has its class before it."""
    name, kind, file = case.get("name", ""), case.get("classname", ""), case.get("file", "")
    if file.endswith(".py"):
        module = file.removesuffix(".py").replace("/", ".").replace("\\", ".")
        if not kind:  # a module that can't be imported
            return file if name == module else name
        inner = kind.removeprefix(module).strip(".") if kind.startswith(module) else ""
        return "::".join([file, *(inner.split(".") if inner else []), name])
    return f"{kind}.{name}" if kind and kind not in (name, "test") else name


def _place(case: Mapping[str, str], message: str) -> str:
    """Where it failed, as pytest says at the end of a message; else where the test stands."""
    file, line = case.get("file", ""), case.get("line", "")
    if file.endswith(".py") and (said := _FAILED_AT.findall(message)):
        return ":".join(said[-1])
    return f"{file}:{int(line) + 1}" if file.endswith(".py") and line.isascii() and line.isdigit() else file


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float((text or "").replace(",", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None
