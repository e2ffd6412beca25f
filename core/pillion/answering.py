"""A turn's model call, from whoever of a role's models answers first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs

from .contracts.provider import Caller, Request
from .errors import ContextOverflow, ProviderError
from .fallback import Bench
from .modelcall import Answer, ModelCall, WholeCall
from .values import ModelInfo
from .window import Shorter

if TYPE_CHECKING:
    from .turn import Turn

HOTTEST = 1.0
"""To which a temperature is raised at most: what every vendor takes."""


async def answered(
    turn: Turn,
    bench: Bench,
    request: Request,
    role: str,
    begin: Callable[[], ModelCall | WholeCall],
    shorter: Shorter | None = None,
    *,
    raised: float = 0.0,
) -> Answer:
    """The answer of the first model that gives one, its temperature `raised` by so much. The log tells of each that
    does not, and what it used.

    What is too long for them is sent again, once, as `shorter` gives it. Raises ProviderError, BudgetSpent.
    """
    request = structs.replace(request, caller=Caller(turn.session.id, turn.id, role, turn.session.root.id))
    asking, told = bench.call(), 0
    while True:
        call, model = begin(), asking.now.model
        for passed in asking.passed[told:]:
            await call.passed_over(passed, model.name)
        told = len(asking.passed)
        try:
            answer = await call.run(asking.now.provider, _fitting(request, model, raised), model)
        except ProviderError as error:
            turn.budget.spend(call.usage)
            try:
                asking.next_after(error)
            except ContextOverflow as overflow:
                if shorter is None:
                    raise
                await call.give_up(str(error))
                request = structs.replace(request, messages=await shorter.messages(model, overflow))
                asking, told = bench.call(), 0
            else:
                await call.give_up(str(error))
        else:
            turn.budget.spend(answer.usage)
            asking.answered()
            return answer


def _fitting(request: Request, model: ModelInfo, raised: float) -> Request:
    """The request as that model can take it."""
    longest = None if request.max_output is None else min(request.max_output, model.output)
    own = model.temperature
    warm = min(own + raised, max(own, HOTTEST)) if own is not None and raised else None
    return structs.replace(request, model=model.name, max_output=longest, temperature=warm)
