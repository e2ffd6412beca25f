"""run_tests in a session: the approval, the question, the event; and the command `pillion tests`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner

from pillion import Home, Workspace, hookimpl
from pillion import events as e
from pillion.testing.kit import Host, frames, kernel_host
from pillion.testing.scripted import calls, says
from pillion_approvals.plugin import Config as Rules
from pillion_approvals.plugin import Plugin as Approvals
from pillion_test import command, plugin, report

from ..attended import Asked, allowed, attended


async def ran(host: Host, *answers: str) -> tuple[list[Asked], list[report.TestsFinished]]:
    """One call of run_tests that is allowed; what was asked, and the reports."""
    host.provider.script(calls(("run_tests", "{}")), says("done"))
    session = await host.open()
    given = iter(answers)

    async def answer(event: Asked) -> None:
        if isinstance(event, e.ApprovalWanted):
            await allowed(session, event)
        else:
            await session.answer(event.question, next(given))

    asked = await attended(session, await session.prompt("go"), answer)
    told = [
        msgspec.json.decode(frame.data, type=report.TestsFinished)
        for frame in await frames(session)
        if frame.type == "tests.finished"
    ]
    return asked, told


async def test_opening_a_folder_runs_nothing_and_what_runs_is_shown_first(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("test:\n\ttouch ran; echo 1..1; echo ok 1 - lit\n")
    made = {"test": plugin.Plugin(plugin.Config(), Home("test", tmp_path / "home")), "approvals": Approvals(Rules())}
    async with kernel_host(tmp_path, plugins=made) as host:
        assert not (tmp_path / "ran").exists()
        (approval, question), (event,) = await ran(host, "make -s test")
        assert isinstance(approval, e.ApprovalWanted) and approval.effect == "execute"
        assert approval.preview.startswith("make test\n")
        assert isinstance(question, e.QuestionAsked) and question.options == ("make test",)
        assert (event.command, event.report.outcome, event.report.passed) == ("make -s test", "passed", 1)
        (approval,), (event,) = await ran(host)
        assert isinstance(approval, e.ApprovalWanted) and approval.preview == event.command == "make -s test"


class Wrapped:
    """A confinement that says what it was asked to wrap."""

    confines = True

    def wrap(
        self, argv: Sequence[str], *, workspace: Workspace, folder: Path, writable: Sequence[Path] = ()
    ) -> Sequence[str]:
        (self.place,) = writable
        return ["env", "WRAPPED=ok 1 - wrapped", *argv]

    def note(self) -> str:
        return "\n[Wrapped]"


class Wrapping:
    """A plugin like the one of terminals."""

    def __init__(self) -> None:
        self.wrapped = Wrapped()

    @hookimpl
    def register_confinements(self) -> list[Wrapped]:
        return [self.wrapped]


async def test_tests_run_where_another_plugin_confines_what_models_run(tmp_path: Path) -> None:
    wrapping = Wrapping()
    known = plugin.Config(commands={str(tmp_path): 'echo 1..1; echo "$WRAPPED"'})
    made = {"test": plugin.Plugin(known, Home("test", tmp_path / "home")), "approvals": Approvals(Rules())}
    async with kernel_host(tmp_path, plugins={**made, "wrapping": wrapping}) as host:
        (approval,), (event,) = await ran(host)
        assert isinstance(approval, e.ApprovalWanted) and approval.preview.endswith("\n[Wrapped]")
        assert [case.name for case in event.report.cases] == ["wrapped"]
        assert wrapping.wrapped.place.name.startswith("pillion-tests-")
        tool = made["test"]._run_tests  # type: ignore[union-attr]
        assert tool.confined(None), "so policies know"


def cli(*words: Any) -> str:
    done = CliRunner().invoke(command.tests, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_person_sees_sets_and_forgets_the_command(tmp_path: Path) -> None:
    (tmp_path / "lantern").mkdir()
    (tmp_path / "lantern/Cargo.toml").touch()
    words = (tmp_path / "lantern", "--data-dir", tmp_path / "data")
    assert cli(*words) == "cargo test  (found in its files; you are asked at the first run)\n"
    assert cli(*words, "--set", "cargo test --all") == "cargo test --all  (remembered)\n"
    (tmp_path / "own.toml").write_text(f'[plugins.test.commands]\n"{tmp_path}" = "make check"\n')
    told = json.loads(cli(*words, "--config", tmp_path / "own.toml", "--json"))
    assert (told["settings"], told["remembered"]) == ("make check", "cargo test --all")
    assert "found in its files" in cli(*words, "--forget")


FOUND = {
    "python": ({"pyproject.toml": "[tool.pytest.ini_options]\n", "uv.lock": ""}, "uv run pytest"),
    "python's own": ({"tests/test_a.py": "", ".venv/bin/python": ""}, ".venv/bin/python -m pytest"),
    "node": ({"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""}, "pnpm test"),
    "no script": ({"package.json": '{"scripts": {"test": "no test specified"}}', "a.test.mjs": ""}, "node --test"),
    "go": ({"go.mod": "module x\n"}, "go test -json ./..."),
    "make": ({"Makefile": "check: all\n\ttrue\ntest := 1\n"}, "make check"),
    "hostile": ({"package.json": "[" * 100_000, "Makefile": "\xff" * 1000}, None),
}  # fmt: skip


async def test_what_a_projects_files_say(tmp_path: Path) -> None:
    for name, (files, expected) in FOUND.items():
        folder = tmp_path / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        found = await command.commands(command.LocalWorkspace(folder))
        assert (found[0] if found else None) == expected, name
