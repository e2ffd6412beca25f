"""The API's description: what it says of the host's routes, a plugin's and every event, and how it is held to it."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import jsonschema_rs
import pytest
from msgspec import Struct, json
from quart import Blueprint, Response

from pillion import Event, hookimpl
from pillion.events import LASTING, PASSING, type_of
from pillion.testing.scripted import says
from pillion_runtime.schemas import Schemas


class NewNote(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    stars: int = 0


class Note(Struct, frozen=True):
    id: int
    text: str
    author: str = "nobody"


class Lean(Struct, frozen=True, omit_defaults=True, tag="lean"):
    """Leaves out what has its default."""

    text: str
    more: str = ""
    """What else there is."""


class NoteTaken(Event, frozen=True, tag="note.taken"):
    """Somebody took a note."""

    note: int


class Described:
    """A plugin that says what its route takes and gives, without the host."""

    def __init__(self, **said: Any) -> None:
        self._said = said or {"body": NewNote, "answers": {201: Note}, "errors": (409,)}

    @hookimpl
    def register_routes(self) -> Any:
        blueprint = Blueprint("notes", __name__)

        @blueprint.get("/api/notes/<path:file>")
        async def show(file: str) -> Response:
            """A note."""
            return Response(json.encode(Note(1, file)), 200, content_type="application/json")

        show.openapi = {"answers": {200: Note}}  # type: ignore[attr-defined]

        @blueprint.post("/api/notes/<int:id>")
        async def take(id: int) -> Response:
            """Takes a note.

            Or another one.
            """
            return Response(json.encode(Note(id, "x")), 201, content_type="application/json")

        take.openapi = self._said  # type: ignore[attr-defined]
        return [blueprint]

    @hookimpl
    def register_events(self) -> Any:
        return [NoteTaken]


async def test_it_is_open_api_and_every_reference_leads_somewhere(server: Any) -> None:
    document = (await server.anyone.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    for reference in _references(document):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


async def test_it_says_which_routes_need_no_token(server: Any) -> None:
    paths = (await server.anyone.get("/openapi.json")).json()["paths"]
    said_open = {path for path, item in paths.items() if {} in item.get("get", {}).get("security", ())}
    found = {path for path in paths if "get" in paths[path] and "{" not in path}
    answered = {path for path in found if (await server.anyone.get(path)).status_code == 200} | {"/open"}
    assert said_open == answered


async def test_each_example_fits(server: Any) -> None:
    document = (await server.anyone.get("/openapi.json")).json()
    components = {"components": document["components"]}
    shown = [content for content in _contents(document["paths"]) if "example" in content]
    assert len(shown) >= 4
    for content in shown:
        jsonschema_rs.validate(content["schema"] | components, content["example"])


@pytest.mark.promise("description.routes")
async def test_a_plugins_route_is_described_under_its_own_name(open_server: Any) -> None:
    async with open_server(plugins={"notes": Described()}) as server:
        document = (await server.anyone.get("/openapi.json")).json()
        operation = document["paths"]["/api/notes/{id}"]["post"]
        assert (operation["operationId"], operation["summary"]) == ("notes_take", "Takes a note.")
        assert operation["description"] == "Or another one."
        assert operation["parameters"][0]["schema"] == {"type": "integer", "minimum": 0}
        assert {"201", "404", "409", "415", "422"} <= operation["responses"].keys()
        assert document["components"]["schemas"]["Note"]["required"] == ["id", "text", "author"]
        assert document["components"]["schemas"]["NewNote"]["required"] == ["text"]
        assert (await server.client.post("/api/notes/3", json={"text": "x"})).status_code == 201
        assert (await server.client.get("/api/notes/a/b.md")).json()["text"] == "a/b.md"
        with pytest.raises(AssertionError, match="id"):
            server.contract.check("GET", "/api/notes/a/b.md", 200, AS_JSON, b"{}")


async def test_a_plugin_that_describes_its_route_wrongly_is_quarantined_and_told_why(open_server: Any) -> None:
    async with open_server(plugins={"notes": Described(anwsers={})}) as server:
        (state,) = [one for one in (await server.client.get("/api/plugins")).json()["data"] if one["name"] == "notes"]
    assert (state["state"], "openapi has no 'anwsers'; known are body" in state["reason"]) == ("quarantined", True)


@pytest.mark.promise("description.page")
async def test_the_page_shows_every_route_and_runs_and_loads_nothing(open_server: Any) -> None:
    async with open_server(plugins={"notes": Described()}) as server:
        answer = await server.anyone.get("/docs")
        document = (await server.anyone.get("/openapi.json")).json()
        events = (await server.anyone.get("/api/events/schema")).json()
    names = {reference["$ref"].rpartition("/")[2] for reference in events["anyOf"]}
    page, policy = answer.text, answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy and "<script" not in page
    assert not re.findall(r"""(?:src|href)=.(?!#|/openapi.json|/api/events/schema)[^ >]*""", page)
    ids = set(re.findall(r"id='([^']+)'", page))
    assert set(re.findall(r"href='#([^']+)'", page)) <= ids
    assert {operation["operationId"] for item in document["paths"].values() for operation in item.values()} <= ids
    assert names | document["components"]["schemas"].keys() <= ids


@pytest.mark.promise("description.events")
async def test_every_event_has_its_schema_a_plugins_too(open_server: Any) -> None:
    async with open_server(plugins={"notes": Described()}) as server:
        answer = await server.anyone.get("/api/events/schema")
    schema = answer.json()
    jsonschema_rs.meta.validate(schema)
    known = {ref["$ref"].removeprefix("#/$defs/") for ref in schema["anyOf"]}
    growth = {"text.delta", "thinking.delta", "call.delta", "tool.output"}
    assert known == {type_of(kind) for kind in (*LASTING, *PASSING)} | growth | {
        "resync",
        "session.cursor",
        "note.taken",
    }
    assert known <= schema["$defs"].keys()
    assert schema["$defs"]["note.taken"]["required"] == ["type", "id", "time", "session", "note"]
    assert schema["$defs"]["note.taken"]["x-plugin"] == "notes"
    assert schema["$defs"]["text.delta"]["properties"]["type"] == {"enum": ["text.delta"]}


async def test_what_is_written_is_described_as_it_stands_on_the_wire() -> None:
    schemas = Schemas(read=[NewNote, Lean], written=[Note, Lean], ref="#/{name}")
    assert (schemas.written(Lean), schemas.read(Lean)) == ({"$ref": "#/Lean"}, {"$ref": "#/LeanGiven"})
    assert schemas.parts["Lean"]["required"] == ["type", "text"]
    assert schemas.parts["LeanGiven"]["required"] == ["text"], "no tag is needed where nothing else may stand"
    assert schemas.parts["Lean"]["properties"]["more"]["description"] == "What else there is."
    assert schemas.read(NewNote) == {"$ref": "#/NewNote"}
    assert schemas.parts["NewNote"]["additionalProperties"] is False


async def test_a_type_that_is_read_otherwise_than_written_has_two_schemas() -> None:
    schemas = Schemas(read=[Note], written=[Note], ref="#/{name}")
    assert (schemas.written(Note), schemas.read(Note)) == ({"$ref": "#/Note"}, {"$ref": "#/NoteGiven"})
    assert schemas.parts["Note"]["required"] == ["id", "text", "author"]
    assert schemas.parts["NoteGiven"]["required"] == ["id", "text"]


# ── the check itself, which every other test of the host relies on ──


ALWAYS = {"x-request-id": "r", "pillion-api-version": "1"}
AS_JSON = ALWAYS | {"content-type": "application/json"}
WRONG: list[tuple[int, dict[str, str], bytes, str]] = [
    (200, AS_JSON, b'{"status": "ok", "mood": "fine"}', "mood"),
    (200, AS_JSON, b"{}", "required"),
    (200, AS_JSON, b'{"status": "good"}', "good"),
    (204, ALWAYS, b"", "described with 200"),
    (404, AS_JSON, b"{}", "described with 200"),
    (200, ALWAYS | {"content-type": "text/html"}, b"", "text/html is not among"),
    (200, {"x-request-id": "r", "content-type": "application/json"}, b'{"status": "ok"}', "no version"),
]


@pytest.mark.promise("description.contract")
async def test_an_answer_that_is_not_described_fails(server: Any) -> None:
    known = await server.learn()
    known.check("GET", "/livez", 200, AS_JSON, b'{"status": "ok"}')
    for status, headers, body, why in WRONG:
        with pytest.raises(AssertionError, match=why):
            known.check("GET", "/livez", status, headers, body)


async def test_an_event_that_is_not_described_fails(server: Any) -> None:
    known = await server.learn()
    event = {"type": "turn.finished", "id": "4", "time": "2026-11-22T21:36:55.929Z", "session": "s", "turn": "t"}
    known.check_event(event)
    for wrong in (event | {"id": "x"}, event | {"mood": "fine"}, event | {"type": "turn.ended"}):
        with pytest.raises(AssertionError, match="is no event"):
            known.check_event(wrong)


@pytest.mark.promise("description.version")
async def test_every_answer_names_the_apis_version_and_another_one_is_refused(server: Any) -> None:
    for path in ("/livez", "/api/models", "/nowhere"):
        assert (await server.client.get(path)).headers["pillion-api-version"] == "1"
    assert (await server.anyone.get("/api/models")).headers["pillion-api-version"] == "1"
    assert (await server.client.get("/api/models", headers={"Pillion-API-Version": "1"})).status_code == 200
    answer = await server.client.get("/api/models", headers={"Pillion-API-Version": "2"})
    assert (answer.status_code, answer.json()["code"]) == (400, "version_unsupported")
    assert "version 1" in answer.json()["detail"]


async def test_the_events_of_a_turn_are_as_described(server: Any) -> None:
    server.provider.script(says("hello"))
    session = await server.session()
    await server.prompt(session)
    async with server.watch(session) as watcher:
        assert (await watcher.until("turn.finished"))[-1]["type"] == "turn.finished"


def _references(part: Any) -> list[str]:
    match part:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [reference for value in part.values() for reference in _references(value)]
        case list():
            return [reference for value in part for reference in _references(value)]
        case _:
            return []


def _contents(part: Any) -> list[Any]:
    match part:
        case {"content": dict(content), **more}:
            return [*content.values(), *_contents(more)]
        case dict():
            return [found for value in part.values() for found in _contents(value)]
        case list():
            return [found for value in part for found in _contents(value)]
        case _:
            return []
