"""The policy: of the rules that fit a call the strictest decides; where none fits, the default of the call's effect."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from pillion.contracts.policy import Allow, Ask, Deny, JudgedCall, Verdict
from pillion.contracts.tool import Effect

from .commands import begins_with, is_opaque, may_hold, simple_words
from .paths import fits, real_place

Word = Literal["allow", "ask", "deny"]
_STRICTNESS: tuple[Word, ...] = ("allow", "ask", "deny")
_NO_RULE = "no rule in the settings speaks of it"
_PATH_FIELDS = ("path", "folder", "file", "source", "target")


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Fits a call when all that it names fits. `path` is a pattern, `command` the words a command begins with.

    With `command`, `allow` fits only a single simple command; `ask` and `deny` fit any command in a line of them.
    With `path`, `allow` fits when each path of the call does; `ask` and `deny` when one does.
    """

    verdict: Word
    tool: str = ""
    effect: Effect | None = None
    path: str = ""
    command: str = ""
    reason: str = ""


class Rules:
    """Judges by `rules`, else by `defaults`."""

    def __init__(self, rules: Sequence[Rule], defaults: Mapping[Effect, Word]) -> None:
        self._rules = [(rule, shlex.split(rule.command)) for rule in rules]
        self._defaults = defaults

    async def decide(self, call: JudgedCall) -> Verdict:
        places = [await real_place(call.workspace, path) for path in _paths(call.arguments)]
        command = getattr(call.arguments, "command", None)
        command = command if isinstance(command, str) else None
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
        return words is not None and begins_with(words, prefix)
    return may_hold(command, prefix)


def _paths(arguments: Any) -> list[str]:
    values = (getattr(arguments, name, None) for name in _PATH_FIELDS)
    return [value for value in values if isinstance(value, str)]


def _verdict(word: Word, reason: str) -> Verdict:
    match word:
        case "allow":
            return Allow(reason)
        case "ask":
            return Ask(reason)
        case "deny":
            return Deny(reason)
