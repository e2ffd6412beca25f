"""Syntax errors of texts: where they are, which of them are new, and in how much time at most."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pillion_syntax import parsing
from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.parsing import errors, new_errors, parse

KNOWN = languages(tuple(shipped()))
PYTHON = KNOWN.all["python"]


@pytest.mark.parametrize(
    ("path", "text", "grammar"),
    [
        ("a/lamp.py", "", "python"),
        ("lamp.PYI", "", "python"),
        ("run.sh", "", "bash"),
        (".bashrc", "", "bash"),
        ("bin/lamp", "#!/usr/bin/env python3\n", "python"),
        ("bin/lamp", "#!/bin/sh -e\n", "bash"),
        ("bin/lamp", "#!/usr/bin/bash", "bash"),
        ("bin/lamp", "#!/usr/bin/perl\n", ""),
        ("bin/lamp", "#!/usr/bin/fish\n", ""),
        ("bin/lamp", "#!/usr/bin/env node", "javascript"),
        ("src/lamp.tsx", "", "tsx"),
        ("src/Lamp.MTS", "", "typescript"),
        ("lamp.rs", "", "rust"),
        ("notes.txt", "#!/bin/sh\n", ""),
    ],
)
def test_the_language_follows_from_the_name_or_the_first_line(path: str, text: str, grammar: str) -> None:
    found = KNOWN.of(path, text)
    assert (found.name if found else "") == grammar


@pytest.mark.parametrize(
    ("grammar", "text", "found"),
    [
        ("python", "def f(x):\n    return {'a': [x]}\n", []),
        ("python", "x = 1\ndef f(:\n    pass\n", [(2, 7, ") is missing")]),
        ("python", "é = 1; x = = 2\n", [(1, 12, "syntax error")]),
        ("python", "for i in x\n    pass\n", [(1, 1, "syntax error")]),
        ("python", "x = '\ud800'\n", []),
        ("bash", 'for f in *; do\n  echo "$f" | wc -l\ndone\n', []),
        ("bash", "if true; then\n  echo\n", [(3, 1, "fi is missing")]),
        ("bash", "", []),
    ],
)
def test_an_error_has_its_place(grammar: str, text: str, found: list[tuple[int, int, str]]) -> None:
    assert errors(KNOWN.all[grammar], text) == found


BROKEN = "x = [1, 2\ny = 3\n"


def test_only_new_errors_are_told() -> None:
    assert new_errors(PYTHON, None, BROKEN) == errors(PYTHON, BROKEN) != []
    assert new_errors(PYTHON, "x = 1\n", BROKEN) == errors(PYTHON, BROKEN)
    assert new_errors(PYTHON, BROKEN, "# one line more\n" + BROKEN) == []
    both = "if x:\n    pass\n" * 3 + "z = = 1\n" + BROKEN
    assert [line for line, _, _ in new_errors(PYTHON, "if x:\n    pass\n" * 3 + BROKEN, both)] == [7]


def test_a_parse_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "SECONDS", -1.0)
    text = "x = (1,\n" + "y = [2, 3]\n" * 5_000
    assert errors(PYTHON, text) is None
    assert new_errors(PYTHON, "x = 1\n", text) == []


def test_a_parse_ends_in_time_within_a_token_too() -> None:
    code = (
        "from pillion_syntax import parsing, reading; parsing.SECONDS = 0.1; known = reading.Reader().languages.all;"
        "print(parsing.parse(known['scala'], b'`' * 1_000_000))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "None\n"


def test_what_a_query_would_take_minutes_for_is_no_tree() -> None:
    assert parse(PYTHON, b"def light(): pass\n" + b"(" * 5_000) is not None
    assert parse(PYTHON, b"def light(): pass\n" + b"(" * 20_000) is None
    assert parse(PYTHON, b"x = [(1, 2), ]\n" * 20_000 + b"(") is not None
    assert parse(PYTHON, b"x = 1" + b" - 1" * 20_000) is not None
    assert parse(PYTHON, b"x = 1" + b" - 1" * 40_000) is None


def test_nothing_is_found_in_files_that_run() -> None:
    for path in Path(parsing.__file__).parents[1].glob("pillion_edit/*.py"):
        assert errors(PYTHON, path.read_text()) == [], path


def test_what_is_too_long_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert new_errors(PYTHON, None, BROKEN) != []
    monkeypatch.setattr(parsing, "LARGEST", len(BROKEN) - 1)
    assert new_errors(PYTHON, None, BROKEN) == []
