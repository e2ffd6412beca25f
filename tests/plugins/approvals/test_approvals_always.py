"""What `always` would write for a call, and that just calls like it run from then on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec import Struct

from pillion import events as e
from pillion.contracts.policy import Allow, Ask, JudgedCall
from pillion.errors import ConfigError, Conflict
from pillion.localworkspace import LocalWorkspace
from pillion.settings import Settings, load
from pillion.testing.kit import FunctionTool, PolicyPlugin, events, kernel_host
from pillion.testing.scripted import calls, says
from pillion_approvals.plugin import Config, Plugin
from pillion_approvals.rule import Rule


class Command(Struct, frozen=True):
    command: str


class Write(Struct, frozen=True):
    path: str


class Fetch(Struct, frozen=True):
    url: str


def call(folder: Path, arguments: Any) -> JudgedCall:
    tool, effect = {Command: ("run", "execute"), Write: ("write", "write"), Fetch: ("fetch", "network")}[
        type(arguments)
    ]
    return JudgedCall("s", "t", tool, effect, arguments, LocalWorkspace(folder), False)  # type: ignore[arg-type]


def policy(*rules: Rule) -> Any:
    return Plugin(Config(rules=rules)).register_policies(None)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "rule", "covered", "others"),
    [
        (Command("git status -s"), {"command": "git status"}, ["git status", "git status x"], ["git push"]),
        (Command("make all"), {"command": "make all", "exact": True}, ["make  all"], ["make all install", "make"]),
        (Command("echo 'a b'"), {"command": "echo 'a b'", "exact": True}, ["echo 'a b'"], ["echo a b"]),
        (
            Command("git status && rm x"),
            {"command": "git status && rm x", "exact": True},
            [" git status && rm x"],
            ["git status && rm x y", "rm x", "git status '&&' rm x", "git status"],
        ),
        (
            Command("cd a && git status"),
            {"command": "git status"},
            ["git status x", "true && git status"],
            ["git push"],
        ),
        (Command("make > x"), {"command": "make > x", "exact": True}, ["make > x"], ["make", "make > y", "make '>' x"]),
        (Command("true && make x"), {"command": "make x", "exact": True}, ["make x"], ["make", "make x y"]),
        (Command("sed -i p a"), {"command": "sed -i p a", "exact": True}, ["sed -i p a"], ["sed -i p b", "sed p a"]),
        (Command("ls *.py"), {"command": "ls *.py", "exact": True}, ["ls *.py"], ["ls '*.py'", "ls *.p"]),
        (Command("eval x"), None, [], []),
        (Command("FOO=1 make"), {"command": "FOO=1 make", "exact": True}, ["FOO=1 make"], ["make", "FOO=1 make x"]),
        (Command(" "), None, [], []),
        (Command("cat $HOME/x"), None, [], []),
        (Write("src/deep/a.py"), {"path": "src/deep/**"}, ["src/deep/b.py"], ["src/b.py", "x/src/deep/b.py"]),
        (Write("a.py"), {"path": "a.py"}, ["a.py"], ["b.py"]),
        (Write("src/*.py"), None, [], []),
        (Fetch("http://x"), {}, ["http://y"], []),
    ],
)
async def test_the_rule_covers_what_it_shows_and_no_more(
    folder: Path, arguments: Any, rule: dict[str, Any] | None, covered: list[str], others: list[str]
) -> None:
    judge = policy()
    verdict = await judge.decide(call(folder, arguments))
    if rule is None:
        assert verdict.rule == {}
        return
    tool = call(folder, arguments).tool
    assert verdict.rule == {"verdict": "allow", "tool": tool, "workspace": str(folder)} | rule
    judge.learn(verdict.rule)
    kinds = {kind: [type(await judge.decide(call(folder, type(arguments)(text)))) for text in texts]
             for kind, texts in ((Allow, covered), (Ask, others))}  # fmt: skip
    assert all(set(found) <= {kind} for kind, found in kinds.items())
    (folder / "inner").mkdir()
    assert isinstance(await judge.decide(call(folder.parent, arguments)), Ask)


@pytest.mark.parametrize("rule", [Rule("ask", tool="run"), Rule("deny", tool="run", command="rm")])
async def test_no_rule_is_shown_that_would_not_help(folder: Path, rule: Rule) -> None:
    verdict = await policy(rule, Rule("ask", command="git status")).decide(call(folder, Command("git status")))
    assert (type(verdict), verdict.rule) == (Ask, {})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule("deny", command="x", exact=True), "no use for `exact`"),
        (Rule("allow", workspace="lantern"), "absolute path"),
    ],
)
def test_a_rule_that_can_not_be_meant_is_refused(rule: Rule, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Plugin(Config(rules=(rule,)))


# ── through a session ──


def users(folder: Path, file: Path) -> Settings:
    flags = {"defaults.strategy": "loop"}
    return load(config=file, data_dir=folder, flags=flags, environ={"PATH": "/usr/bin:/bin"}, shipped=False)


async def wrote(arguments: Any, call: Any) -> str:
    return "written"


async def wanted(session: Any, number: int) -> e.ApprovalWanted:
    """The approval with that number, from 0."""
    reader, found = session.follow(), []
    with trio.fail_after(20):
        while True:
            for frame in await reader.page():
                event = e.decode(frame.type, frame.data)
                found += [event] if isinstance(event, e.ApprovalWanted) else []
            if len(found) > number:
                return found[number]


def asks(path: str) -> Any:
    return calls(("write", f'{{"path": "{path}"}}'))


@pytest.mark.promise("approvals.always")
async def test_always_writes_the_rule_that_was_shown_and_it_counts_at_once(tmp_path: Path) -> None:
    file, work = tmp_path / "mine.toml", tmp_path / "work"
    file.write_text("# mine\n[plugins]\n")
    work.mkdir()
    tool = FunctionTool("write", wrote, effect="write", arguments=Write)
    options = {"settings": users(tmp_path, file), "plugins": {"approvals": Plugin(Config())}}
    async with kernel_host(work, tool, **options) as host:
        host.provider.script(asks("src/a"), asks("src/b"), asks("c"), says("done"))
        session = await host.open()
        await session.prompt("go")
        approval = await wanted(session, 0)
        assert approval.rule == {"verdict": "allow", "tool": "write", "path": "src/**", "workspace": str(work)}
        await session.decide(approval.approval, "allow", remember="always")
        second = await wanted(session, 1)
        assert second.preview == '{"path": "c"}'
        await session.decide(second.approval, "allow")
        await session.idle()
        decided = [event.remember for event in await events(session) if isinstance(event, e.ApprovalDecided)]
        assert decided == ["always", "once"]
    assert file.read_text().startswith("# mine\n")
    assert tomllib.loads(file.read_text())["plugins"]["approvals"]["rules"] == [approval.rule]


@pytest.mark.promise("approvals.always")
async def test_what_can_not_be_written_leaves_the_approval_open(tmp_path: Path) -> None:
    file, work = tmp_path / "mine.toml", tmp_path / "work"
    file.write_text("")
    work.mkdir()
    tool = FunctionTool("write", wrote, effect="write", arguments=Write)
    options = {"settings": users(tmp_path, file), "plugins": {"approvals": Plugin(Config())}}
    async with kernel_host(work, tool, **options) as host:
        host.provider.script(asks("src/a"), says("done"))
        session = await host.open()
        await session.prompt("go")
        approval = await wanted(session, 0)
        file.write_text("[broken")
        with pytest.raises(ConfigError, match="Mend it first"):
            await session.decide(approval.approval, "allow", remember="always")
        with pytest.raises(ConfigError, match="Only `allow`"):
            await session.decide(approval.approval, "deny", remember="always")
        await session.decide(approval.approval, "allow")
        with pytest.raises(Conflict):
            await session.decide(approval.approval, "allow", remember="always")
    assert file.read_text() == "[broken"


async def test_two_at_once_are_one_answer(tmp_path: Path) -> None:
    file, work = tmp_path / "mine.toml", tmp_path / "work"
    file.write_text("")
    work.mkdir()
    tool = FunctionTool("write", wrote, effect="write", arguments=Write)
    options = {"settings": users(tmp_path, file), "plugins": {"approvals": Plugin(Config())}}
    outcomes: list[str] = []
    async with kernel_host(work, tool, **options) as host:
        host.provider.script(asks("src/a"), says("done"))
        session = await host.open()
        await session.prompt("go")
        approval = await wanted(session, 0)

        async def decide(remember: Any, decision: Any) -> None:
            try:
                await session.decide(approval.approval, decision, remember=remember)
                outcomes.append(f"{decision} {remember}")
            except Conflict:
                outcomes.append("conflict")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(decide, "always", "allow")
            nursery.start_soon(decide, "always", "allow")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(decide, "once", "deny")
        await session.idle()
    assert sorted(outcomes) == ["allow always", "conflict", "conflict"]
    assert file.read_text().count("[[plugins.approvals.rules]]") == 1


@pytest.mark.parametrize("why", ["no file", "inside the workspace", "a second policy asks"])
async def test_where_no_rule_helps_none_is_shown(tmp_path: Path, why: str) -> None:
    class Careful:
        async def decide(self, call: JudgedCall) -> Ask:
            return Ask("careful", {"tool": "write"})

    file = tmp_path / "mine.toml"
    file.write_text("")
    work = tmp_path if why == "inside the workspace" else tmp_path / "work"
    work.mkdir(exist_ok=True)
    tool = FunctionTool("write", wrote, effect="write", arguments=Write)
    plugins = {"approvals": Plugin(Config())} | ({"x": PolicyPlugin(Careful())} if "second" in why else {})
    options: dict[str, Any] = {} if why == "no file" else {"settings": users(tmp_path, file)}
    async with kernel_host(work, tool, plugins=plugins, **options) as host:
        host.provider.script(asks("src/a"), says("done"))
        session = await host.open()
        await session.prompt("go")
        approval = await wanted(session, 0)
        assert approval.rule == {}
        with pytest.raises(ConfigError, match="No rule can be written"):
            await session.decide(approval.approval, "allow", remember="always")
        await session.cancel()
