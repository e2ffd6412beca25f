"""docs/reference/routes.md says what the server does: every route, every field, and examples that work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from msgspec import Struct

from pillion.kernel import open_kernel
from pillion.plugins import PluginState
from pillion.testing.kit import plain_settings
from pillion.values import ModelInfo
from pillion_runtime.answering import CompletionView
from pillion_runtime.app import create_app
from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.hookspecs import HostHooks
from pillion_runtime.host import Host
from pillion_runtime.hostsettings import HostSettings
from pillion_runtime.routes.approvals import NewDecision
from pillion_runtime.routes.browsers import CodeView, Link, NewCode
from pillion_runtime.routes.calls import CallView, NewToolCall
from pillion_runtime.routes.completions import NewCompletion
from pillion_runtime.routes.events import EventPage, Following, Selection
from pillion_runtime.routes.models import StrategyView, ToolView
from pillion_runtime.routes.overlays import NewOverlay, OverlayView
from pillion_runtime.routes.plugins import PluginChange
from pillion_runtime.routes.portable import Importing
from pillion_runtime.routes.prompts import NewCancel, NewPrompt, PromptAccepted, PromptView
from pillion_runtime.routes.questions import NewAnswer
from pillion_runtime.routes.sessions import Changes, Listing, NewFork, NewSession, SessionView
from pillion_runtime.switching import Switched
from pillion_runtime.testing import Reply, call, replies, vendor_server

from ..scenarios.serverprocess import ServerProcess, server_process
from . import pages

ROUTES = pages.sections(pages.text("docs/reference/routes.md"), "###")
OVERLAY = "PUT /api/sessions/{id}/overlays/{path}"
REQUESTS: dict[str, type[Struct]] = {
    "POST /api/sessions": NewSession,
    "GET /api/sessions": Listing,
    "PATCH /api/sessions/{id}": Changes,
    "POST /api/sessions/{id}/fork": NewFork,
    "POST /api/sessions/import": Importing,
    "POST /api/sessions/{id}/prompts": NewPrompt,
    "GET /api/sessions/{id}/events": Following,
    "GET /api/events": Selection,
    "POST /api/sessions/{id}/cancel": NewCancel,
    "POST /api/sessions/{id}/approvals/{approval}": NewDecision,
    "POST /api/sessions/{id}/questions/{question}": NewAnswer,
    "POST /api/sessions/{id}/tools/{tool}": NewToolCall,
    "POST /api/models/{provider}/{model}/complete": NewCompletion,
    OVERLAY: NewOverlay,
    "PATCH /api/plugins/{name}": PluginChange,
    "POST /api/browser-codes": NewCode,
    "GET /open": Link,
}
ANSWERS: dict[str, type[Struct]] = {
    "POST /api/sessions": SessionView,
    "POST /api/sessions/{id}/prompts": PromptAccepted,
    "GET /api/sessions/{id}/prompts": PromptView,
    "GET /api/sessions/{id}/events": EventPage,
    "POST /api/sessions/{id}/tools/{tool}": CallView,
    "POST /api/models/{provider}/{model}/complete": CompletionView,
    OVERLAY: OverlayView,
    "GET /api/models": ModelInfo,
    "GET /api/plugins": PluginState,
    "PATCH /api/plugins/{name}": Switched,
    "GET /api/strategies": StrategyView,
    "GET /api/tools": ToolView,
    "POST /api/browser-codes": CodeView,
}
SETTINGS = """
[host]
bind = "127.0.0.1:0"
[defaults]
model = "local/scripted"
[plugins.embedded]
enabled = false
[plugins.openai.servers.local]
base_url = "{url}/v1"
models = ["scripted"]
"""


async def test_each_route_has_its_heading_and_each_heading_its_route(tmp_path: Path) -> None:
    async with open_kernel(plain_settings(tmp_path), hookspecs=(HostHooks,)) as kernel:
        rules = list(create_app(Host(kernel, HostSettings())).url_map.iter_rules())
    served = {
        f"{method} {rule.rule.replace('<path:', '{').replace('<', '{').replace('>', '}')}"
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == set(ROUTES)


@pytest.mark.parametrize("route", [*REQUESTS])
def test_each_field_of_a_request_has_its_row(route: str) -> None:
    assert pages.tables(ROUTES[route])["request"] == set(REQUESTS[route].__struct_fields__)


@pytest.mark.parametrize("route", [*ANSWERS])
def test_each_field_of_an_answer_has_its_row(route: str) -> None:
    assert pages.tables(ROUTES[route])["answer"] == set(ANSWERS[route].__struct_fields__)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """The shipped plugins, and a model that wants to run a command, then asks."""
    wants = Reply(calls=(call("run_command", command="echo tested"),))
    asks = Reply(calls=(call("ask_person", question="Which database?"),))
    async with (
        vendor_server(replies(wants, asks)) as vendor,
        server_process(tmp_path, SETTINGS.format(url=vendor.url)) as server,
    ):
        yield server


async def test_each_example_is_answered_as_it_says(server: ServerProcess, tmp_path: Path) -> None:
    """In an order in which they can all work: the session is opened first and deleted last."""
    put = {"/home/me/lantern": str(tmp_path)}
    works = ["/prompts", "/approvals/{approval}", "/questions/{question}"]
    begin, end = (
        ["POST /api/sessions", *(f"POST /api/sessions/{{id}}{w}" for w in works), OVERLAY, f"GET{OVERLAY[3:]}"],
        ["DELETE /api/sessions/{id}"],
    )
    for route in [*begin, *sorted(ROUTES.keys() - {*begin, *end}), *end]:
        (example,) = pages.blocks(ROUTES[route], "http")
        if "{code}" in example:
            put["{code}"] = (await server.client.call("POST", "/api/browser-codes"))["url"].partition("=")[2]
        for name, type in (("approval", "approval.wanted"), ("question", "question.asked")):
            if f"{{{name}}}" in route:
                put[f"{{{name}}}"] = (await _seen(server, put["{id}"], type))[name]
        if route.endswith(("/prompts", "/prompts/{prompt}")) and route not in begin:  # the first one's turn goes on
            later = {"text": "Run them again."}
            said = await server.client.call("POST", f"/api/sessions/{put['{id}']}/prompts", later)
            put["{prompt}"] = said["prompt"]
        if route.endswith("/tools/{tool}"):  # the turn of what waited asks its question, too
            await server.client.call("POST", f"/api/sessions/{put['{id}']}/cancel")
        said = await _sent(server, _replaced(example, put))
        if route == "POST /api/sessions":
            put["{id}"] = said["id"]


async def _seen(server: ServerProcess, session: str, type: str) -> dict[str, Any]:
    async with server.watch(session) as watch:
        return (await watch.until(type))[-1]


async def _sent(server: ServerProcess, example: str) -> Any:
    """Sends an example, and checks status and shape of the answer."""
    asked, _, answered = example.partition("\n\n")
    head, _, body = asked.partition("\n")
    status, _, shown = answered.partition("\n")
    method, path = head.split()
    if body.startswith("content-type: "):
        return await _poured(server, path, body, shown)
    if int(status) >= 400:
        with pytest.raises(ServerSaid) as refused:
            await server.client.call(method, path, json.loads(body) if body else None)
        assert (refused.value.status, refused.value.code) == (int(status), json.loads(shown)["code"])
        return None
    async with server.client.open(method, path, json.loads(body) if body else None) as answer:
        assert answer.status == int(status), head
        if shown.startswith(("id: ", "event: ")):
            return await _streamed(answer, shown)
        with trio.fail_after(20):
            said = await answer.whole()
    real = msgspec.json.decode(said) if answer.headers.get("content-type", "").endswith(("/json", "+json")) else None
    if shown.strip():
        _fits(json.loads(shown), real, head)
    return real


async def _poured(server: ServerProcess, path: str, body: str, shown: str) -> Any:
    kind, _, lines = body.partition("\n")
    pieces = iter([lines.encode()])

    async def more() -> bytes:
        return next(pieces, b"")

    real = await server.client.pour(path, kind.removeprefix("content-type: "), more, deadline=20)
    _fits(json.loads(shown), real, path)
    return real


async def _streamed(answer: Any, shown: str) -> None:
    came = b""
    with trio.fail_after(20):
        while came.count(b"\ndata: ") < shown.count("\ndata: "):
            came += await answer.more()
    real = [json.loads(line[6:]) for line in came.decode().splitlines() if line.startswith("data: ")]
    for line, event in zip([line for line in shown.splitlines() if line.startswith("data: ")], real, strict=False):
        example = json.loads(line[6:])
        assert example["type"] == event["type"]
        _fits(example, event, "the stream")


def _fits(shown: Any, real: Any, where: str) -> None:
    """Every key that is shown is there, with a value of the same kind; empty objects and lists stand for any."""
    assert type(shown) is type(real) or {type(shown), type(real)} <= {int, float}, where
    if isinstance(shown, dict):
        assert shown.keys() <= real.keys(), where
        for key, value in shown.items():
            _fits(value, real[key], f"{where} {key}")
    elif isinstance(shown, list) and shown:
        assert real, where
        _fits(shown[0], real[0], where)


def _replaced(example: str, put: dict[str, str]) -> str:
    for name, value in put.items():
        example = example.replace(name, value)
    return example
