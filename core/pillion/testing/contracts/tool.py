"""What every tool must do, whatever it works on. The checks run it in a real kernel, as a model's call."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from ... import events as e
from ...catalog import fault_of, schema_of
from ...contracts.policy import Allow
from ...contracts.tool import Tool
from ...values import ToolCall, ToolResult
from ..kit import Host, PolicyPlugin, events, kernel_host
from ..scripted import ScriptedProvider, calls, says
from .plain import plain_failures

CONTENT = "a line that no model may read"


class ToolContract:
    """Override `tool` and `arguments`; `path_arguments` if it takes a path, `slow` if a call may last, `plugins` if it
    needs one besides."""

    seconds = 60.0
    """What one turn may take."""

    def tool(self) -> Tool:
        raise NotImplementedError("Override tool().")

    def arguments(self) -> Mapping[str, Any]:
        """Arguments of a call that works."""
        raise NotImplementedError("Override arguments().")

    def plugins(self) -> Mapping[str, object]:
        """Plugins that the tool can't do without, by name; they don't bring it."""
        return {}

    def prepare(self, folder: Path) -> None:
        """Puts into the workspace what that call needs."""

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        """Arguments that fit the schema and can't be carried out, e.g. a file that is not there."""
        return ()

    def path_arguments(self, path: str) -> Mapping[str, Any] | None:
        """Arguments that would touch `path`. None: the tool takes no path."""
        return None

    def slow(self) -> Mapping[str, Any] | None:
        """Arguments of a call that does not end by itself within a minute. None: there are none."""
        return None

    # ── the checks ──

    async def test_a_model_can_be_told_of_it(self) -> None:
        tool = self.tool()
        assert isinstance(tool, Tool), "A tool has name, description, effect, Arguments and `async def run`."
        assert not fault_of(tool), f"The tool {fault_of(tool)}."
        schema = schema_of(tool.Arguments)
        assert schema.get("type") == "object", f"The schema of its Arguments is no object: {schema}."
        msgspec.convert(dict(self.arguments()), tool.Arguments)

    async def test_a_call_answers(self) -> None:
        async with self._host(self.arguments()) as host:
            result, found = await self._result(host)
            assert not result.error, f"The call failed: {result.text}"
            finished = [event for event in found if isinstance(event, e.ToolFinished)]
            assert len(finished) == 1, f"A call has exactly one result, not {len(finished)}."

    async def test_a_tool_that_reads_changes_nothing(self) -> None:
        if self.tool().effect != "read":
            return
        async with self._host(self.arguments()) as host:
            before = _tree(host.folder)
            await self._result(host)
            changed = sorted(set(_tree(host.folder).items()) ^ set(before.items()))
            assert not changed, f"Its effect is read, and it changed {[name for name, _ in changed]}."

    async def test_malformed_arguments_are_told_to_the_model(self) -> None:
        for text in ("{", "[1]", '"text"', '{"a": nonsense}'):
            async with self._host(text) as host:
                result, _ = await self._result(host)
                assert result.error, f"The arguments {text} were taken as if they fitted."
                assert "arguments" in result.text, f"Nothing says that the arguments {text} don't fit: {result.text}"

    async def test_what_cannot_be_done_is_a_tool_error(self) -> None:
        for arguments in self.impossible():
            async with self._host(arguments) as host:
                _, found = await self._result(host)
                (finished,) = [event for event in found if isinstance(event, e.ToolFinished)]
                assert finished.error, f"{dict(arguments)} can't be done, and the tool says it was: {finished.text}"
                wrong = f"{dict(arguments)}: raise a ToolError that says what to try instead, not {finished.text!r}"
                assert finished.code != "internal", wrong

    async def test_it_stays_in_the_workspace(self) -> None:
        if self.path_arguments("a") is None:
            return
        for path in ("../outside.txt", "{outside}", "link.txt", "folder/outside.txt", "{workspace}-twin/outside.txt"):
            async with self._host(None) as host:
                outside = _surround(host.folder)
                place = path.format(outside=outside, workspace=host.folder)
                arguments = msgspec.json.encode(self.path_arguments(place)).decode()
                host.provider.script(calls((self.tool().name, arguments)), says("Done."))
                result, _ = await self._result(host)
                assert CONTENT not in result.text, f"{place} leads out of the workspace, and the tool showed it."
                assert outside.read_text("utf-8") == CONTENT, f"{place} leads out of the workspace, and it was changed."
                assert result.error, f"{place} leads out of the workspace, and the call did not fail: {result.text}"

    async def test_a_cancel_ends_the_call(self) -> None:
        arguments = self.slow()
        if arguments is None:
            return
        async with self._host(arguments) as host:
            with trio.fail_after(self.seconds):
                session = await host.open()
                accepted = await session.prompt("go")
                reader = session.follow()
                while not any(frame.type == "tool.started" for frame in await reader.page()):
                    pass
                await session.cancel()
                end = await session.ended(accepted.turn)
            found = await events(session)
            ended = any(isinstance(event, e.ToolFinished) for event in found)
            assert not ended, "The call ended by itself, or it swallows the cancel: is it slow?"
            assert isinstance(end, e.TurnCancelled), f"A cancelled turn ended with {end}."
            assert not end.leftovers, "The tool did not let go: trio.Cancelled must pass through it."
            results = [event for event in found if isinstance(event, e.ToolInterrupted)]
            assert len(results) == 1, f"A cancelled call has exactly one result, not {len(results)}."

    @asynccontextmanager
    async def _host(self, arguments: Mapping[str, Any] | str | None) -> AsyncIterator[Host]:
        """A kernel whose model calls the tool with these arguments, then ends. None: the check says what it does."""
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        answers = [] if arguments is None else [calls((self.tool().name, text)), says("Done.")]
        with plain_failures(), tempfile.TemporaryDirectory() as folder:
            workspace = _made(Path(folder, "workspace"))
            self.prepare(workspace)
            async with kernel_host(
                workspace,
                self.tool(),
                provider=ScriptedProvider(*answers),
                plugins={"policy": PolicyPlugin(_Allows()), **self.plugins()},
            ) as host:
                yield host

    async def _result(self, host: Host) -> tuple[ToolResult, list[e.Event]]:
        """What the model reads of its one call, and all events."""
        session = await host.open()
        with trio.fail_after(self.seconds):
            end = await host.run(session, "go")
        assert isinstance(end, e.TurnFinished), f"The turn with the call ended with {end}."
        parts = [part for message in await session.messages() for part in message.parts]
        asked = [part for part in parts if isinstance(part, ToolCall)]
        results = [part for part in parts if isinstance(part, ToolResult)]
        assert len(asked) == len(results) == 1, f"One call, one result: there are {len(asked)} and {len(results)}."
        return results[0], await events(session)


class _Allows:
    async def decide(self, call: Any) -> Allow:
        return Allow()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder.resolve()


def _surround(workspace: Path) -> Path:
    """A file outside, with the ways to it that a careless check takes for inside. Returns it."""
    outside = workspace.parent / "outside.txt"
    twin = workspace.parent / f"{workspace.name}-twin"
    twin.mkdir()
    for file in (outside, twin / "outside.txt"):
        file.write_text(CONTENT, "utf-8")
    (workspace / "link.txt").symlink_to(outside)
    (workspace / "folder").symlink_to(workspace.parent)
    return outside


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
