"""The policy: of the rules that fit a call the strictest decides; where none fits, the default of the call's effect."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from pillion.contracts.policy import Allow, Ask, Deny, JudgedCall, Verdict
from pillion.contracts.tool import Effect
from pillion.contracts.workspace import origin_of
from pillion.pathpattern import fits

from .judge import HIDDEN, NO_RULE, STRICTNESS, Case, allowed, forbidden, uncovered
from .paths import real_place
from .proposal import proposals
from .rule import Rule, Word
from .shell import read_line
from .survey import survey

_BY_RULE = "a rule in the settings says so"
TYPED = "what is typed goes to a program that may run anything"
_PATH_FIELDS = ("path", "folder", "file", "source", "target")


class Rules:
    """Judges by `rules`, else by `defaults`. What is asked for by default can be allowed from then on."""

    def __init__(
        self, rules: Sequence[Rule], defaults: Mapping[Effect, Word], *, sandboxed: Literal["allow", "ask"] = "ask"
    ) -> None:
        self._rules = list(rules)
        self._defaults = defaults
        self._sandboxed = sandboxed

    def learn(self, rule: Mapping[str, Any]) -> None:
        """One more rule, as it now stands in the user's settings."""
        self._rules.append(msgspec.convert(rule, Rule))

    async def decide(self, call: JudgedCall) -> Verdict:
        rules = [rule for rule in self._rules if _speaks_of(rule, call)]
        places = [await real_place(call.workspace, path) for path in _paths(call.arguments)]
        case = await self._case(call, rules)
        verdict = self._judge(call, rules, places, case)
        if isinstance(verdict, Ask):
            for rule in proposals(call, places, case, uncovered(case) if case is not None else []):
                more = [*rules, rule]
                again = msgspec.structs.replace(case, rules=more) if case is not None else None
                if isinstance(self._judge(call, more, places, again), Allow):  # else `always` would ask again
                    said = msgspec.to_builtins(rule)
                    said["verdict"] = said.pop("verdict")  # what it is about comes first
                    return Ask(verdict.reason, said)
        return verdict

    def _by_default(self, call: JudgedCall) -> Mapping[Effect, Word]:
        """What happens where no rule fits. A command in the sandbox writes to the workspace in any case."""
        fitting = call.confined and call.effect == "execute" and self._defaults["execute"] == "ask"
        if not fitting or self._sandboxed != "allow":
            return self._defaults
        return {key: "allow" if key in ("execute", "write") and word == "ask" else word
                for key, word in self._defaults.items()}  # fmt: skip

    async def _case(self, call: JudgedCall, rules: Sequence[Rule]) -> Case | None:
        """Of a call that gives the shell a `command` to run, or a running program `text` that it may run."""
        command, text = (getattr(call.arguments, name, None) for name in ("command", "text"))
        if isinstance(command, str):
            line = read_line(command)
        elif isinstance(text, str) and call.effect == "execute":
            command, line = text, msgspec.structs.replace(read_line(text), opaque=TYPED)
        else:
            return None
        guarded = any(rule.path and rule.verdict != "allow" and rule.effect in (None, "read") for rule in rules)
        found = await survey(call, line, reads=guarded)
        lines = [rule for rule in self._rules if _by_line(rule, call)]
        return Case(command, line, found, call.effect, lines, self._by_default(call))

    def _judge(self, call: JudgedCall, rules: Sequence[Rule], places: Sequence[str], case: Case | None) -> Verdict:
        fitting = [rule for rule in rules if not rule.command and _fits(rule, call, places, line=case is not None)]
        hidden = False
        if case is not None:
            forbids, hidden = forbidden(case)
            fitting += [forbids] if forbids is not None else []
        if fitting:
            rule = max(fitting, key=lambda rule: STRICTNESS.index(rule.verdict))
            word, reason = rule.verdict, rule.reason or _BY_RULE
        elif case is not None:
            word, reason = allowed(case)
        else:
            word, reason = self._by_default(call)[call.effect], NO_RULE
        if word == "allow" and hidden:
            return Ask(HIDDEN)
        return _verdict(word, reason or _BY_RULE)


def _speaks_of(rule: Rule, call: JudgedCall) -> bool:
    return _by_line(rule, call) and rule.effect in (None, call.effect)


def _by_line(rule: Rule, call: JudgedCall) -> bool:
    """Whether it speaks of such calls, or of what a line of the shell reads and writes."""
    if rule.workspace:
        folder, root = Path(rule.workspace).expanduser(), Path(origin_of(call.workspace))
        if not (root.is_relative_to(folder) or root.resolve().is_relative_to(folder.resolve())):
            return False
    if rule.command and rule.effect not in (None, call.effect):
        return False
    return rule.tool in ("", call.tool) and (not rule.host or _of_host(rule, call))


def _of_host(rule: Rule, call: JudgedCall) -> bool:
    """By `host` of the arguments, which is as the tool itself reads them, with a port that is not the usual one."""
    host = getattr(call.arguments, "host", None)
    if not isinstance(host, str):
        return False
    names = {host} if rule.verdict == "allow" else {host, re.sub(r":\d+$", "", host)}
    return any(name == rule.host or (rule.host[:2] == "*." and name.endswith(rule.host[1:])) for name in names)


def _fits(rule: Rule, call: JudgedCall, places: Sequence[str], *, line: bool) -> bool:
    """A rule without `command`, by the paths in the call's arguments."""
    if not rule.path:
        return True
    found = [fits(place, rule.path) for place in places]
    if rule.verdict != "allow":
        return any(found)
    if line and not (rule.tool or rule.effect):
        return False  # it is about files, not about what is run in a folder
    return bool(found) and all(found)


def _paths(arguments: Any) -> list[str]:
    """Also of what the arguments list as `files`; those that take a path or such a list have "" for the path then."""
    named = [value for name in _PATH_FIELDS if isinstance(value := getattr(arguments, name, None), str)]
    files = getattr(arguments, "files", None) or ()
    listed = [path for one in files for path in ([one] if isinstance(one, str) else _paths(one))]
    return [path for path in named if path or not listed] + listed


def _verdict(word: Word, reason: str) -> Verdict:
    match word:
        case "allow":
            return Allow(reason)
        case "ask":
            return Ask(reason)
        case "deny":
            return Deny(reason)
