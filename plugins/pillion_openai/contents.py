"""What both of OpenAI's formats write in the same way."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from pillion.contracts.provider import Request
from pillion.values import Image, ToolResult

LOOSE = {"allOf", "oneOf", "not", "prefixItems", "uniqueItems", "minProperties", "maxProperties"}


def cache_key(request: Request) -> str:
    """By which the vendor sends the calls of one conversation to where its beginning is cached; "" outside of any."""
    said = f"{request.caller.session}/{request.caller.role}"
    return hashlib.sha256(said.encode()).hexdigest()[:32] if request.caller.session else ""


def data_url(image: Image) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"


def result_text(result: ToolResult) -> str:
    """The result's words; a failure is said in words, since the formats have no mark for it."""
    return f"Error: {result.text}" if result.error else result.text


def arguments(text: str) -> str:
    """A call's arguments as JSON of an object: what the model wrote, or that in a string when it is none."""
    try:
        if isinstance(msgspec.json.decode(text or "{}"), dict):
            return text or "{}"
    except msgspec.DecodeError:
        pass
    return msgspec.json.encode({"malformed": text}).decode()


def closed(schema: Any) -> bool:
    """May the schema be held to strictly? OpenAI wants each object closed, all of its properties required, and some
    words of JSON Schema not at all."""
    match schema:
        case dict():
            if not LOOSE.isdisjoint(schema):
                return False
            if schema.get("type") == "object":
                wanted, required = set(schema.get("properties", ())), set(schema.get("required", ()))
                if schema.get("additionalProperties") is not False or wanted != required:
                    return False
            return all(map(closed, schema.values()))
        case list():
            return all(map(closed, schema))
        case _:
            return True
