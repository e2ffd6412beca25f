"""Questions: a person answers what a model or a strategy asks."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.errors import ConfigError

from ..bodies import answer, read
from ..described import described
from ..host import Host
from ..problems import FieldError, Refused


class NewAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/questions/{question}. `answer` null: nobody will answer, so that the turn need not wait.

    `by` is what the log will say: a person, or a flag of a program.
    """

    answer: Annotated[str, Meta(min_length=1, max_length=100_000)] | None
    by: Literal["person", "flag"] = "person"


class QuestionClosed(Struct, frozen=True):
    """The answer as it stands in the log."""

    question: str
    answer: str | None


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("questions", __name__, url_prefix="/api/sessions/<id>")

    @routes.post("/questions/<question>")
    @described(
        body=NewAnswer,
        answers={200: QuestionClosed},
        errors=(409, 410),
        path={"question": "The question's id, as the event `question.asked` gives it."},
        example={"answer": "PostgreSQL"},
    )
    async def answer_question(id: str, question: str) -> Response:
        """Answers what the model asks.

        The first answer wins: a second gets 409, one after the deadline or the turn's end 410. 422 when it is none of
        the `options` and the question takes no other.
        """
        wanted = await read(NewAnswer)
        session = await host.kernel.session(id)
        try:
            await session.answer(question, wanted.answer, by=wanted.by)
        except ConfigError as error:
            raise Refused(422, str(error), errors=[FieldError("answer", str(error))]) from None
        return answer(QuestionClosed(question, wanted.answer))

    return routes
