"""Redaction: whole, in pieces, in JSON, in logs."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.secrets import MASK, RedactingFilter, Secrets

KEY = "sk-abcdefgh"


def knowing(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.register(value)
    return secrets


def test_a_secret_is_masked_and_a_short_one_is_no_secret() -> None:
    secrets = knowing(KEY, "short")
    assert secrets.redact(f"a {KEY}{KEY} short") == f"a {MASK}{MASK} short"
    assert KEY in secrets
    assert "short" not in secrets


def test_a_text_without_secrets_is_the_same_object() -> None:
    text = "nothing here"
    assert knowing(KEY).redact(text) is text


@pytest.mark.parametrize("value", ['quo"te\\back', "line\nbreak", "schlüssel-größe", "tab\tand\x1fmore"])
def test_a_secret_is_found_as_json_writes_it_and_as_json_in_json(value: str) -> None:
    secrets = knowing(value)
    inner = json.dumps({"a": value})
    for text in (inner, json.dumps({"a": value}, ensure_ascii=False), json.dumps({"arguments": inner})):
        assert MASK in secrets.redact(text)
        assert value not in str(json.loads(secrets.redact_bytes(text.encode())))


@pytest.mark.parametrize("value", ["nabcdefgh", "text.finished", "workspace", '"type":"'])
def test_json_stays_readable_whatever_the_secret(value: str) -> None:
    event = {"type": "text.finished", "text": f"\nabcdefgh {value}", "workspace": "/x"}
    masked = json.loads(knowing(value).redact_bytes(json.dumps(event).encode()))
    assert masked == event | {"text": f"\nabcdefgh {MASK}"}


def test_secrets_that_overlap_are_masked_as_one() -> None:
    assert knowing("abcdefgh", "efghijkl").redact("-abcdefghijkl-") == f"-{MASK}-"


def test_bytes_of_the_environment_that_are_no_text_can_be_a_secret() -> None:
    value = b"\xff\xfe-secret".decode("utf-8", "surrogateescape")
    assert knowing(value).redact_bytes(b"a \xff\xfe-secret b") == f"a {MASK} b".encode()


words = st.text(alphabet="ab[]", max_size=40)
keys = st.lists(st.text(alphabet="ab[]", min_size=8, max_size=12), min_size=1, max_size=3)


@given(keys=keys, pieces=st.lists(words, max_size=8), data=st.data())
def test_pieces_show_what_the_whole_would(keys: list[str], pieces: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(pieces)))
    whole = "".join([*pieces[:at], keys[0], *pieces[at:]])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    secrets = knowing(*keys)
    shown, rest = "", ""
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        new, rest = secrets.settled(rest + whole[start:end])
        shown += new
    assert shown + secrets.redact(rest) == secrets.redact(whole)


@given(text=st.text(alphabet="abcdefgh ", max_size=30), cuts=st.lists(st.integers(0, 38), max_size=6))
def test_what_is_held_back_may_be_a_secrets_beginning(text: str, cuts: list[int]) -> None:
    secrets, whole = knowing("abcdefgh"), f"{text}abcdefgh"
    shown, held = "", ""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(whole)], strict=True):
        grown = secrets.redact(held + whole[start:end])
        back = secrets.held_back(grown)
        shown, held = shown + grown[: len(grown) - back], grown[len(grown) - back :]
        assert "abcdefgh" not in shown
    assert shown + held == secrets.redact(whole)


def record(message: str, *arguments: object, **options) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, __file__, 1, message, arguments, options.get("exc_info"))


def test_a_log_line_is_masked_with_its_arguments_and_traceback() -> None:
    try:
        int(KEY)
    except ValueError as error:
        line = record("said %s", KEY, exc_info=(type(error), error, error.__traceback__))
    assert RedactingFilter(knowing(KEY)).filter(line)
    text = logging.Formatter().format(line)
    assert f"said {MASK}" in text
    assert KEY not in text


def test_a_log_line_that_does_not_fit_its_arguments_stops_nothing() -> None:
    line = record("%d files", KEY)
    assert RedactingFilter(knowing(KEY)).filter(line)
    assert line.getMessage() == "a line of x can't be formatted: TypeError"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/PID/environ")
def test_a_hidden_process_keeps_its_environment_from_programs_of_its_user() -> None:
    """As root nothing is hidden, so there the mark itself is looked at."""
    code = (
        "import ctypes, os, subprocess\n"
        "from pillion.secrets import hide_process\n"
        "hide_process()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"  # PR_GET_DUMPABLE
        "if os.geteuid(): print(subprocess.run(['cat', f'/proc/{os.getpid()}/environ'], capture_output=True).stdout)\n"
    )
    environment = os.environ | {"CANARY": "in-the-environment"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("0\n")
    assert "in-the-environment" not in done.stdout
