"""The verdict on one line of the shell: each command and each file that is written must be allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pillion.contracts.tool import Effect
from pillion.pathpattern import fits

from .expanding import may_become
from .line import Command, Line, Risk
from .matching import begins_with, speaks_of
from .rule import Rule, Word
from .shell import read_line
from .survey import Survey
from .words import Word as Place

STRICTNESS: tuple[Word, ...] = ("allow", "ask", "deny")
NO_RULE = "no rule in the settings speaks of it"
HIDDEN = "it may run, read or write something that a rule forbids"


class Case(Struct, frozen=True):
    """A line, and the rules that speak of calls like it. `text` is what was written."""

    text: str
    line: Line
    survey: Survey
    effect: Effect
    rules: Sequence[Rule]
    defaults: Mapping[Effect, Word]


def strictest(words: Sequence[Word]) -> Word:
    return max(words, key=STRICTNESS.index)


def forbidden(case: Case) -> tuple[Rule | None, bool]:
    """The strictest rule that asks for or denies something in the line, and whether it may hold more of that kind."""
    found: list[Rule] = []
    maybe = False
    for rule in case.rules:
        if rule.verdict == "allow":
            continue
        fitting, unsure = _forbids(rule, case)
        found += [rule] if fitting else []
        maybe = maybe or unsure
    return max(found, key=lambda rule: STRICTNESS.index(rule.verdict), default=None), maybe


def _forbids(rule: Rule, case: Case) -> tuple[bool, bool]:
    named, maybe = True, False
    if rule.path:
        maybe = any(may_become(each, rule.path) for each in case.survey.unsure)
        places = [*case.survey.reads] if rule.effect in (None, "read") else []
        if rule.effect in (None, "write"):
            places += [place for place in case.survey.writes.values() if place is not None]
        named = any(fits(place, rule.path) for place in places)
    if not rule.command:
        return bool(rule.path) and named, maybe
    answers = [speaks_of(command, rule.prefix) for command in case.line.every()]
    return named and "yes" in answers, "maybe" in answers or bool(case.line.opaque)


def allowed(case: Case) -> tuple[Word, str]:
    """The word on the line where no rule forbids, and why it is not `allow`."""
    if any(_same_line(rule, case) for rule in case.rules):
        return "allow", ""
    unknown = case.line.opaque or case.survey.trouble
    words: list[tuple[Word, str]] = [(case.defaults[case.effect], unknown)] if unknown else []
    by_rule = False
    for command in case.line.commands:
        how = _covered(command, case)
        by_rule = by_rule or how == "rule"
        if how == "no":
            words.append((case.defaults[case.effect], _of(command, case)))
    for place in case.line.writes:
        if not _may_write(place, case):
            words.append((strictest(["ask", case.defaults["write"]]), f"it writes {place.text}"))
    words += [(case.defaults["read"], f"it reads {place.text}") for place in case.line.reads]
    if not by_rule:
        words.append((case.defaults[case.effect], NO_RULE))
    return max(words, key=lambda word: STRICTNESS.index(word[0]), default=("allow", ""))


def uncovered(case: Case) -> list[Command]:
    """The commands that no rule allows."""
    return [command for command in case.line.commands if _covered(command, case) == "no"]


def _of(command: Command, case: Case) -> str:
    if len(case.line.commands) == 1:
        return NO_RULE
    said = " ".join(each.text for each in command.words)
    return f"no rule in the settings speaks of `{said[:60]}{'…' if len(said) > 60 else ''}`"


def _same_line(rule: Rule, case: Case) -> bool:
    said = rule.verdict == "allow" and rule.exact and rule.command.strip() == case.text.strip()
    return said and not case.line.opaque and not case.survey.trouble


def _covered(command: Command, case: Case) -> str:
    """ "rule": by one, "harmless": by being so, or "no"."""
    for rule in case.rules:
        if rule.verdict != "allow" or not rule.command or rule.path:
            continue
        prefix = rule.prefix
        if rule.exact:
            if command.words == _only(rule.command):
                return "rule"
        elif begins_with(command.words, prefix) and _none_worse(command, len(prefix), case):
            return "rule"
    if not command.harmless:
        return "no"
    found = {_tolerable(risk, case) for risk in command.risks}
    return "no" if "no" in found else "rule" if "rule" in found else "harmless"


def _none_worse(command: Command, start: int, case: Case) -> bool:
    """Whether what its words from `start` on risk is allowed, too. What stands before is what the rule says."""
    return all(_tolerable(risk, case) != "no" for risk in command.risks if risk.at >= start)


def _tolerable(risk: Risk, case: Case) -> str:
    if risk.why:
        return "no"
    if risk.writes is not None:
        return "harmless" if _may_write(risk.writes, case) else "no"
    found = {_covered(command, case) for command in risk.runs}
    return "no" if "no" in found or not found else "rule" if "rule" in found else "harmless"


def _may_write(place: Place, case: Case) -> bool:
    where = case.survey.writes.get(place)
    if where is None:
        return False
    if case.defaults["write"] == "allow":
        return True
    rules = (rule for rule in case.rules if rule.verdict == "allow" and rule.path and not rule.command)
    return any(rule.effect in (None, "write") and fits(where, rule.path) for rule in rules)


def _only(command: str) -> object:
    """The words of a rule's command, where it is a single one."""
    line = read_line(command)
    return line.commands[0].words if len(line.commands) == 1 and not (line.writes or line.opaque) else None
