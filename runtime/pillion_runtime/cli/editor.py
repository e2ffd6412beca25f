"""The line editor: what keys do, what it remembers, what it completes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent


def editor(history: Path, words: Sequence[str], mark: str) -> PromptSession[str]:
    """Enter sends, Alt-Enter and Ctrl-J begin a new line, Ctrl-R searches. `words` are completed at the start.

    The history is a file that only its owner can read; what can't be written is not remembered.
    """
    keys = KeyBindings()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def newline(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return PromptSession(
        [("ansicyan", mark)],
        history=_remembered(history),
        key_bindings=keys,
        completer=WordCompleter(list(words), sentence=True),
        complete_while_typing=False,
        enable_history_search=True,
        prompt_continuation="  ",
    )


def _remembered(path: Path) -> FileHistory | None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    except OSError:
        return None
    return FileHistory(path)
