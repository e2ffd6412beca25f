"""What the vendor's server answers in the crash scenario: the prompt's first word says what."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pillion.values import Text, ToolCall, ToolResult
from pillion_runtime.testing import Asked, Call, Cut, Reply, call

LONG = tuple(f"word{number} " for number in range(110))
PAUSE = 0.01
PATCH = "*** Begin Patch\n*** Add File: {}\n+new\n*** End Patch"
NEW = "{}\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n"
BLOCK = "{}\n<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE\n"


class Script:
    """A program. Each command that it asks for adds a line of its own to `ledger`, outside of all that is stored.

    `commands` has the prompts that they were for; `wrong` collects what no client may send, calls without one result.
    """

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self._numbers = itertools.count(1)
        self._cut: set[str] = set()
        self.commands: dict[int, str] = {}
        self.wrong: list[str] = []
        self.endless = False
        """The answer to `endless` is."""

    def __call__(self, asked: Asked) -> Reply:
        self.wrong += unpaired(asked)
        said = last_words(asked)
        word = said.partition(" ")[0]
        if said.startswith("<conversation>") or said.startswith("<earlier"):
            return Reply(text="Asked: this and that.")
        if said.startswith("<file path="):
            return Reply(text=BLOCK.format(said.split('"')[1], "old", "new"))
        if asked.model == "held":
            return Reply(text='{"answer": "So be it."}')
        if asked.schema is not None:
            asked_for = any(message.text.startswith("misfit") for message in asked.messages if message.role == "user")
            misfit = asked_for and not said.startswith("That does not fit")
            return Reply(text="no JSON" if misfit else '{"n": 1}')
        stages: dict[str, Callable[[int], Reply | None]] = {
            "work": lambda stage: self._work(stage, said),
            "run": lambda stage: self._calls(stage, [self._command(said)]),
            "linger": lambda stage: self._calls(stage, [self._command(said, "; echo begun; sleep 0.4")]),
            "rest": lambda stage: self._calls(stage, [self._command(said, "; echo begun; sleep 2")]),
            "unanswered": lambda stage: self._calls(stage, [call("run_command", command="unanswered")]),
            "nobody": lambda stage: self._calls(stage, [call("ask_person", question="Is nobody there?")]),
            "slow": lambda stage: self._calls(stage, [call("slow")]),
            "ask": lambda stage: self._calls(stage, [call("ask_person", question="What now?")]),
            "large": lambda stage: self._large(stage, asked),
            "editor": lambda stage: self._editor(stage, said),
            "patch": lambda stage: self._calls(stage, [call("apply_patch", patch=PATCH.format(own(said)))]),
            "blocks": lambda stage: self._blocks(stage, said),
            "instruct": lambda stage: self._instruct(stage, said),
            "shell": lambda stage: self._shell(stage, said, asked),
            "hang": lambda stage: self._calls(stage, [self._command(said, "; echo begun; sleep 9", shell="main")]),
            "stay": lambda stage: self._calls(stage, [self._command(said, "; echo begun; cat", pty=True)]),
            "late": lambda stage: self._calls(stage, [self._command(said, "; sleep 9", pty=True, seconds=0.6)]),
            "background": lambda stage: self._background(stage, asked),
            "terminal": lambda stage: self._terminal(stage, asked),
            "note": lambda stage: self._note(stage, said),
            "test": lambda stage: call_of(stage, *[("run_tests", {"select": some}) for some in ((), (), ("a.txt",))]),
            "open": lambda stage: self._open(stage),
        }
        if word == "stream":
            fault = None if said in self._cut else Cut(30)
            self._cut.add(said)
            return Reply(text=LONG, pause=PAUSE, fault=fault)
        if word == "endless":
            return Reply(text=LONG * 20 if self.endless else LONG[:20], pause=PAUSE)
        if word == "long":
            return Reply(thinking=LONG[:10], text=LONG, pause=PAUSE)
        reply = stages[word](stage_of(asked)) if word in stages and asked.tools else None
        return reply or Reply(text=("You said: ", said), pause=PAUSE)

    def _command(self, prompt: str, more: str = "", **fields: Any) -> Call:
        number = next(self._numbers)
        self.commands[number] = prompt
        return call("run_command", command=f"echo {number} >> {self.ledger}{more}", **fields)

    def _calls(self, stage: int, calls: list[Call]) -> Reply | None:
        return Reply(text=("So ", "be it."), calls=tuple(calls)) if stage == 0 else None

    def _large(self, stage: int, asked: Asked) -> Reply | None:
        if stage == 1:
            result = next(part for part in asked.messages[-1].parts if isinstance(part, ToolResult))
            return Reply(calls=(call("read_output", call=result.call, start=900),))
        return self._calls(stage, [call("large")])

    def _editor(self, stage: int, said: str) -> Reply | None:
        def edit(command: str, **fields: Any) -> tuple[str, dict[str, Any]]:
            return "str_replace_based_edit_tool", {"command": command, "path": own(said), **fields}

        return call_of(
            stage,
            edit("create", file_text="one\ntwo\n" + "more\n" * 2000),
            edit("view"),
            ("str_replace_based_edit_tool", {"command": "view", "path": "."}),
            edit("insert", insert_line=1, insert_text="between\n"),
            edit("str_replace", old_str="two", new_str="2"),
            edit("undo_edit"),
        )

    def _blocks(self, stage: int, said: str) -> Reply | None:
        """In pieces, so that the tool hears them."""
        text = NEW.format(own(said)) + NEW.format(own(said, "next")).rstrip()
        whole = call("edit_files", text=text)
        pieces = ["".join(whole.arguments)[at : at + 20] for at in range(0, 500, 20)]
        return Reply(calls=(Call(whole.name, tuple(filter(None, pieces))),), pause=PAUSE) if stage == 0 else None

    def _instruct(self, stage: int, said: str) -> Reply | None:
        path = own(said, "instructed")
        write = "write_file", {"path": path, "content": "old\n"}
        return call_of(stage, write, ("code_edit", {"path": path, "instruction": "Make it new."}))

    def _shell(self, stage: int, said: str, asked: Asked) -> Reply | None:
        commands = ("; cd /tmp", "; seq 9999", "; sleep 9", "; (trap '' INT; sleep 9)", "; seq 999; echo drawn")
        if stage >= len(commands):
            wait = "terminal_wait", {"terminal": terminal_of(asked), "seconds": 2}
            return call_of(stage - len(commands), ("terminal_read", {}), wait)
        late = {"seconds": 1} if "sleep" in commands[stage] else {}
        name = {"shell": "drawn", "pty": True} if "drawn" in commands[stage] else {"shell": "main"}
        return Reply(calls=(self._command(said, commands[stage], **name, **late),))

    def _background(self, stage: int, asked: Asked) -> Reply | None:
        terminal = terminal_of(asked)
        return call_of(
            stage,
            ("run_command", {"command": "cat", "background": True}),
            ("terminal_read", {}),
            ("terminal_write", {"terminal": terminal, "text": "typed"}),
            ("terminal_wait", {"terminal": terminal, "until": "typed", "seconds": 2}),
            ("terminal_read", {"terminal": terminal}),
            ("terminal_write", {"terminal": terminal, "key": "ctrl-c"}),
            ("run_command", {"command": "cat", "background": True}),
            ("terminal_write", {"terminal": terminal, "key": "ctrl-d"}),
            ("run_command", {"command": "sleep 30", "background": True}),
            ("terminal_stop", {"terminal": terminal}),
        )

    def _terminal(self, stage: int, asked: Asked) -> Reply | None:
        terminal = terminal_of(asked)
        return call_of(
            stage,
            ("run_command", {"command": "head -n 1; cat", "pty": True, "seconds": 20}),
            ("terminal_write", {"terminal": terminal, "text": "typed"}),
            ("terminal_write", {"terminal": terminal, "key": "enter"}),
            ("terminal_write", {"terminal": terminal, "key": "ctrl-d"}),
        )

    def _note(self, stage: int, said: str) -> Reply | None:
        return call_of(
            stage, ("read_notes", {}), ("write_notes", {"text": f"Of {said}."}), ("add_note", {"text": "And more."})
        )

    def _open(self, stage: int) -> Reply | None:
        """A file that is unsaved in an editor, and looks at what is round it."""
        return call_of(
            stage,
            ("write_file", {"path": "open.txt", "content": "new\n"}),
            ("edit_file", {"path": "open.txt", "old": "new", "new": "newer"}),
            ("list_files", {}),
            ("search", {"pattern": "new"}),
            ("read_file", {"path": "deep/down/below/gone.txt"}),
        )

    def _work(self, stage: int, prompt: str) -> Reply | None:
        match stage:
            case 0:
                return Reply(thinking=LONG[:8], text=LONG[:8], calls=(self._command(prompt),), pause=PAUSE)
            case 1:
                reads = (call("read_file", path="a.txt"), call("list_files"), call("glob", pattern="*.txt"))
                return Reply(calls=(*reads, call("search", pattern="line")))
            case 2:
                edit = call("edit_file", path="a.txt", old="line one", new="line 1")
                return Reply(calls=(call("write_file", path="new.txt", content="new\n"), edit))
            case 3:
                return Reply(text=LONG[:40], pause=PAUSE)
        return None


def call_of(stage: int, *calls: tuple[str, dict[str, Any]]) -> Reply | None:
    """One after the other."""
    return Reply(calls=(call(calls[stage][0], **calls[stage][1]),)) if stage < len(calls) else None


def own(said: str, kind: str = "made") -> str:
    """A file that no other prompt names."""
    return f"{kind}-{said.split()[-1]}.txt"


def terminal_of(asked: Asked) -> int:
    """The newest that a result has named."""
    texts = [part.text for said in asked.messages for part in said.parts if isinstance(part, ToolResult)]
    numbers = [int(number) for text in texts for number in re.findall(r"terminal (\d+)", text)]
    return max(numbers, default=1)


def last_words(asked: Asked) -> str:
    """The newest prompt; what was said before it without an answer comes in the same message."""
    texts = [
        part.text for said in asked.messages if said.role == "user" for part in said.parts if isinstance(part, Text)
    ]
    return texts[-1]


def stage_of(asked: Asked) -> int:
    """How many messages with calls came since the user last said something."""
    stage = 0
    for message in reversed(asked.messages):
        if message.role == "user" and message.text:
            break
        stage += any(isinstance(part, ToolCall) for part in message.parts)
    return stage


def unpaired(asked: Asked) -> list[str]:
    """What is wrong with the conversation: calls without one result in the next message, results without a call."""
    wrong, waiting = [], []
    for message in asked.messages:
        results = [part.call for part in message.parts if isinstance(part, ToolResult)]
        if sorted(results) != sorted(waiting):
            wrong.append(f"Calls {waiting} have the results {results}.")
        waiting = [part.id for part in message.parts if isinstance(part, ToolCall)]
    return wrong + ([f"Calls {waiting} have no result."] if waiting else [])
