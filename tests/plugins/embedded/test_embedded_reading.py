"""The pieces of the library become chunks."""

from __future__ import annotations

from typing import Any

from pillion.contracts.provider import Finish, UsageSeen, Waiting
from pillion.values import Text, Usage
from pillion_embedded.model import QUEUED
from pillion_embedded.provider import Reading


def progress(processed: int, milliseconds: int) -> dict[str, Any]:
    told = {"total": 1200, "cache": 200, "processed": processed, "time_ms": milliseconds}
    return {"prompt_progress": told, "choices": [{"delta": {"role": "assistant", "content": None}}]}


def said(content: str | None = None, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": content} if content else {}, "finish_reason": reason}]}


def test_a_long_prompt_says_how_far_it_is_now_and_then() -> None:
    reading = Reading(None)
    steps = [(200, 0), (328, 9_000), (456, 16_000), (584, 17_000), (1200, 60_000)]
    pieces = [progress(processed, milliseconds) for processed, milliseconds in steps]
    (told,) = [chunk for piece in pieces for chunk in reading.chunks(piece)]
    assert told == Waiting(46.5, "the model has read 456 of 1200 tokens")


def test_a_queued_call_says_so() -> None:
    (told,) = Reading(None).chunks(QUEUED)
    assert isinstance(told, Waiting)


def test_the_reason_waits_for_the_usage() -> None:
    reading = Reading(None)
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}
    pieces = [said("He"), said("llo"), said(reason="stop"), {"choices": [], "usage": usage}]
    chunks = [chunk for piece in pieces for chunk in reading.chunks(piece)]
    assert chunks == [Text("He"), Text("llo"), UsageSeen(Usage(7, 2, 3)), Finish("stop")]


def test_without_a_reason_there_is_no_finish() -> None:
    reading = Reading(None)
    assert [*reading.chunks(said("He"))] == [Text("He")]
    usage = {"prompt_tokens": 7, "completion_tokens": 1}
    assert [*reading.chunks({"choices": [], "usage": usage})] == [UsageSeen(Usage(7, 1))]
