"""Starts servers as forks of a process that has imported all they need, since imports would be most of a short life.

Reads a JSON line for each server: its arguments, folder, environment, and the files for its output. Answers with lines:
its pid, and later the pid with the exit status.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from typing import Any

BEFORE = (
    "anyio._backends._trio",
    "anthropic.resources.messages",
    "openai.resources.responses",
    "openai.resources.chat.completions",
    "pony.orm",
    "pony.orm.dbproviders.sqlite",
    "pillion.kernel",
    "pillion_runtime.cli.serve",
    "pillion_runtime.server",
    "pillion_agent.plugin",
    "pillion_anthropic.provider",
    "pillion_approvals.plugin",
    "pillion_ask.plugin",
    "pillion_edit.plugin",
    "pillion_files.plugin",
    "pillion_openai.provider",
    "pillion_retry.plugin",
    "pillion_storage.plugin",
    "pillion_storage.opening",
    "pillion_terminal.plugin",
)


def say(**fields: int) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


def bury(*_: object) -> None:
    """Tells of those that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            say(pid=pid, code=os.waitstatus_to_exitcode(status))


def become(asked: dict[str, Any]) -> None:
    """Turns this process into the server."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["out"], os.O_WRONLY),
        (2, asked["log"], 0o1101),
    ):
        descriptor = os.open(name, flags)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["pillion", *asked["arguments"]]
    importlib.import_module("pillion_runtime.cli.main").main()


def main() -> None:
    for module in BEFORE:
        importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, bury)
    say(ready=1)
    for line in iter(sys.stdin.readline, ""):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if not pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            become(json.loads(line))
            return
        say(pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


if __name__ == "__main__":
    main()
