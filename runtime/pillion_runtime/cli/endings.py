"""The lines that close a run: why it ended, what it used, what it changed."""

from __future__ import annotations

from msgspec import Struct

from pillion.values import Limits, Usage

from . import exits
from .screen import clean, count, duration, money, one_line
from .shown import Decided, Over, Ran, Replied
from .transcript import Change

LONGEST = 4000
"""Characters of a reason that are shown."""
NAMED = 8
"""Changed files that the last line names."""


class Totals(Struct, frozen=True):
    """What a run has used and done. `seconds` is from prompt to end."""

    usage: Usage
    seconds: float
    files: dict[str, Change]


class Ending(Struct, frozen=True):
    """How a run ended: its exit code, a sentence on it where it is not simply done, and its totals."""

    code: int
    why: str
    totals: Totals


def code_of(over: Over) -> int:
    """The exit code for the turn's end."""
    match over:
        case Over(how="finished", reason=reason):
            return exits.LIMIT if reason.startswith("limit:") else exits.DONE
        case Over(how="failed", code=code):
            return exits.of_code(code)
        case Over(how="cancelled"):
            return exits.INTERRUPTED
        case _:
            return exits.FAILED


def answers_line(model: str, note: str) -> str:
    """Which model answers, and what to know of it."""
    return f"pillion: {model} answers: {note}" if note else f"pillion: {model} answers."


def ran_line(ran: Ran) -> str:
    """A finished call on one line."""
    how = f"failed: {one_line(ran.text, 160)}" if ran.error else "ok"
    return f"{ran.title}: {how} ({duration(ran.seconds)})" if ran.seconds else f"{ran.title}: {how}"


def decided_line(decided: Decided) -> str:
    """`Allowed by --yes.`, `Denied at the deadline.`"""
    who = {"flag": "by --yes", "deadline": "at the deadline", "cancel": "since the turn ends", "rule": "by a rule"}
    what = "Allowed" if decided.decision == "allow" else "Denied"
    return f"{what} {who.get(decided.by, 'by a ' + decided.by)}."


def replied_line(replied: Replied) -> str:
    """`Answered by a person: blue`, `Nobody answered: there is nobody to ask.`"""
    if replied.answer is not None:
        return f"Answered by a {replied.by}: {one_line(replied.answer)}"
    why = {
        "flag": "there is nobody to ask",
        "deadline": "its time is over",
        "cancel": "the turn ends",
        "break": "somebody broke in",
    }
    return f"No answer: {why.get(replied.by, 'by choice of the person')}."


def ending_lines(ending: Ending) -> list[str]:
    """Why it ended, where that is worth a line or more, and the totals."""
    why = clean(ending.why).strip()
    why = why if len(why) <= LONGEST else f"{why[:LONGEST]}…"
    return [f"pillion: {why}", totals_line(ending.totals)] if why else [totals_line(ending.totals)]


def ending(over: Over) -> str:
    """A sentence on an end that is not simply done; `""` for one that is."""
    match over:
        case Over(how="finished", reason="done" | "question" | ""):
            return ""
        case Over(how="finished", reason=reason) if reason.startswith("limit:"):
            limit = reason.removeprefix("limit:")
            if limit not in Limits.__struct_fields__:
                return f"The budget {limit} is used up."
            flag = ", or give a larger --max-steps," if limit == "steps" else ""
            return f"The limit of {limit} is reached; raise {limit!r} under [limits]{flag} to let it go on longer."
        case Over(how="finished", reason=reason):
            return f"It ended: {reason}."
        case Over(how="cancelled"):
            return "Cancelled."
        case Over(how="dropped", reason=reason):
            return f"The prompt did not run: {reason}"
        case Over(reason=reason):
            return reason or "The turn failed."


def totals_line(totals: Totals) -> str:
    """`1,234 tokens (1,100 in, 134 out) · $0.0123 · 3.2 s · 2 files changed: a.py (+3 -1), b.py (+2 -0)`."""
    usage = totals.usage
    cached = f", {usage.cached:,} cached" if usage.cached else ""
    files = count(len(totals.files), "file") + " changed"
    if totals.files:
        names = [f"{path} (+{change.added} -{change.removed})" for path, change in list(totals.files.items())[:NAMED]]
        files += ": " + ", ".join([*names, "…"] if len(totals.files) > NAMED else names)
    return " · ".join(
        (
            f"{count(usage.tokens, 'token')} ({usage.input:,} in{cached}, {usage.output:,} out)",
            money(usage.cost),
            duration(totals.seconds),
            clean(files),
        )
    )
