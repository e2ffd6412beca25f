"""run_tests."""

from __future__ import annotations

import functools
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion import Call, Effect, Kernel, Output, ToolError
from pillion.contracts.confinement import Confinement
from pillion.contracts.workspace import origin_of
from pillion.escapes import Stripper
from pillion.overlay import unseen
from pillion.processes import Ended

from .judging import Run, judge
from .project import commands
from .remembered import Commands
from .report import TestsFinished
from .results import results_of
from .selecting import narrowed, runner_of
from .telling import told
from .watching import Watch

ENDING = 60.0
"""Seconds, beyond the tests' own, for ending their processes and judging what they said."""
PLAIN = {
    "TERM": "dumb", "NO_COLOR": "1", "CARGO_TERM_COLOR": "never", "PAGER": "cat", "GIT_TERMINAL_PROMPT": "0",
    "CI": "1", "PYTHONUNBUFFERED": "1",
}  # fmt: skip
"""So that nothing colours, pages, asks, or watches files for ever; and progress is seen while it is made."""
KEPT = 4 * 1024 * 1024
"""Bytes of the output that are judged; of a longer one the middle is lost, and it can't have passed by its words."""
INLINE = 64 * 1024
"""Characters that are judged at once; more in a thread."""


class TestArguments(Struct, frozen=True, forbid_unknown_fields=True):
    __test__ = False

    select: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=500)], ...],
        Meta(
            max_length=50,
            description="Only these: files, folders, or names of tests, as a report names them. Left out: all.",
        ),
    ] = ()
    seconds: Annotated[float, Meta(gt=0, description="After that many they are stopped.")] | None = None


class RunTests:
    """Runs the project's tests by the command that the settings, a person, or the project's files name.

    `kernel` is given by the plugin's lifespan: it knows whether such a command is confined.
    """

    name = "run_tests"
    effect: Effect = "execute"
    Arguments = TestArguments

    def __init__(self, known: Commands, shell: str, default: float, longest: float) -> None:
        self.kernel: Kernel | None = None
        self._known, self._shell, self._default, self._longest = known, shell, default, longest
        self.description = (
            "Run the project's tests, all or some, and get how many passed and failed, and of those that failed names, "
            "places and messages. The command is known, or the person is asked for it once. `unknown` means that "
            f"nothing can be said: take it for no success. Stopped after `seconds` ({default:g}, at most {longest:g})."
        )

    def seconds(self, arguments: TestArguments) -> float:
        return self._allowed(arguments) + ENDING

    def _allowed(self, arguments: TestArguments) -> float:
        asked = self._default if arguments.seconds is None else arguments.seconds
        return min(asked if math.isfinite(asked) else self._default, self._longest)

    @property
    def _confinement(self) -> Confinement | None:
        return self.kernel.catalog.confinement() if self.kernel is not None else None

    def confined(self, arguments: TestArguments) -> bool:
        """Whether the tests can write to the workspace alone, and use no network."""
        return (confinement := self._confinement) is not None and confinement.confines

    async def preview(self, arguments: TestArguments, call: Call) -> str:
        """The command, and where it runs; where nobody has named it yet, the one that was found."""
        confinement = self._confinement
        return await self._shown(arguments, call) + (confinement.note() if confinement else "")

    async def _shown(self, arguments: TestArguments, call: Call) -> str:
        known = await self._named(call)
        if known is not None:
            return await narrowed(known, arguments.select, call.workspace)
        found = await commands(call.workspace)
        if not found:
            return "[No command is known that runs the tests: you are asked for one.]"
        command = await narrowed(found[0], arguments.select, call.workspace)
        return f"{command}\n[Found in the project's files. You are asked whether it is the right one.]"

    async def run(self, arguments: TestArguments, call: Call) -> Output:
        whole = await self._named(call) or await self._asked(call)
        command = await narrowed(whole, arguments.select, call.workspace)
        run = await self._ran(command, self._allowed(arguments), call)
        report = judge(run) if len(run.text) < INLINE else await trio.to_thread.run_sync(judge, run)
        await call.emit(TestsFinished(call=call.id, command=command, report=report, selected=arguments.select))
        said = told(report, command, run.text, call.max_output)
        said += unseen(call.workspace, "the tests saw")
        return Output(said, error=report.outcome != "passed")

    async def _named(self, call: Call) -> str | None:
        root = Path(origin_of(call.workspace))
        return self._known.set_for(root) or await self._known.get(root)

    async def _asked(self, call: Call) -> str:
        """The command that a person names, which is remembered. Where nobody does, the likeliest, for this once.

        It was shown with the approval already, if there was one. Raises ToolError where there is none.
        """
        found = await commands(call.workspace)
        question = "Which command runs the tests of this project? The answer is remembered for this folder."
        answered = await call.ask(question, found, free=True, default=found[0] if found else None)
        command = (answered.answer or "").strip()
        if answered.given and command:
            await self._known.put(Path(origin_of(call.workspace)), command)
        if not command:
            raise ToolError(
                "No command is known that runs the tests: nothing in the project's files says so, and nobody named one."
            )
        return command

    async def _ran(self, command: str, seconds: float, call: Call) -> Run:
        stripper = Stripper()
        watch = Watch(call.progress, trio.current_time)

        def show(piece: str) -> None:
            if text := stripper.take(piece):
                watch.take(text)
                call.output(text)

        async with results_of() as results:
            place = shlex.quote(str(results.path))
            options = f"--junitxml={place} -o junit_family=xunit1"  # the family that names files
            argv: Sequence[str] = [self._shell, "-c", command]
            if confinement := self._confinement:
                root, writable = call.workspace.root, [results.path.parent]
                argv = confinement.wrap(argv, workspace=call.workspace, folder=root, writable=writable)
            run = functools.partial(call.processes.run, argv, cwd=call.workspace.root, seconds=seconds, limit=KEPT)
            extra = {**PLAIN, "PYTEST_ADDOPTS": options}
            ended = await results.beside(functools.partial(run, on_output=show, extra=extra))
            if text := stripper.rest():
                call.output(text)
            written = results.written()
        return _run(ended, command, written, str(call.workspace.root))


def _run(ended: Ended, command: str, written: bytes | None, root: str) -> Run:
    expected = runner_of(command) == "pytest" and "PYTEST_ADDOPTS" not in command
    return Run(
        ended.output, ended.code, ended.timed_out, ended.cut, ended.seconds, written, expected=expected, root=root
    )
