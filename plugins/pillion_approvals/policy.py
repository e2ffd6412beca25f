"""The policy: of the rules that fit a call the strictest decides; where none fits, the default of the call's effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pillion.contracts.policy import Allow, Ask, Deny, JudgedCall, Verdict
from pillion.contracts.tool import Effect
from pillion.pathpattern import fits

from .commands import begins_with, is_opaque, may_hold, simple_words
from .paths import real_place
from .proposal import proposal
from .rule import Rule, Word

_STRICTNESS: tuple[Word, ...] = ("allow", "ask", "deny")
_NO_RULE = "no rule in the settings speaks of it"
_PATH_FIELDS = ("path", "folder", "file", "source", "target")


class Rules:
    """Judges by `rules`, else by `defaults`. What is asked for by default can be allowed from then on."""

    def __init__(self, rules: Sequence[Rule], defaults: Mapping[Effect, Word]) -> None:
        self._rules = [(rule, rule.prefix) for rule in rules]
        self._defaults = defaults

    def learn(self, rule: Mapping[str, Any]) -> None:
        """One more rule, as it now stands in the user's settings."""
        learned = msgspec.convert(rule, Rule)
        self._rules.append((learned, learned.prefix))

    async def decide(self, call: JudgedCall) -> Verdict:
        places = [await real_place(call.workspace, path) for path in _paths(call.arguments)]
        command = getattr(call.arguments, "command", None)
        command = command if isinstance(command, str) else None
        verdict = self._judge(call, places, command)
        if isinstance(verdict, Ask) and (rule := proposal(call, places, command)) is not None:
            with_it = Rules([*(known for known, _ in self._rules), rule], self._defaults)
            if isinstance(with_it._judge(call, places, command), Allow):  # else `always` would ask again
                said = msgspec.to_builtins(rule)
                said["verdict"] = said.pop("verdict")  # what it is about comes first
                return Ask(verdict.reason, said)
        return verdict

    def _judge(self, call: JudgedCall, places: Sequence[str], command: str | None) -> Verdict:
        fitting = [rule for rule, prefix in self._rules if _fits(rule, prefix, call, places, command)]
        if not fitting:
            return _verdict(self._defaults[call.effect], _NO_RULE)
        strictest = max(fitting, key=lambda rule: _STRICTNESS.index(rule.verdict))
        if strictest.verdict == "allow" and command is not None and self._could_hide(call, command):
            return Ask("it may run something that a rule forbids")
        return _verdict(strictest.verdict, strictest.reason or "a rule in the settings says so")

    def _could_hide(self, call: JudgedCall, command: str) -> bool:
        guarded = any(rule.command and rule.verdict != "allow" and _fits_call(rule, call) for rule, _ in self._rules)
        return guarded and is_opaque(command)


def _fits_call(rule: Rule, call: JudgedCall) -> bool:
    if rule.workspace:
        folder, root = Path(rule.workspace).expanduser(), call.workspace.root
        if not (root.is_relative_to(folder) or root.resolve().is_relative_to(folder.resolve())):
            return False
    return rule.tool in ("", call.tool) and rule.effect in (None, call.effect)


def _fits(rule: Rule, prefix: Sequence[str], call: JudgedCall, places: Sequence[str], command: str | None) -> bool:
    if not _fits_call(rule, call):
        return False
    if rule.path:
        found = [fits(place, rule.path) for place in places]
        if not (bool(found) and all(found) if rule.verdict == "allow" else any(found)):
            return False
    if not rule.command:
        return True
    if command is None:
        return False
    if rule.verdict == "allow":
        words = simple_words(command)
        return words is not None and (words == prefix if rule.exact else begins_with(words, prefix))
    return may_hold(command, prefix)


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
