"""Somebody who watches a turn to its end, and answers what it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from pillion import Session
from pillion import events as e
from pillion.letters import Accepted

Asked = e.ApprovalWanted | e.QuestionAsked


async def attended(session: Session, accepted: Accepted, answer: Callable[[Asked], Awaitable[object]]) -> list[Asked]:
    """What was asked; `answer` is called with each at once."""
    asked: list[Asked] = []
    reader, ended = session.follow(accepted.after), False
    with trio.fail_after(100):
        while not ended:
            for frame in await reader.page():
                event = e.decode(frame.type, frame.data)
                if isinstance(event, Asked):
                    asked.append(event)
                    await answer(event)
                ended = ended or isinstance(event, e.TURN_ENDS)
    return asked


async def allowed(session: Session, wanted: e.ApprovalWanted) -> None:
    """For always, where there is a rule that says so."""
    await session.decide(wanted.approval, "allow", remember="always" if wanted.rule else "once")
