"""Lines of the shell, against verdicts that were written by hand before the code was."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from pillion.contracts.policy import Allow, Ask, Deny, JudgedCall
from pillion.localworkspace import LocalWorkspace
from pillion_approvals.plugin import Config, Plugin
from pillion_approvals.rule import Rule

WRITTEN = tomllib.loads(Path(__file__).with_name("shell_lines.toml").read_text(encoding="utf-8"))
RULES = msgspec.convert(WRITTEN["rules"], tuple[Rule, ...])
STRICTNESS = {Allow: 0, Ask: 1, Deny: 2}
LINES = [(line, kind) for kind in ("allow", "ask", "deny") for line in WRITTEN[kind]]


class Command(Struct, frozen=True):
    command: str
    folder: str = ""


async def judged(folder: Path, line: str, rules: tuple[Rule, ...] = RULES) -> Allow | Ask | Deny:
    call = JudgedCall("s", "t", "run_command", "execute", Command(line), LocalWorkspace(folder), False)
    [policy] = Plugin(Config(rules=rules)).register_policies(None)  # type: ignore[arg-type]
    verdict = await policy.decide(call)
    assert verdict is not None
    return verdict


@pytest.fixture
def workspace(folder: Path) -> Path:
    for name in ("src", "docs", "bare/objects", ".git"):
        (folder / name).mkdir(parents=True)
    (folder / "bare/HEAD").write_text("ref: refs/heads/main\n")
    (folder / "docs/link").symlink_to("/etc")
    return folder


def test_there_are_many_and_no_two_alike() -> None:
    assert len({line for line, _ in LINES}) == len(LINES) >= 400


@pytest.mark.promise("approvals.lines")
async def test_none_is_judged_laxer_and_none_stricter(workspace: Path) -> None:
    wanted = {"allow": Allow, "ask": Ask, "deny": Deny}
    off = [(line, kind, got) for line, kind in LINES
           if type(got := await judged(workspace, line)) is not wanted[kind]]  # fmt: skip
    laxer = [each for each in off if STRICTNESS[type(each[2])] < STRICTNESS[wanted[each[1]]]]
    assert not laxer
    assert not off
