"""run_command with real shells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion.contracts.tool import Output
from pillion.errors import OutsideWorkspace, ToolError
from pillion.escapes import Stripper, plain
from pillion.overlay import OverlaidWorkspace, Overlay, Overlays
from pillion_terminal.plugin import Config, Plugin
from pillion_terminal.running import CommandArguments


@pytest.fixture
def tool() -> Any:
    return Plugin(Config(seconds=20, longest=30)).register_tools(None)[0]  # type: ignore[arg-type]


async def run(tool: Any, call: Any, command: str, **options: Any) -> Output:
    with trio.fail_after(40):
        found = await tool.run(CommandArguments(command, **options), call)
    assert isinstance(found, Output)
    return found


async def test_output_and_exit_code(tool: Any, call: Any, folder: Path) -> None:
    found = await run(tool, call, "pwd; echo err >&2; exit 3")
    assert found == Output(f"{folder}\nerr\n[exit code 3]", error=True)
    assert await run(tool, call, "true") == Output("[exit code 0, no output]")


async def test_what_a_person_sees_has_no_escapes(tool: Any, call: Any) -> None:
    found = await run(tool, call, r"printf '\033[31mred\033[0m 10%%\r20%%\r\n\033]0;title\007end\n'")
    assert found.text == "20%\nend\n[exit code 0]"
    assert "".join(call.shown) == "red 10%\n20%\nend\n"
    call.shown.clear()
    await run(tool, call, r"printf 'the end\r'")
    assert "".join(call.shown) == "the end\n"


async def test_a_long_output_is_whole(tool: Any, call: Any) -> None:
    call.max_output = 2000  # the runtime keeps it, and gives the model beginning and end
    found = await run(tool, call, r"echo first; seq 100000; printf 'over\rlast\r\n'")
    numbers = "".join(f"{number}\n" for number in range(1, 100_001))
    assert found.text == f"first\n{numbers}last\n[exit code 0]"


async def test_its_own_deadline(tool: Any, call: Any) -> None:
    with trio.fail_after(15):  # before the default of 20 s
        found = await run(tool, call, "echo begun; sleep 1000", seconds=0.3)
    assert found == Output("begun\n[stopped after 0.3 s]", error=True)


def test_the_kernels_deadline_is_later(tool: Any) -> None:
    assert tool.seconds(CommandArguments("x")) > 20
    assert tool.seconds(CommandArguments("x", seconds=1e9)) == tool.seconds(CommandArguments("x", seconds=30))
    assert tool.seconds(CommandArguments("x", seconds=float("nan"))) == tool.seconds(CommandArguments("x"))


async def test_the_folder_stays_inside(tool: Any, call: Any, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "out").symlink_to("..")
    assert (await run(tool, call, "pwd", folder="sub")).text == f"{folder}/sub\n[exit code 0]"
    for place in ("..", "out", "/"):
        with pytest.raises(OutsideWorkspace):
            await run(tool, call, "pwd", folder=place)
    with pytest.raises(ToolError):
        await run(tool, call, "pwd", folder="missing")


async def test_nothing_of_ours_is_in_its_environment(tool: Any, call: Any) -> None:
    os.environ["PILLION_TEST_LEAK"] = "leaked"
    try:
        assert "leaked" not in (await run(tool, call, "env; cat /proc/self/environ | tr '\\0' ' '")).text
    finally:
        del os.environ["PILLION_TEST_LEAK"]


async def test_the_preview_is_the_command(tool: Any, call: Any, folder: Path) -> None:
    (folder / "sub").mkdir()
    assert await tool.preview(CommandArguments("make test"), call) == "make test"
    assert await tool.preview(CommandArguments("make", folder="sub"), call) == "cd sub\nmake"


@pytest.mark.promise("overlays.commands")
async def test_preview_and_result_name_what_is_unsaved_in_an_editor(tool: Any, call: Any, folder: Path) -> None:
    async def told(event: Any) -> None:
        pass

    overlays = Overlays(told)
    call.workspace = OverlaidWorkspace(call.workspace, overlays, told)
    for number in range(22):
        await overlays.put(Overlay.of(f"{number:02}.py", "unsaved", None))
    (folder / "00.py").write_text("on disk")
    preview = await tool.preview(CommandArguments("make"), call)
    assert preview.startswith("make\n[Unsaved in the editor, so the command sees the disk's text: 00.py, 01.py, ")
    assert preview.endswith(", 19.py and 2 more]")
    found = await run(tool, call, "cat 00.py")
    assert found.text.startswith("on disk\n[exit code 0]\n[Unsaved in the editor")


COLOURED = "a\x1b[1;31mb\x1b[0m\x1b]8;;http://x\x1b\\c\x1b]0;t\x07\x1b(Bd\x1b=e\x9b2Kf\x08\r\ng\x1bPq#0\x1b\\h"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pieces_are_stripped_as_the_whole(size: int) -> None:
    stripper = Stripper()
    pieces = [stripper.take(COLOURED[at : at + size]) for at in range(0, len(COLOURED), size)]
    assert "".join([*pieces, stripper.rest()]) == plain(COLOURED) == "abcdef\ngh"


def test_a_sequence_without_end_holds_nothing_back_for_ever() -> None:
    stripper = Stripper()
    assert "x" * 100 in stripper.take("\x1b]0;" + "x" * 10_000)
