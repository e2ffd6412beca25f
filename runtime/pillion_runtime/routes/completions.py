"""A model without a session: messages in, an answer out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct
from quart import Blueprint, Response, request

from pillion.answerschema import AnswerSchema
from pillion.contracts.provider import Request
from pillion.errors import Gone
from pillion.values import Image, Message, Text

from .. import accept, sse
from ..answering import Answering, CompletionView
from ..bodies import answer, read
from ..described import described
from ..host import Host
from ..openapi import JSON
from ..problems import FieldError, Refused

FORM = "Give your answer as JSON alone, with no word around it. It must fit this JSON Schema:\n{}"
"""Not every vendor holds its model to the schema."""


class NewMessage(Struct, frozen=True, forbid_unknown_fields=True):
    """What the user or the model said."""

    role: Literal["user", "assistant"]
    text: str = ""
    images: Annotated[tuple[Image, ...], Meta(max_length=32)] = ()


class NewCompletion(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/models/{provider}/{model}/complete. With `schema` (JSON Schema) the answer is JSON, as `value`."""

    messages: Annotated[tuple[NewMessage, ...], Meta(min_length=1, max_length=10_000)]
    system: str = ""
    max_output: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    schema: dict[str, Any] | None = None


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("completions", __name__)

    @routes.post("/api/models/<provider>/<path:model>/complete")
    @described(
        body=NewCompletion,
        answers={200: {JSON: CompletionView, sse.MEDIA_TYPE: str}},
        path={"provider": "The part of a model's name before the first slash.", "model": "The rest of it."},
        errors=(402, 404, 406, 410, 429, 502, 503),
        example={"messages": [{"role": "user", "text": "Name three colours."}], "max_output": 100},
    )
    async def complete(provider: str, model: str) -> Response:
        """Asks a model, without a session.

        Deadlines, retries and the settings' limits are those of any call, and what it used is recorded. As
        `text/event-stream` it comes as it grows: `text.delta` and `thinking.delta`, `answer.voided` when a retry takes
        all of it back, `model.waiting`, and at the end `answer.finished` or a `problem`. When the client leaves, the
        call ends. 502, 503: the model's side failed; `retryable` and `Retry-After` say whether to come back.
        """
        host.expect_work()
        form = accept.preferred(JSON, sse.MEDIA_TYPE)
        wanted = await read(NewCompletion)
        schema = AnswerSchema(wanted.schema) if wanted.schema is not None else None
        call = host.kernel.completions.start(_request(f"{provider}/{model}", wanted, schema))
        answering = Answering(call, host.kernel.secrets, path=request.path, schema=schema)
        try:
            if form == JSON:
                return answer(await answering.whole(), headers={"vary": "Accept"})
            await answering.begun()
        except BaseException as error:  # also when the client has left
            call.cancel()
            if isinstance(error, Gone):
                host.expect_work()
            raise
        return _streaming(answering)

    return routes


def _request(model: str, wanted: NewCompletion, schema: AnswerSchema | None) -> Request:
    errors = [
        FieldError(f"messages[{number}]", "It says nothing: give text or images.")
        for number, message in enumerate(wanted.messages)
        if not (message.text or message.images)
    ]
    if errors:
        raise Refused(422, f"Wrong: {', '.join(error.field for error in errors)}.", errors=errors)
    messages = tuple(
        Message(given.role, (*given.images, *((Text(given.text),) if given.text else ()))) for given in wanted.messages
    )
    return Request(
        model=model,
        messages=messages,
        system="\n\n".join(filter(None, (wanted.system, FORM.format(_words(schema)) if schema else ""))),
        max_output=wanted.max_output,
        temperature=wanted.temperature,
        schema=schema.root if schema else None,
    )


def _words(schema: AnswerSchema) -> str:
    return msgspec.json.encode(schema.root).decode()


def _streaming(answering: Answering) -> Response:
    headers = {
        "content-type": f"{sse.MEDIA_TYPE}; charset=utf-8",
        "cache-control": "no-store",
        "vary": "Accept",
        "x-accel-buffering": "no",
    }
    response = Response(cast(Any, answering), 200, headers)
    response.timeout = None
    return response
