"""The compactor: a model sums up what is old, or, where none can, results are shortened and old messages left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import trio
from msgspec import structs

from pillion import Message, Text, Turn
from pillion.contracts.compactor import Conversation, Cut
from pillion.contracts.workspace import unsaved_of
from pillion.errors import NotShorter

from .decisions import decisions, line
from .transcript import texts, transcript
from .words import ASKED, EARLIER, GIVEN, summary_in, tidy, wording

TAIL = 2
"""Of what is to be left, the newest messages are one part in so many."""
DECIDED = OPEN = 4
"""Decisions, and the texts of open files, have one part in so many of it each, at most."""
SUMMED = 4
"""And the summary."""
LONGEST = 4_000
"""Tokens of a summary."""
SHORTEST = 200
RESULTS = (1_000, 200)
"""Characters that are left of an old result, tried in order; then old messages are left out."""
NEWEST = (4_000, 1_000, 200, 50)
"""The same of the newest ones, where those alone are too long."""
LARGE = 400_000
"""Tokens: from here on a thread puts the transcript together, since it is counted several times."""
READ = 0.8
"""The share of its window that the model which sums up is given to read."""


class Summing:
    """`at` and `to` are shares of the window: from the one on it becomes shorter, down to the other. `seconds`: in
    which the model has to have summed up."""

    def __init__(self, at: float, to: float, seconds: float) -> None:
        self.at, self._to, self._seconds = at, to, seconds

    async def compact(self, turn: Turn, long: Conversation) -> Cut:
        """Raises ProviderError, BudgetSpent, NotShorter."""
        goal = self._goal(long)
        start = _start(long, goal // TAIL)
        old = long.messages[long.now.messages : start]
        if not old:
            raise NotShorter("Nothing is old enough to be summed up.")
        summary, model = await self._summed(turn, long, old, goal)
        text = wording(_kept(long, start, goal), _open_files(turn, long, old, goal), summary)
        return structs.replace(_carried(long.now, start), messages=start, text=text, model=model)

    def cut(self, turn: Turn, long: Conversation) -> Cut:
        """The first way that leaves enough room; else the one that leaves most."""
        enough = long.window * (self.at + self._to) / 2
        best, least = long.now, long.size
        for cut in self._ways(turn, long):
            size = long.measure(cut)
            if size < least:
                best, least = cut, size
            if least <= enough:
                break
        return best

    def _goal(self, long: Conversation) -> int:
        """What is to be left. Of one that is short already, and made shorter since somebody asks, half."""
        return int(min(long.window * self._to, long.size / 2))

    async def _summed(self, turn: Turn, long: Conversation, old: Sequence[Message], goal: int) -> tuple[str, str]:
        """A summary, and who wrote it."""
        longest = max(SHORTEST, min(LONGEST, goal // SUMMED))
        model = turn.model_of("compact")
        count = turn.counter(model).count
        before = summary_in(long.now.text)
        earlier = EARLIER.format(before) if before else ""
        room = int((model.context - longest) * READ) - count(earlier) - count(ASKED)
        told = partial(transcript, old, room, count)
        large = sum(long.sizes[long.now.messages :]) > LARGE
        given = GIVEN.format(earlier, await trio.to_thread.run_sync(told, abandon_on_cancel=True) if large else told())
        try:
            with trio.fail_after(self._seconds):
                answer = await turn.complete(
                    [Message("user", (Text(given),))],
                    role="compact",
                    system=ASKED.format(words=longest * 2 // 3),
                    max_output=longest,
                )
        except trio.TooSlowError:
            raise NotShorter(f"No summary came within {self._seconds:g} s.") from None
        summary = tidy(answer.message.text)
        if not summary:
            raise NotShorter("The summary is empty.")
        return summary, answer.model

    def _ways(self, turn: Turn, long: Conversation) -> Iterator[Cut]:
        """Without a model, the gentlest first."""
        now, goal = long.now, self._goal(long)
        start = _start(long, goal // TAIL)
        for characters in RESULTS:
            yield _shortened(now, start, characters)
        files = _open_files(turn, long, long.messages[:start], goal)
        text = wording(_kept(long, start, goal), files, summary_in(now.text), unsummed=True)
        left = structs.replace(_carried(now, start), messages=start, text=text, model="")
        if start:
            yield left
        for characters in NEWEST:
            yield _shortened(left if start else now, len(long.messages), characters)
        if len(long.messages) - 1 not in long.task:
            text = wording(_kept(long, len(long.messages), goal), {}, summary_in(now.text), unsummed=True)
            yield Cut(len(long.messages), text)


def _start(long: Conversation, tokens: int) -> int:
    """Where the newest messages begin that have so many tokens together; at least the last ones stay."""
    last = next(start for start in reversed(long.starts) if start < len(long.messages))
    size, begin = 0, last
    for start in reversed(long.starts):
        size = sum(long.sizes[start:])
        if size > tokens:
            break
        begin = min(begin, start)
    return max(begin, long.now.messages)


def _carried(now: Cut, start: int) -> Cut:
    """What is shortened already stays so."""
    return Cut(shortened=now.shortened, characters=now.characters) if now.shortened > start else Cut()


def _shortened(cut: Cut, upto: int, characters: int) -> Cut:
    if cut.shortened:
        upto, characters = max(upto, cut.shortened), min(characters, cut.characters)
    return structs.replace(cut, shortened=upto, characters=characters)


def _kept(long: Conversation, start: int, goal: int) -> Mapping[str, str]:
    """The newest of each decision of what is left out, as many as fit; what was decided later stands behind it."""
    left, kept = goal // DECIDED, list[tuple[str, str]]()
    later = decisions(long.messages[start:])
    for key, said in reversed([*decisions(long.messages[:start]).items()]):
        left -= long.count(line(key, said))
        if left < 0:
            break
        if key not in later:
            kept.append((key, said))
    return dict(reversed(kept))


def _open_files(turn: Turn, long: Conversation, old: Sequence[Message], goal: int) -> Mapping[str, str | None]:
    """Texts that are unsaved in an editor and of which what is left out speaks."""
    unsaved = unsaved_of(turn.workspace)
    if not unsaved:
        return {}
    left = goal // OPEN
    files: dict[str, str | None] = {}
    for path, data in unsaved.items():
        if not any(path in part for part in texts(old)):
            continue
        text = data.decode()
        size = long.count(text)
        files[path] = text if size <= left else None
        left -= size if size <= left else 0
    return files
