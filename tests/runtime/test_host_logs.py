"""Log lines: whose they are, what they never hold, and what happens when nobody reads them."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import trio

from pillion import tags
from pillion.secrets import Secrets
from pillion_runtime import logs

log = logging.getLogger("pillion.test")


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    """The root logger as the test found it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], logging.raiseExceptions = handlers, True
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_ids_and_fields() -> None:
    stream = io.StringIO()
    logs.configure(Secrets(), form="auto", level="info", stream=stream)
    token = logs.REQUEST.set("req_1")
    with tags.tagged(session="s", turn="t", step="2", tool="look"):
        log.info("hello %s", "you", extra={logs.FIELDS: {"status": 200}})
    logs.REQUEST.reset(token)
    log.debug("not shown")
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    ids = {"request": "req_1", "session": "s", "turn": "t", "step": "2", "tool": "look"}
    assert line == ids | {"event": "hello you", "level": "info", "logger": "pillion.test", "status": 200}


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_masked_in_words_fields_and_tracebacks(form: str) -> None:
    stream, secrets = io.StringIO(), Secrets()
    secret = secrets.register('sk-"quoted"-secret')
    logs.configure(secrets, form=form, level="info", stream=stream)
    try:
        {}[f"with {secret}"]
    except KeyError:
        log.exception("said %s", secret, extra={logs.FIELDS: {"deep": {"key": [secret]}}})
    written = stream.getvalue()
    assert "secret]" in written
    assert "KeyError" in written
    assert "quoted" not in written


async def test_interleaved_sessions_keep_their_ids_through_tasks_and_threads() -> None:
    stream = io.StringIO()
    logs.configure(Secrets(), form="json", level="info", stream=stream)

    async def work(name: str) -> None:
        tags.put(session=name)
        for _ in range(5):
            log.info("%s", name)
            await trio.to_thread.run_sync(log.info, name)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(inner, name)

    async def inner(name: str) -> None:
        await trio.lowlevel.checkpoint()
        log.info("%s", name)

    async with trio.open_nursery() as nursery:
        for i in range(100):
            nursery.start_soon(work, f"s{i}")
    found = lines(stream)
    assert len(found) == 1500
    assert all(line["event"] == line["session"] for line in found)


def test_a_reader_that_does_not_read_stops_nobody() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "w") as writer:
        handler = logs.configure(Secrets(), form="json", level="info", stream=writer)
        for i in range(20_000):
            log.info("line %d %s", i, "x" * 100)
        logging.getLogger().handlers[:] = []
        os.set_blocking(reading, False)
        written = b""
        while chunk := reader.read(65536):
            written += chunk
            handler.flush()
        handler.emit(logging.LogRecord("pillion.test", logging.INFO, "", 0, "after", (), None))
        written += reader.read() or b""
    events = [msgspec.json.decode(line)["event"] for line in written.splitlines()]
    assert events[0].startswith("line 0 ")
    assert events[-2:] == ["log lines dropped, since nobody reads them", "after"]
    assert len(events) < 20_000


def test_a_reader_that_has_gone_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as writer:
        logs.configure(Secrets(), form="json", level="info", stream=writer)
        log.info("into the void")


def test_a_record_that_cannot_be_formatted_is_told() -> None:
    stream = io.StringIO()
    logs.configure(Secrets(), form="json", level="info", stream=stream)
    log.info("%d", "not a number")
    assert lines(stream) == [{"event": "a log line could not be formatted", "logger": "pillion.test"}]
