"""A model's answer as a value of a type: the type is the schema, and what does not fit is asked for once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from .answerschema import AnswerSchema, Misfit
from .errors import BadAnswer
from .modelcall import Answer
from .values import Message, Text

T = TypeVar("T", bound=Struct)
FORM = "Now give your answer as JSON alone, with no word around it. It must fit this JSON Schema:\n{}"
MISFIT = "That does not fit. {} Give the whole JSON once more, and nothing else."
Ask = Callable[[Sequence[Message], dict[str, Any]], Awaitable[Answer]]
"""Messages and a schema -> the model's answer, held to the schema where its provider can."""


async def typed(kind: type[T], schema: dict[str, Any], messages: Sequence[Message], ask: Ask) -> T:
    """The answer as a `kind`. Raises BadAnswer when the second one does not fit either."""
    checked = AnswerSchema(schema)
    form = FORM.format(msgspec.json.encode(schema).decode())
    said = [*messages, Message("user", (Text(form),))]
    why = ""
    for _ in range(2):
        answer = await ask(said, checked.root)
        try:
            return msgspec.convert(checked.read(answer.message.text), kind)
        except (Misfit, msgspec.ValidationError) as error:
            why = str(error)
        said += [answer.message, Message("user", (Text(MISFIT.format(why)),))]
    raise BadAnswer(f"The model gave no answer that is a {kind.__name__}. {why}")
