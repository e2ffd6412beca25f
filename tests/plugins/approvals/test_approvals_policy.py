"""The policy's verdicts, over rules, paths and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pillion.contracts.policy import Allow, Ask, Deny, JudgedCall, Verdict
from pillion.errors import ConfigError
from pillion.localworkspace import LocalWorkspace
from pillion.pathpattern import fits
from pillion_approvals.plugin import Config, Plugin
from pillion_approvals.rule import Rule


class Command(Struct, frozen=True):
    command: str
    folder: str = ""
    shell: str = ""


class Typed(Struct, frozen=True):
    text: str
    terminal: int = 7


class Write(Struct, frozen=True):
    path: str


async def judge(
    folder: Path, arguments: Any, *rules: Rule, effect: Any = None, confined: bool = False, **settings: Any
) -> type[Verdict]:
    tool = "run_command" if isinstance(arguments, Command) else "write_file"
    effect = effect or ("execute" if isinstance(arguments, Command) else "write")
    call = JudgedCall("s", "t", tool, effect, arguments, LocalWorkspace(folder), False, confined)
    [policy] = Plugin(Config(rules=rules, **settings)).register_policies(None)  # type: ignore[arg-type]
    verdict = await policy.decide(call)
    assert verdict is not None
    return type(verdict)


@pytest.mark.parametrize(("effect", "verdict"), [("read", Allow), ("write", Ask), ("execute", Ask), ("network", Ask)])
async def test_defaults(folder: Path, effect: str, verdict: type) -> None:
    assert await judge(folder, Write("a"), effect=effect) is verdict
    assert await judge(folder, Write("a"), effect=effect, **{effect: "deny"}) is Deny


async def test_the_strictest_of_the_fitting_rules_decides(folder: Path) -> None:
    allow, ask, deny = Rule("allow", tool="write_file"), Rule("ask", path="*.py"), Rule("deny", path="secrets")
    assert await judge(folder, Write("a.txt"), allow, ask, deny) is Allow
    assert await judge(folder, Write("a.py"), allow, ask, deny) is Ask
    assert await judge(folder, Write("x/secrets/a.py"), deny, ask, allow) is Deny
    assert await judge(folder, Write("a.txt"), Rule("allow", tool="other"), Rule("deny", effect="read")) is Ask


async def test_a_link_does_not_hide_where_it_leads(folder: Path) -> None:
    (folder / "secrets").mkdir()
    (folder / "innocent").symlink_to("secrets")
    rules = Rule("allow", path="innocent/**"), Rule("deny", path="secrets/**")
    assert await judge(folder, Write("innocent/new/file"), *rules) is Deny
    assert await judge(folder, Write("x/../secrets/file"), *rules) is Deny
    assert await judge(folder, Write(f"{folder}/secrets/file"), *rules) is Deny


class Several(Struct, frozen=True):
    files: tuple[Write | str, ...]
    path: str = ""


async def test_each_of_several_files_is_judged(folder: Path) -> None:
    rules = Rule("allow", path="*.py"), Rule("deny", path="secrets")
    for files, verdict in [
        ((Write("a.py"), "b.py"), Allow),
        ((Write("a.py"), Write("secrets/b.py")), Deny),
        ((Write("a.py"), Write("b.txt")), Ask),
    ]:
        assert await judge(folder, Several(files), *rules) is verdict


GIT = Rule("allow", tool="run_command", command="git status")


@pytest.mark.parametrize(
    "command",
    [
        "git status", "git status -s", "  git   status 'a b'", '"git" status', "git status; git status", "(git status)",
        "git status < x", "git status \\\n x", "! git status", "{ git status; }", "git status <<x\nx",
    ],
)  # fmt: skip
async def test_a_line_of_commands_with_the_prefix_is_allowed(folder: Path, command: str) -> None:
    assert await judge(folder, Command(command), GIT) is Allow


@pytest.mark.parametrize(
    "command",
    [
        "git", "git statusx", "git push", "git status && rm x", "git status; rm x",
        "git status | sh", "git status & rm x",
        "git status $(rm x)", "git status `rm x`", "git status > x",
        "git status\nrm x", "git status\rrm x",
        "git status <(rm x)", "GIT_PAGER=sh git status", "git status 'x",
        "git status ${x}", "git status #x\nrm x", "eval git status",
        "git status <<x\n$(rm x)\nx", "", "true", "cd .", "git\0 status",
    ],
)  # fmt: skip
async def test_whatever_a_rule_does_not_name_is_asked_for(folder: Path, command: str) -> None:
    assert await judge(folder, Command(command), GIT) is Ask


RM = Rule("deny", command="rm -rf")


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf x", "r\\m -rf x", "/bin/rm -rf x", "ls && rm -rf x", "ls; rm -rf x",
        "ls | rm -rf x", "ls & rm -rf x", "ls\nrm -rf x",
        "echo $(rm -rf x)", "echo `rm -rf x`", "(rm -rf x)", "{ rm -rf x; }", "A=1 rm -rf x", "sudo rm -rf x",
        "env -i A=1 rm -rf x", "bash -c 'rm -rf x'", 'sh -c "ls; rm -rf x"', "r'm' -rf x", "if true; then rm -rf x; fi",
        "cat <(rm -rf x)", "! rm -rf x", "timeout 5 rm -rf x", "find . -exec rm -rf {} +", "echo 'a' \"b\" || rm -rf x",
    ],
)  # fmt: skip
async def test_a_denied_command_is_found_wherever_it_stands(folder: Path, command: str) -> None:
    assert await judge(folder, Command(command), RM, Rule("allow", effect="execute")) is Deny


@pytest.mark.parametrize(
    "command",
    ["$X -rf x", 'eval "$y"', "base64 -d x | sh", "echo 'x", "x" * 40_000, "rm $x", "(" * 3_000, "a|" * 10_000],
)
async def test_what_could_hide_a_denied_command_is_asked_for(folder: Path, command: str) -> None:
    assert await judge(folder, Command(command), RM, Rule("allow", effect="execute")) is Ask
    assert await judge(folder, Command(command), Rule("allow", effect="execute")) is Allow


async def test_harmless_neighbours_stay_allowed(folder: Path) -> None:
    for command in ("rm x", "echo rm -rf x", "git rm -rf x", "ls && make test"):
        assert await judge(folder, Command(command), RM, Rule("allow", effect="execute")) is Allow


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        ("*.py", "a.py", True), ("*.py", "x/y/a.py", True), ("/*.py", "a.py", True), ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/x/a.py", False), ("src/**", "src/x/a.py", True), ("src/**/a.py", "src/a.py", True),
        ("src", "src/x", True), ("src", "srcx", False), ("docs/", "docs/a", True), ("**/a?c", "x/abc", True),
        ("a.c", "abc", False), ("src/**", "other/src/x", False), ("[x]", "x", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, path: str, covers: bool) -> None:
    assert fits(path, pattern) is covers


async def test_what_is_written_is_judged_as_a_write(folder: Path) -> None:
    rules = GIT, Rule("allow", path="docs/**"), Rule("deny", path="*.key", effect="write")
    assert await judge(folder, Command("git status > docs/a"), *rules) is Allow
    (folder / "docs").mkdir()
    assert await judge(folder, Command("git status > a", "docs"), *rules) is Allow
    assert await judge(folder, Command("git status > docs/a.key"), *rules) is Deny
    assert await judge(folder, Command("git status > x"), *rules, write="allow") is Allow
    for outside in ("/tmp/x", "../x", ".git/hooks/pre-commit", "$x", "docs/$x"):
        assert await judge(folder, Command(f"git status > {outside}"), *rules, write="allow") is Ask


async def test_a_rule_for_files_allows_no_command_in_their_folder(folder: Path) -> None:
    (folder / "docs").mkdir()
    assert await judge(folder, Command("make", "docs"), Rule("allow", path="docs/**")) is Ask
    assert await judge(folder, Command("make", "docs"), Rule("allow", path="docs", effect="execute")) is Allow


async def test_what_is_allowed_by_default_is_not_when_it_could_hide_what_is_denied(folder: Path) -> None:
    assert await judge(folder, Command("make"), RM, execute="allow") is Allow
    assert await judge(folder, Command("$X -rf x"), RM, execute="allow") is Ask


@pytest.mark.parametrize("rule", [Rule("deny", command="a 'b"), Rule("deny", command=" "), Rule("deny", path="../x")])
def test_a_rule_that_means_nothing_is_a_config_error(rule: Rule) -> None:
    with pytest.raises(ConfigError):
        Plugin(Config(rules=(rule,)))


async def test_a_command_in_the_sandbox_is_asked_for_unless_the_settings_say_otherwise(folder: Path) -> None:
    for sandboxed, confined, verdict in (("ask", True, Ask), ("allow", False, Ask), ("allow", True, Allow)):
        assert await judge(folder, Command("make > x"), confined=confined, sandboxed=sandboxed) is verdict
    assert await judge(folder, Command("make"), confined=True, sandboxed="allow", execute="deny") is Deny
    assert await judge(folder, Command("rm -rf x"), RM, confined=True, sandboxed="allow") is Deny
    assert await judge(folder, Command("eval $x"), RM, confined=True, sandboxed="allow") is Ask
    assert await judge(folder, Write("x"), confined=True, sandboxed="allow") is Ask


async def test_in_a_shell_that_stays_its_folder_is_not_known(folder: Path) -> None:
    rules = GIT, Rule("allow", command="ls"), Rule("allow", effect="write", path="docs/**")
    assert await judge(folder, Command("ls", shell="main"), *rules) is Allow
    for line in ("git status", "ls > docs/a"):
        assert await judge(folder, Command(line), *rules) is Allow
        assert await judge(folder, Command(line, shell="main"), *rules) is Ask
    assert await judge(folder, Command(f"ls > {folder}/docs/a", shell="main"), *rules) is Allow


async def test_what_is_typed_is_judged_as_a_line_and_may_always_be_more(folder: Path) -> None:
    allow, deny = Rule("allow", tool="terminal_write"), Rule("deny", command="rm -rf")

    async def typed(text: str, *rules: Rule) -> Verdict:
        call = JudgedCall("s", "t", "terminal_write", "execute", Typed(text), LocalWorkspace(folder), False)
        [policy] = Plugin(Config(rules=rules)).register_policies(None)  # type: ignore[arg-type]
        verdict = await policy.decide(call)
        assert verdict is not None
        return verdict

    assert isinstance(await typed("echo; rm -rf ~", allow, deny), Deny)
    assert isinstance(await typed("y", allow), Allow)
    assert isinstance(await typed("m -rf ~", allow, deny), Ask), "it may be the end of what was typed before"
    for text in ("y", ""):
        verdict = await typed(text, Rule("allow", command="y"))
        assert isinstance(verdict, Ask) and not verdict.rule, "one answer must not open all that can be typed"
