"""Edits as models write them, judged by hand before the matcher saw them: none may be applied wrongly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pillion.errors import ToolError
from pillion.filediff import unified_diff
from pillion.hookspecs import TurnInfo
from pillion.known import Known
from pillion.localworkspace import LocalWorkspace
from pillion_edit.plugin import Config, Plugin
from pillion_edit.refusals import Refused

from . import second_bytes, second_code, second_data, second_elsewhere, second_python, second_system, second_texts
from .second_edits import ALREADY, REFUSED, Case, Either

ROOMS = (second_python, second_code, second_system, second_data, second_texts, second_bytes, second_elsewhere)
CASES = [case for room in ROOMS for case in room.CASES]
SEEN = {"applied right", "already applied", "refused right", "refused though either"}


async def outcome(case: Case, call: Any, folder: Path) -> str:
    """One of SEEN, or what went otherwise than a careful person would have it."""
    file = folder / case.file.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(case.data)
    call.known = Known()  # each is a model of its own
    turn = TurnInfo("", "", "", None, LocalWorkspace(folder), False)
    (tool,) = Plugin(Config({"*": case.edit.kind})).register_tools(turn)  # type: ignore[dict-item]
    said, why = "", ""
    try:
        said = str(await tool.run(tool.Arguments(**case.edit.arguments(case.file.path)), call))
    except ToolError as error:
        said, why = str(error), error.why if isinstance(error, Refused) else "unreadable"
    return _judged(case, file.read_bytes(), why) or f"wrong: {said}\n{_apart(case, file.read_bytes())}"


def _apart(case: Case, after: bytes) -> str:
    """What was made of the file, and `-` and `+` what should have been instead."""
    wanted = case.want.after if isinstance(case.want, Either) else case.want
    text = case.data if wanted in (REFUSED, ALREADY) else wanted.encode() if isinstance(wanted, str) else wanted
    return unified_diff(case.file.path, after, text)


def _judged(case: Case, after: bytes, why: str) -> str:
    wanted = case.want.after if isinstance(case.want, Either) else case.want
    if why and after != case.data:
        return ""
    if wanted in (REFUSED, ALREADY):
        if not why:
            return ""
        done = why == "already"
        return ("already applied" if done else "refused right") if done == (wanted == ALREADY) else f"answered {why}"
    if why:
        return "refused though either" if isinstance(case.want, Either) else f"refused in vain: {why}"
    return "applied right" if after == (wanted.encode() if isinstance(wanted, str) else wanted) else ""


async def test_no_edit_of_the_second_corpus_is_applied_wrongly(call: Any, folder: Path, capsys: Any) -> None:
    counts: Counter[str] = Counter()
    others: dict[str, str] = {}
    for case in CASES:
        kind = await outcome(case, call, folder)
        counts[kind.partition(":")[0]] += 1
        if kind not in SEEN:
            others[case.name] = kind
    with capsys.disabled():
        print(f"\n{len(CASES)} edits: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
        print("".join(f"\n--- {name}: {kind}" for name, kind in others.items()))
    assert others == {}


def test_the_second_corpus_is_wide_enough() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 120
    assert sum(case.want in (REFUSED, ALREADY) for case in CASES) >= 0.15 * len(CASES)
