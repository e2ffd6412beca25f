"""Commands in bubblewrap's sandbox: what is tried in it to get out, and what is as it is without."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Home
from pillion.contracts.tool import Output
from pillion.errors import ToolError
from pillion.processes import Processes
from pillion.settings import Settings, load
from pillion.testing.kit import PolicyPlugin, frames, kernel_host
from pillion_runtime.hookspecs import HostHooks
from pillion_terminal.plugin import Config, Plugin
from pillion_terminal.running import CommandArguments
from pillion_terminal.sandbox import State
from pillion_test import plugin as tests_plugin

from ...required import missing, required
from .terminalkit import Yes

HINT = "apt-get install bubblewrap, where user namespaces are allowed"


@pytest.fixture(scope="module")
def bwrap() -> str:
    program = required("bwrap", hint=HINT)
    argv = [
        program,
        "--unshare-user",
        "--unshare-net",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "true",
    ]
    tried = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode:
        missing("bwrap", f"bubblewrap can't make a sandbox here: {tried.stderr.strip()}. {HINT}")
    return program


HOME = {
    "home/.ssh/id_ed25519": "PRIVATE", "home/.config/pillion/plugins.toml": "", "home/.cargo/bin/c": "",
    "home/.cargo/credentials.toml": "TOKEN", "home/venv/bin/tool": "#!/bin/sh\necho ran\n",
    "home/venv/pyvenv.cfg": "home = /usr/bin\n", "data/server.json": "SECRET",
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's home, with keys; the data directory of the runtime, with its token, lies beside it."""
    for name, text in HOME.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "home/venv/bin/tool").chmod(0o755)
    return tmp_path / "home"


@pytest.fixture
def folder(home: Path) -> Path:
    """The workspace, a repository in the home folder."""
    for name in ("project/.git/hooks", "project/.git/objects", "project/.husky"):
        (home / name).mkdir(parents=True)
    for name, text in {".git/config": "[core]\n", ".git/HEAD": "ref: refs/heads/main\n", ".env": "KEY=PRIVATE"}.items():
        (home / "project" / name).write_text(text)
    return home / "project"


@pytest.fixture
def settings(home: Path) -> Settings:
    path = f"{home}/venv/bin:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "VIRTUAL_ENV": f"{home}/venv"}
    return load(config=None, data_dir=home.parent / "data", environ=environ, shipped=False)


async def sandboxed(call: Any, settings: Settings, **config: Any) -> Any:
    """The tool, as the plugin's lifespan leaves it."""
    plugin = Plugin(Config(seconds=20, longest=30, **{"sandbox": "required", **config}))
    call.processes = Processes(settings.environment.pick(settings.execution.environment))
    await plugin._sandbox.prepare(call.processes, settings)
    return plugin.register_tools(None)[0]  # type: ignore[arg-type]


@pytest.fixture
async def tool(bwrap: str, call: Any, settings: Settings) -> Any:
    return await sandboxed(call, settings)


async def run(tool: Any, call: Any, command: str, **options: Any) -> Output:
    with trio.fail_after(60):
        found = await tool.run(CommandArguments(command, **options), call)
    assert isinstance(found, Output)
    return found


# ── what is as it is without ──


@pytest.mark.promise("sandbox.same")
async def test_output_code_folder_and_files_are_the_same(tool: Any, call: Any, folder: Path) -> None:
    (folder / "sub").mkdir()
    found = await run(tool, call, "pwd; echo err >&2; echo new > file; exit 3", folder="sub")
    assert found == Output(f"{folder}/sub\nerr\n[exit code 3]", error=True)
    assert (folder / "sub/file").read_text() == "new\n"
    assert (await run(tool, call, "kill -TERM $$")).text.startswith("[exit code 143")


@pytest.mark.promise("sandbox.same")
async def test_its_deadline_ends_all_that_it_started(tool: Any, call: Any, folder: Path) -> None:
    command = "echo begun; (setsid sleep 987654 &) ; trap '' TERM; sleep 987654"
    found = await run(tool, call, command, seconds=1)
    assert found == Output("begun\n[stopped after 1 s]", error=True)
    assert not running("987654")
    found = await run(tool, call, "nohup setsid sleep 987655 >/dev/null 2>&1 & echo left")
    assert (found.text, running("987655")) == ("left\n[exit code 0]", [])


async def test_a_command_may_clean_up_when_it_is_stopped(tool: Any, call: Any, folder: Path) -> None:
    await run(tool, call, "trap 'echo cleaned > traces; exit' TERM; sleep 30 & wait", seconds=3)
    assert (folder / "traces").read_text() == "cleaned\n"


def running(word: str) -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += [pid] if word in Path(f"/proc/{pid}/cmdline").read_text() else []
        except OSError:
            continue
    return found


# ── what is tried to get out ──

ESCAPES = {
    "write beside the workspace": "echo x > ../escaped; false",  # it is not refused, and written nowhere
    "write in /etc": "echo x > /etc/pillion-escaped",
    "write in /usr": "touch /usr/pillion-escaped",
    "write through a link": "ln -sf /etc link && echo x > link/pillion-escaped",
    "write the kernel's switches": "p=/proc/sys/kernel/core_pattern; old=$(cat $p); echo $old > $p",
    "make the whole writable": "mount -o remount,rw / && touch /usr/pillion-escaped",
    "uncover the home": 'umount "$HOME" && cat "$HOME/.ssh/id_ed25519"',
    "a further namespace": "unshare -Urm true && echo got in",
    "read a key": 'cat "$HOME/.ssh/id_ed25519"',
    "list the home": 'ls -A "$HOME/.ssh"',
    "read a tool's key": 'grep TOKEN "$HOME/.cargo/credentials.toml"',
    "read the token of the server": "grep SECRET ../../data/server.json",
    "read the password file": "grep : /etc/shadow",
    "read a protected file": "grep KEY .env",
    "plant a hook": "echo x > .git/hooks/pre-commit",
    "change git's settings": "echo x >> .git/config",
    "put settings in their place": "mv .git/config aside || cp .git/config new && mv new .git/config",
    "put a repository in its place": "mv .git aside",
    "lead git elsewhere": "echo ../evil > .git/commondir",
    "plant a hook of husky": "echo x > .husky/pre-commit",
    "the message bus": "ls /run/dbus/system_bus_socket /run/user",
    "docker": "ls /run/docker.sock /var/run/docker.sock",
    "a socket of the system": "ls -A /run | grep .",
    "a capability": "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status",
    "a disk": "ls /dev/vda /dev/sda /dev/mem",
    "the network": "exec 3<>/dev/tcp/192.0.2.1/80",
}
READING = (
    "read a key", "list the home", "read a tool's key", "read the token of the server", "read a protected file"
)  # fmt: skip


def outside(folder: Path) -> list[object]:
    """What must be the same afterwards."""
    places = folder.parent, Path("/etc"), Path("/usr"), folder / ".git", folder / ".git/hooks", folder / ".husky"
    names = [sorted(os.listdir(place)) for place in places]
    return [*names, Path("/proc/sys/kernel/core_pattern").read_text(), (folder / ".git/config").read_text()]


@pytest.mark.promise("sandbox.holds")
async def test_none_of_these_gets_out(tool: Any, call: Any, folder: Path) -> None:
    before = outside(folder)
    got_out = [name for name, command in ESCAPES.items() if not (await run(tool, call, command)).error]
    assert not got_out
    assert outside(folder) == before


async def test_without_the_sandbox_those_that_only_read_succeed(bwrap: str, call: Any, settings: Settings) -> None:
    tool = await sandboxed(call, settings, sandbox="off")
    reading = [name for name in READING if (await run(tool, call, ESCAPES[name])).error]
    assert not reading


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.mark.promise("sandbox.holds")
async def test_loopback_and_abstract_sockets_are_out_of_reach(
    bwrap: str, call: Any, settings: Settings, listener: socket.socket
) -> None:
    name = f"\0pillion-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(name)
        abstract.listen()
        port = listener.getsockname()[1]
        abstractly = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
        commands = [f"exec 3<>/dev/tcp/127.0.0.1/{port}", f'python3 -c "{abstractly}"'.replace("\0", "\\0")]
        inside = await sandboxed(call, settings)
        assert [(await run(inside, call, command)).error for command in commands] == [True, True]
        with_network = await sandboxed(call, settings, network=True)
        assert [(await run(with_network, call, command)).error for command in commands] == [False, False]


@pytest.mark.promise("sandbox.holds")
async def test_the_server_is_not_to_be_seen_signalled_or_traced(tool: Any, call: Any) -> None:
    pid = os.getpid()
    found = await run(tool, call, f"kill -0 {pid} || cat /proc/{pid}/environ || ls /proc/{pid}/fd")
    assert found.error
    seen = (await run(tool, call, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ls -d /proc/[0-9]*")).text
    assert "-m pytest" not in seen
    assert f"/proc/{pid}\n" not in seen
    assert len([line for line in seen.splitlines() if line.startswith("/proc/")]) < 12


@pytest.mark.promise("sandbox.holds")
async def test_nothing_can_be_typed_at_a_terminal_of_ours(tool: Any, call: Any) -> None:
    typed = "import fcntl, os, termios; fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x')"
    assert (await run(tool, call, f'python3 -c "{typed}"')).error
    assert (await run(tool, call, "ls /dev/pts | grep -v ptmx")).error  # and none is there


# ── what is there ──


async def test_the_temporary_folder_is_its_own_and_the_home_is_empty(tool: Any, call: Any, home: Path) -> None:
    made = f"/tmp/pillion-{os.getpid()}"
    found = await run(tool, call, f'echo x > {made} && echo "$TMPDIR" && touch ~/y && ls -A ~ /var/tmp')
    assert not found.error
    assert not await trio.Path(made).exists()
    assert not (home / "y").exists()
    assert ".ssh" not in found.text
    assert ".config" not in found.text
    assert (await run(tool, call, f"ls {made} || ls ~/y")).error


async def test_tools_of_the_home_can_be_run(tool: Any, call: Any) -> None:
    assert (await run(tool, call, "tool && ls ~/.cargo/bin")).text == "ran\nc\n[exit code 0]"
    assert (await run(tool, call, 'touch "$VIRTUAL_ENV/x"')).error


async def test_further_places_can_be_opened(bwrap: str, call: Any, settings: Settings, home: Path) -> None:
    (home / "cache").mkdir()
    inside = await sandboxed(
        call, settings, writable=("~/cache".replace("~", str(home)),), readable=(f"{home}/.config",)
    )
    assert not (await run(inside, call, "touch ~/cache/x && ls ~/.config/pillion")).error
    assert (home / "cache/x").exists()
    assert (await run(inside, call, "touch ~/.config/x")).error  # only to be read
    data = f"{home.parent}/data"
    opened = await sandboxed(call, settings, readable=(data,), writable=(data,))
    assert (await run(opened, call, f"ls {data}")).error is False
    assert (await run(opened, call, f"grep SECRET {data}/server.json")).error


# ── git ──


def git(at: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    named = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *named, *words], cwd=at, env=environ, capture_output=True, text=True, check=True)
    return done.stdout


async def test_git_reads_and_writes_only_where_it_may(bwrap: str, call: Any, settings: Settings, folder: Path) -> None:
    required("git", hint="apt-get install git")
    (folder / ".git").rename(folder.parent / "old")
    git(folder, "init", "-q")
    (folder / "a").write_text("a")
    commit = "git add a && git -c user.name=a -c user.email=a@b commit -qm first"
    inside = await sandboxed(call, settings)
    assert "?? a" in (await run(inside, call, "git status --short")).text
    assert (await run(inside, call, commit)).error
    opened = await sandboxed(call, settings, writable=(".git",))
    assert not (await run(opened, call, commit)).error
    assert git(folder, "log", "--format=%s") == "first\n"
    for planted in (
        "> .git/hooks/x",
        "git config core.fsmonitor ./evil",
        "mv .git aside",
        "mv .git/hooks .git/h",
        "rm .git/config",
    ):
        assert (await run(opened, call, planted)).error


async def test_a_worktree_sees_its_repository_only_if_that_one_agrees(
    tool: Any, call: Any, settings: Settings, home: Path, folder: Path
) -> None:
    required("git", hint="apt-get install git")
    (home / "main").mkdir()
    git(home / "main", "init", "-q")
    git(home / "main", "commit", "-q", "--allow-empty", "-m", "first")
    (folder / ".git").rename(home / "old")
    assert (await run(tool, call, "git log --format=%s")).error
    (folder / ".git").write_text(f"gitdir: {home}/main/.git\n")  # as a command could, where there is none
    assert (await run(tool, call, "git log --format=%s")).error
    (folder / ".git").unlink()
    git(home / "main", "worktree", "add", "-q", "-f", "--detach", str(home / "tree"))
    call.workspace = type(call.workspace)(home / "tree")
    assert (await run(tool, call, "git log --format=%s && git status")).text.startswith("first\n")
    assert (await run(tool, call, f"touch {home}/main/.git/x")).error


MAKE = """test:
	@touch ../escaped; cat ../.ssh/id_ed25519 && false; echo $$PILLION_SANDBOX >file
	@place=$${PYTEST_ADDOPTS#--junitxml=}; echo '<testsuite><testcase name="a"/></testsuite>' >$${place%% *}
"""
"""Writes results as pytest does."""


async def test_the_tests_that_a_model_runs_are_in_it_too(bwrap: str, folder: Path, home: Path) -> None:
    (folder / "Makefile").write_text(MAKE)
    known = tests_plugin.Config(commands={str(folder): "make test"})
    tests = tests_plugin.Plugin(known, Home("test", home.parent / "data"))
    plugins = {"terminal": Plugin(Config(sandbox="required")), "yes": PolicyPlugin(Yes()), "test": tests}
    async with kernel_host(folder, plugins=plugins, hookspecs=[HostHooks]) as host:
        session = await host.open()
        with trio.fail_after(60):
            accepted = await session.call_tool("run_tests", {}, when="queue")
            await session.ended(accepted.turn, accepted.after)
        found = [frame.data.decode() for frame in await frames(session) if frame.type == "tests.finished"]
    assert '"outcome":"passed"' in found[-1] and '"runner":"pytest"' in found[-1], "its results came out"
    assert (folder / "file").read_text() == "bubblewrap\n"
    assert not (home / "escaped").exists()


# ── where there is none ──


async def test_without_one_required_refuses_and_auto_says_so(call: Any, folder: Path) -> None:
    required_one = Plugin(Config(sandbox="required"))
    auto = Plugin(Config(sandbox="auto"))
    for plugin in (required_one, auto):
        plugin._sandbox._state = State(why="bubblewrap (bwrap) is not installed")
    tool, *_ = required_one.register_tools(None)  # type: ignore[arg-type]
    with pytest.raises(ToolError, match=r'no.* not installed.*sandbox = "auto" or "off"'):
        await run(tool, call, "true")
    tool, *_ = auto.register_tools(None)  # type: ignore[arg-type]
    assert not (await run(tool, call, "true")).error
    assert "Not in the sandbox: bubblewrap" in await tool.preview(CommandArguments("true"), call)
    for plugin, then in ((required_one, "no command runs"), (auto, "commands run without one")):
        [said] = [await check() for check in plugin.register_checks().values()]
        assert then in said


async def test_a_workspace_that_holds_the_home_is_refused(tool: Any, call: Any, home: Path) -> None:
    call.workspace = type(call.workspace)(home)
    with pytest.raises(ToolError, match="holds a home folder"):
        await run(tool, call, "true")


async def test_the_preview_and_the_policies_are_told(tool: Any, call: Any, settings: Settings) -> None:
    arguments = CommandArguments("make")
    assert await tool.preview(arguments, call) == "make\n[In the sandbox: writes here alone, without network]"
    assert tool.confined(arguments)
    assert not (await sandboxed(call, settings, network=True)).confined(arguments)
    off = Plugin(Config()).register_tools(None)[0]  # type: ignore[arg-type]
    assert (await off.preview(arguments, call), off.confined(arguments)) == ("make", False)
