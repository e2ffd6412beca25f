"""Words by which a runner says that something failed, wherever they stand: what ran later takes nothing back."""

from __future__ import annotations

import re

_BAD: dict[str, str] = {
    "pytest": r"(?:=+ )?(?:\d+ [a-z]+, )*[1-9]\d* (?:failed|errors?)(?:, \d+ [a-z]+)* in [\d.]+ ?s\b.*$",
    "unittest": r"FAILED \((?:failures|errors|skipped|expected failures|unexpected successes)=\d+.*\)$",
    "go": r"FAIL\t\S|--- FAIL: \S|\{.*\"Action\":\"fail\"",
    "cargo": r"test result: FAILED\.|error: could not compile `",
    "node": r"(?:ℹ|#) (?:fail|cancelled) [1-9]",
    "jest": r"Test(?:s|[ ]Suites):[ ]+(?:\d+ [a-z]+, )*[1-9]\d* failed",
    "vitest": r"[ ]+Test(?:s|[ ]Files)[ ]+(?:\d+ [a-z]+ \| )*[1-9]\d* failed",
    "mocha": r"[ ]+[1-9]\d* failing$",
    "make": r"g?make(?:\[\d+\])?: \[.*\] Error \d+ \(ignored\)$",
}  # fmt: skip
_SAID = re.compile("^(?:" + "|".join(f"(?P<{runner}>{words})" for runner, words in _BAD.items()) + ")", re.MULTILINE)
_TAP = re.compile(r"^(?:1\.\.\d|TAP version )", re.MULTILINE)
_NOT_OK = re.compile(r"^not ok\b(?!.*# ?(?:todo|skip))", re.MULTILINE | re.IGNORECASE)
SESSION = re.compile(r"^=+ test session starts =+$", re.MULTILINE)
"""With which pytest begins, unless it is told to be quiet."""


def failing(text: str) -> str:
    """Who says so; "" for nobody. `make`: a command failed, and it was told to go on."""
    if found := _SAID.search(text):
        return found.lastgroup or ""
    return "tap" if _TAP.search(text) and _NOT_OK.search(text) else ""
