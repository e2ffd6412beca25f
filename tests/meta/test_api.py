"""What the API promises is written down, and what would break its clients does not pass unseen."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from types import ModuleType
from typing import Any

import pytest

from .source import TOP

RUN = "run: python docs/reference/api.py"


@cache
def api() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_api", TOP / "docs/reference/api.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def now() -> Any:
    return api().described()


def test_no_client_is_broken() -> None:
    assert api().breaks(api().promised(), now()) == [], "see docs/reference/versioning.md"


def test_what_is_promised_is_written_down() -> None:
    for file, said in zip((api().API, api().EVENTS), now(), strict=True):
        assert file.read_text("utf-8") == api().text(said), RUN
    assert api().TYPES.read_text("utf-8") == api().types(*now()), RUN


def operation(document: Any, path: str = "/api/sessions", method: str = "post") -> Any:
    return document["paths"][path][method]


def parameter(document: Any, name: str) -> Any:
    """Of the list of sessions."""
    found = operation(document, method="get")["parameters"]
    return next(parameter for parameter in found if parameter.get("name") == name)


def part(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


BREAKING: dict[str, Callable[[Any, Any], object]] = {
    "DELETE /api/sessions/{id} is gone": lambda d, e: d["paths"]["/api/sessions/{id}"].pop("delete"),
    "open_session is now begin": lambda d, e: operation(d).update(operationId="begin"),
    "GET /livez needs a token now": lambda d, e: operation(d, "/livez", "get").pop("security"),
    "no longer answers 201": lambda d, e: operation(d)["responses"].pop("201"),
    "has no header location": lambda d, e: operation(d)["responses"]["201"]["headers"].pop("location"),
    "takes no cursor in the query": lambda d, e: operation(d, method="get")["parameters"].pop(2),
    "limit has a narrower maximum": lambda d, e: operation(d, method="get")["parameters"][3]["schema"].update(
        maximum=9
    ),
    "needs a body now": lambda d, e: operation(d, "/api/sessions/{id}/cancel")["requestBody"].update(required=True),
    ".model is required now": lambda d, e: part(d, "NewSession")["required"].append("model"),
    ".when takes no 'reject'": lambda d, e: part(d, "NewPrompt")["properties"]["when"]["enum"].remove("reject"),
    ".when has another default": lambda d, e: part(d, "NewPrompt")["properties"]["when"].update(default="reject"),
    ".strategy was str and is integer": lambda d, e: part(d, "NewPrompt")["properties"].update(
        strategy={"type": "integer"}
    ),
    ".waiting is gone": lambda d, e: part(d, "SessionView")["properties"].pop("waiting"),
    ".title may be left out now": lambda d, e: part(d, "SessionView")["required"].remove("title"),
    ".state was str and is null or str": lambda d, e: part(d, "SessionView")["properties"].update(
        state={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "no application/json any more": lambda d, e: operation(d)["responses"]["201"]["content"].pop("application/json"),
    "turn.failed is gone": lambda d, e: e["$defs"].pop("turn.failed"),
    "turn.failed.code may be left out now": lambda d, e: e["$defs"]["turn.failed"]["required"].remove("code"),
    "child.finished.usage.input is gone": lambda d, e: e["$defs"]["Usage"]["properties"].pop("input"),
}
HARMLESS: list[Callable[[Any, Any], object]] = [
    lambda d, e: d["paths"].update({"/api/more": operation(d)}),
    lambda d, e: operation(d)["responses"].update({"200": operation(d)["responses"]["201"], "418": {}}),
    lambda d, e: operation(d)["parameters"].append({"name": "more", "in": "query", "schema": {"type": "string"}}),
    lambda d, e: part(d, "NewSession")["properties"].update(more={"type": "string"}),
    lambda d, e: part(d, "NewPrompt")["properties"]["when"]["enum"].append("steer"),
    lambda d, e: part(d, "SessionView")["properties"].update(more={"type": "string"}),
    lambda d, e: part(d, "SessionView")["required"].append("more"),
    lambda d, e: part(d, "PluginState")["properties"]["state"]["enum"].append("resting"),
    lambda d, e: e["$defs"].update(more=e["$defs"]["resync"]),
    lambda d, e: e["$defs"]["turn.failed"]["properties"].update(more={"type": "string"}),
    lambda d, e: operation(d).update(summary="Other words."),
]


@pytest.mark.promise("description.stays")
@pytest.mark.parametrize("said", BREAKING)
def test_what_breaks_clients_is_named(said: str) -> None:
    changed = deepcopy(now())
    BREAKING[said](*changed)
    assert [sentence for sentence in api().breaks(now(), changed) if said in sentence]


@pytest.mark.promise("description.stays")
@pytest.mark.parametrize("change", HARMLESS)
def test_what_is_only_added_breaks_nobody(change: Callable[[Any, Any], object]) -> None:
    changed = deepcopy(now())
    change(*changed)
    assert api().breaks(now(), changed) == []
