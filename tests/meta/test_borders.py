"""What only one file may do, and what no file may do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from .source import TOP, Source, dotted, imports, sources, used

STARTERS = {"subprocess", "multiprocessing", "pty", "asyncio"}
"""Modules that start processes; nobody needs the last."""
STARTS = ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system", "popen", "exec", "spawn")
"""Of `os`: these, and whatever begins with the last two."""
TRIO_STARTS = ("run_process", "open_process", "lowlevel.open_process")
PROCESSES = {"core/pillion/processes.py", "core/pillion/processtree.py"}
STARTED = {
    "core/pillion/keys.py": "the program of a person's settings that gives a key",
    "plugins/pillion_fetch/fetching.py": "its own, which reads a page",
    "plugins/pillion_files/ripgrep.py": "ripgrep, which starts nothing",
    "plugins/pillion_forks/mounting.py": "the mount of a fork",
    "plugins/pillion_git/program.py": "git, without hooks and filters",
    "plugins/pillion_git/repository.py": "git, without hooks and filters",
    "plugins/pillion_minilm/embedder.py": "its own, which embeds",
    "plugins/pillion_storage/copies.py": "PostgreSQL's own, for a person",
    "plugins/pillion_syntax/walking.py": "ripgrep, which starts nothing",
    "plugins/pillion_syntax/workers.py": "its own, which parses",
    "plugins/pillion_terminal/sandbox.py": "the sandbox itself",
}
"""Who starts programs that neither a model nor a workspace chooses. All others confine what they start."""
CONFINED = {
    "plugins/pillion_terminal/running.py": "argv_of",
    "plugins/pillion_terminal/terminal.py": "argv_of",
    "plugins/pillion_test/running.py": "wrap",
}
"""By which function."""
READS = ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv")
WORDS = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
OUTSIDE_TRIO = {
    "runtime/pillion_runtime/cli/main.py",  # the program's outermost edge, behind trio.run
    "plugins/pillion_embedded/model.py",  # in a thread, to which the cancel of the task that sent it is only told
    "plugins/pillion_storage/thread.py",  # in a thread of its own, where nothing is ever cancelled
}
NAMELESS = ("utils", "helpers", "common", "base", "manager", "service")


def names(source: Source) -> Iterator[tuple[str, int]]:
    yield from imports(source.tree)
    yield from used(source.tree)


def starts(name: str) -> bool:
    first, _, rest = name.partition(".")
    if first in STARTERS:
        return True
    if first == "os":
        return rest in STARTS or rest.startswith(("exec", "spawn"))
    return first == "trio" and rest in TRIO_STARTS


def test_only_processes_starts_processes() -> None:
    found = {s.path for s in sources() for name, _ in names(s) if starts(name)}
    assert found - PROCESSES == set()
    assert "core/pillion/processes.py" in found


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "from os import posix_spawn",
        "import os\nos.execve('x')",
        "import trio\ntrio.run_process('x')",
        "from trio.lowlevel import open_process",
        "from multiprocessing import Pool",
    ],
)
def test_every_way_to_start_a_process_is_seen(text: str) -> None:
    assert any(starts(name) for name, _ in names(Source("x/y.py", text, ast.parse(text))))


def test_what_a_model_or_a_workspace_chooses_is_confined() -> None:
    """A plugin that starts programs is in one of the two tables, and calls what it says there."""
    found = {}
    for source in sources("core", "plugins"):
        named = {name for name, _ in used(source.tree)}
        if any(re.search(r"(^|[._])processes\.(start|run)$", name) for name in named):
            found[source.path] = {name.rpartition(".")[2] for name in named}
    assert found.keys() == STARTED.keys() | CONFINED.keys()
    assert [path for path, name in CONFINED.items() if name not in found[path]] == []


def test_only_the_settings_read_the_environment() -> None:
    found = {s.path for s in sources() for name, _ in names(s) if name in READS}
    assert found == {"core/pillion/settings.py"}


def test_only_the_session_writes_a_log() -> None:
    makes = {s.path for s in sources() for node in ast.walk(s.tree) if called(node).endswith("EventLog")}
    holds = {s.path for s in sources() for name, _ in used(s.tree) if "._eventlog" in name}
    commits = {s.path for s in sources("core", "runtime") for node in ast.walk(s.tree) if writes(node)}
    suites = {"core/pillion/testing/contracts/store.py", "core/pillion/arrival.py"}  # of a session that nobody has yet
    assert makes == {"core/pillion/kernel.py"}, "an event log is made in one place"
    assert holds == {"core/pillion/actor.py"}, "the actor alone holds it"
    assert commits - suites == {"core/pillion/eventlog.py"}, "the log alone writes to the store"


def test_the_kernel_hands_the_log_it_makes_to_the_session_and_nobody_else() -> None:
    (kernel,) = (source for source in sources("core") if source.path == "core/pillion/kernel.py")
    for function in ast.walk(kernel.tree):
        if isinstance(function, ast.FunctionDef) and any(called(n).endswith("EventLog") for n in ast.walk(function)):
            uses = [called(node) for node in ast.walk(function) if isinstance(node, ast.Call) and passes(node, "log")]
            assert uses == ["Session"]
            assert [name for name, _ in used(ast.Module([function], [])) if name.startswith("log.")] == []


def called(node: ast.AST) -> str:
    return dotted(node.func) if isinstance(node, ast.Call) else ""


def passes(call: ast.Call, name: str) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(isinstance(value, ast.Name) and value.id == name for value in given)


def writes(node: ast.AST) -> bool:
    """A call of `commit` on a store."""
    *before, last = called(node).split(".")
    return last == "commit" and bool(before) and "store" in before[-1].lower()


def test_whoever_catches_everything_says_why() -> None:
    silent = []
    for source in sources():
        lines = source.text.splitlines()
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler) or not broad(node.type):
                continue
            passes_on = isinstance(node.body[-1], ast.Raise)
            if not passes_on and "  # " not in lines[node.lineno - 1]:
                silent.append(f"{source.path}:{node.lineno}")
    assert silent == [], "say behind the `except` why everything is caught there"


def broad(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or dotted(one) in ("Exception", "BaseException") for one in kinds)


def test_nobody_swallows_a_cancel() -> None:
    """A handler that takes Cancelled, by its name or with everything, ends in a raise."""
    found = []
    for source in sources():
        if source.path in OUTSIDE_TRIO:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ExceptHandler) and takes_cancelled(node.type):
                raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
                found += [] if raises else [f"{source.path}:{node.lineno}"]
    assert found == []


def takes_cancelled(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or dotted(one) in ("BaseException", "trio.Cancelled", "Cancelled") for one in kinds)


def test_nothing_is_left_for_later() -> None:
    texts = [(source.path, source.text) for source in sources("core", "runtime", "plugins", "tests")]
    texts += [(str(path.relative_to(TOP)), path.read_text("utf-8")) for path in TOP.glob("docs/**/*.md")]
    assert [(path, word) for path, text in texts for word in WORDS if word in text] == []


def test_every_file_is_named_for_what_it_holds() -> None:
    paths = [source.path for source in sources("core", "runtime", "plugins", "tests")]
    assert [path for path in paths if path.rsplit("/", 1)[-1].removesuffix(".py") in NAMELESS] == []


def test_every_file_says_what_it_is_for() -> None:
    assert [source.path for source in sources() if not ast.get_docstring(source.tree)] == []
