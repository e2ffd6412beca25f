"""The routes: what each answers, and each status it can refuse with."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from quart import Blueprint

from pillion import Allow, Ask, hookimpl
from pillion.testing.kit import FunctionTool, PolicyPlugin, plain_settings
from pillion.testing.scripted import Gate, calls, says

JSON = {"content-type": "application/json; charset=utf-8"}
PNG = base64.b64encode(b"\x89PNG\r\n").decode()


@pytest.mark.promise("life.health")
async def test_health_tells_more_with_a_token(server: Any) -> None:
    assert (await server.anyone.get("/api/health")).json() == {"done": True, "status": "ok"}
    told = (await server.client.get("/api/health")).json()
    assert (told["done"], told["status"], told["checks"]) == (True, "ok", {})
    assert [plugin["name"] for plugin in told["plugins"]] == ["scripted", "loop", "tools"]


async def test_version_and_config(server: Any) -> None:
    version = (await server.anyone.get("/api/version")).json()
    assert set(version) == {"package_version", "version_hash"}
    assert len(version["version_hash"]) == 64
    assert set((await server.anyone.get("/api/config")).json()) == {"response"}
    settings = (await server.client.get("/api/config")).json()["settings"]
    assert settings["host.bind"] == {"value": "127.0.0.1:0", "from": "flag"}
    assert settings["limits.steps"] == {"value": 50, "from": "default"}


@pytest.mark.promise("life.config")
async def test_config_masks_secrets(open_server: Any) -> None:
    async with open_server(plugins__gone__enabled=False, plugins__gone__key="sk-very-secret-1") as server:
        answer = await server.client.get("/api/config")
        assert "sk-very-secret-1" not in answer.text
        assert answer.json()["settings"]["plugins.gone.key"]["value"] == "[secret]"
        states = (await server.client.get("/api/plugins")).json()["data"]
        assert ("gone", "off") in [(state["name"], state["state"]) for state in states]


async def test_what_there_is(open_server: Any) -> None:
    async def nothing(arguments: Any, call: Any) -> str:
        return ""

    async with open_server(FunctionTool("look", nothing)) as server:
        assert [model["name"] for model in (await server.client.get("/api/models")).json()["data"]] == ["scripted/one"]
        assert (await server.client.get("/api/strategies")).json()["data"][0]["name"] == "loop"
        (tool,) = (await server.client.get("/api/tools")).json()["data"]
        assert (tool["name"], tool["effect"], tool["schema"]["type"]) == ("look", "read", "object")


@pytest.mark.promise("sessions.lifecycle")
async def test_a_session_is_opened_shown_listed_and_deleted(server: Any) -> None:
    folder = str(server.settings.data_dir)
    made = await server.client.post("/api/sessions", json={"workspace": folder, "labels": {"team": "a"}})
    session = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"/api/sessions/{session['id']}")
    assert len(session["id"]) >= 32
    assert (session["workspace"], session["labels"], session["state"]) == (folder, {"team": "a"}, "idle")
    assert session["created"].endswith("Z")
    assert (await server.client.get(made.headers["location"])).json()["id"] == session["id"]
    assert (await server.client.delete(made.headers["location"])).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await server.client.request(method, made.headers["location"])
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert (await server.client.get("/api/sessions")).json() == {"data": [], "next_cursor": None}


@pytest.mark.promise("sessions.lifecycle")
async def test_the_list_is_paged_and_filtered(server: Any, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    made = {await server.session() for _ in range(5)}
    other = await server.session(workspace=str(tmp_path / "other"))
    seen, cursor = [], ""
    while cursor is not None:
        page = (await server.client.get("/api/sessions", params={"limit": 2, "cursor": cursor})).json()
        assert len(page["data"]) <= 2
        seen += [session["id"] for session in page["data"]]
        cursor = page["next_cursor"]
    assert (len(seen), set(seen)) == (6, made | {other})
    found = (await server.client.get("/api/sessions", params={"workspace": str(tmp_path / "other")})).json()
    assert [session["id"] for session in found["data"]] == [other]


@pytest.mark.promise("sessions.ephemeral")
async def test_ephemeral_sessions_are_listed_only_when_asked_for(server: Any) -> None:
    kept, gone = await server.session(), await server.session(ephemeral=True)
    for params, found in (({}, kept), ({"ephemeral": "true"}, gone), ({"ephemeral": "false"}, kept)):
        (session,) = (await server.client.get("/api/sessions", params=params)).json()["data"]
        assert (session["id"], session["ephemeral"]) == (found, found == gone)
    wrong = await server.client.get("/api/sessions", params={"ephemeral": "perhaps"})
    assert wrong.json()["errors"][0]["field"] == "ephemeral"
    assert (await server.client.delete(f"/api/sessions/{gone}")).status_code == 204
    assert (await server.client.get(f"/api/sessions/{gone}")).status_code == 404


@pytest.mark.promise("door.problems")
async def test_each_wrong_field_of_a_session_is_named(server: Any) -> None:
    body = {"workspce": "/tmp", "labels": {"a": 1}, "limits": {"steps": 0}, "model": 3}
    answer = await server.client.post("/api/sessions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert set(errors) == {"workspce", "workspace", "labels[...]", "limits.steps", "model"}
    assert "workspace" in errors["workspce"]


async def test_unknown_names_of_a_session_are_named(server: Any) -> None:
    body = {"workspace": str(server.settings.data_dir / "gone"), "model": "no/such", "strategy": "none"}
    answer = await server.client.post("/api/sessions", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["workspace", "model", "strategy"]


async def test_nonsense_is_no_json(server: Any) -> None:
    for body in (b"{", b"\xff\xfe", b""):
        answer = await server.client.post("/api/sessions", content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    deep = await server.client.post("/api/sessions", content='{"labels":' + "[" * 200_000, headers=JSON)
    assert deep.status_code in (400, 422)
    answer = await server.client.post("/api/sessions", json=[1])
    assert answer.json()["errors"] == [{"field": "", "message": "An object is expected."}]


async def test_wrong_query_parameters_are_named(server: Any) -> None:
    answer = await server.client.get("/api/sessions", params={"limit": "many", "whatever": "1"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


@pytest.mark.promise("sessions.limits")
async def test_limits_left_out_are_the_settings(open_server: Any) -> None:
    async with open_server(limits__steps=7) as server:
        session = await server.session(limits={"seconds": 60, "tokens": None})
        async with server.watch(session) as watcher:
            opened = await watcher.event()
        assert opened["limits"]["steps"] == 7
        assert opened["limits"]["seconds"] == 60
        assert opened["limits"]["tokens"] is None


@pytest.mark.promise("prompts.accepted")
async def test_a_prompt_is_accepted_and_its_events_are_where_it_says(server: Any) -> None:
    server.provider.script(says("hello there"))
    session = await server.session()
    answer = await server.prompt(session, "hi", images=[{"media_type": "image/png", "data": PNG}])
    accepted = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, accepted["events"])
    async with server.watch(session, accepted["after"]) as watcher:
        events = await watcher.until("turn.finished")
    assert events[0]["type"] == "prompt.queued"
    assert {event["turn"] for event in events if event["type"] == "turn.finished"} == {accepted["turn"]}
    messages = (await server.client.get(f"/api/sessions/{session}/messages")).json()["data"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert [part["data"] for part in messages[0]["parts"] if part["type"] == "image"] == [PNG]
    assert messages[1]["parts"][0]["text"] == "hello there"


@pytest.mark.promise("prompts.bounded")
async def test_a_prompt_is_refused_while_a_turn_runs_or_too_many_wait(server: Any) -> None:
    gate = Gate()
    server.provider.script([gate], *[says("next") for _ in range(16)])
    session = await server.session()
    await server.prompt(session)
    with trio.fail_after(10):
        await gate.reached.wait()
    assert (await server.prompt(session, when="reject")).status_code == 409
    for _ in range(16):
        assert (await server.prompt(session)).status_code == 202
    busy = await server.prompt(session)
    assert (busy.status_code, busy.json()["retryable"], busy.headers["retry-after"]) == (429, True, "5")
    shown = (await server.client.get(f"/api/sessions/{session}")).json()
    assert (shown["state"], shown["waiting"]) == ("running", 16)


async def test_wrong_prompts(server: Any) -> None:
    session = await server.session()
    for body, field in (
        ({"text": ""}, "text"),
        ({"text": "x", "when": "later"}, "when"),
        ({"text": "x", "images": [{"media_type": "image/tiff", "data": PNG}]}, "images[0].media_type"),
        ({"text": "x", "model": "no/such"}, "model"),
        ({"text": "x", "strategy": "none"}, "strategy"),
    ):
        answer = await server.client.post(f"/api/sessions/{session}/prompts", json=body)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert (await server.prompt("0" * 32)).status_code == 404


async def test_cancel_ends_the_turn(server: Any) -> None:
    session = await server.session()
    assert (await server.client.post(f"/api/sessions/{session}/cancel")).json()["stopping"] is False
    server.provider.script([Gate()])
    await server.prompt(session)
    answer = await server.client.post(f"/api/sessions/{session}/cancel", json={"by": "ide"})
    assert (answer.status_code, answer.json()["stopping"]) == (202, True)
    async with server.watch(session) as watcher:
        events = await watcher.until("turn.cancelled")
    assert [event["by"] for event in events if event["type"] == "turn.stopping"] == ["ide"]
    assert events[-1]["type"] == "turn.cancelled"


@pytest.mark.promise("approvals.first_wins")
async def test_approvals_first_wins_second_conflicts(open_server: Any) -> None:
    async def wrote(arguments: Any, call: Any) -> str:
        return "written"

    async with open_server(FunctionTool("write", wrote, effect="write")) as server:
        server.provider.script(calls(("write", "{}")), says("done"))
        session = await server.session()
        await server.prompt(session)
        async with server.watch(session) as watcher:
            wanted = (await watcher.until("approval.wanted"))[-1]
            where = f"/api/sessions/{session}/approvals/{wanted['approval']}"
            wrong = await server.client.post(where, json={"decision": "perhaps"})
            assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "decision")
            assert (await server.client.post(where, json={"decision": "allow"})).status_code == 200
            assert (await server.client.post(where, json={"decision": "deny"})).status_code == 409
            events = await watcher.until("turn.finished")
        assert [event["text"] for event in events if event["type"] == "tool.finished"] == ["written"]
        unknown = await server.client.post(f"/api/sessions/{session}/approvals/none", json={"decision": "allow"})
        assert unknown.status_code == 404


@pytest.mark.promise("approvals.first_wins")
async def test_a_late_answer_is_gone(open_server: Any) -> None:
    async def wrote(arguments: Any, call: Any) -> str:
        return "written"

    async with open_server(FunctionTool("write", wrote, effect="write"), deadlines__approval=0.05) as server:
        server.provider.script(calls(("write", "{}")), says("done"))
        session = await server.session()
        await server.prompt(session)
        async with server.watch(session) as watcher:
            events = await watcher.until("turn.finished")
        (wanted,) = [event for event in events if event["type"] == "approval.wanted"]
        where = f"/api/sessions/{session}/approvals/{wanted['approval']}"
        assert (await server.client.post(where, json={"decision": "allow"})).status_code == 410


class Careful:
    """A policy that asks, and can be told `always`."""

    learned: Any = None

    async def decide(self, call: Any) -> Any:
        return Ask("careful", {"tool": call.tool}) if self.learned is None else Allow()

    def learn(self, rule: Any) -> None:
        self.learned = rule


@pytest.mark.promise("approvals.always")
async def test_always_is_written_and_what_can_not_be_is_named(open_server: Any, tmp_path: Path) -> None:
    async def wrote(arguments: Any, call: Any) -> str:
        return "written"

    file, careful = tmp_path / "mine.toml", Careful()
    file.write_text("[broken")
    plain = plain_settings(tmp_path, host__bind="127.0.0.1:0")
    settings = msgspec.structs.replace(plain, layers=msgspec.structs.replace(plain.layers, user=file))
    (tmp_path / "work").mkdir()
    tool = FunctionTool("write", wrote, effect="write")
    async with open_server(tool, settings=settings, plugins={"careful": PolicyPlugin(careful)}) as server:
        server.provider.script(calls(("write", "{}")), calls(("write", "{}")), says("done"))
        session = await server.session(workspace=str(tmp_path / "work"))
        await server.prompt(session)
        async with server.watch(session) as watcher:
            wanted = (await watcher.until("approval.wanted"))[-1]
            assert wanted["rule"] == {"tool": "write"}
            where = f"/api/sessions/{session}/approvals/{wanted['approval']}"
            for body in ({"decision": "deny", "remember": "always"}, {"decision": "allow", "remember": "always"}):
                wrong = await server.client.post(where, json=body)
                assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "remember")
            file.write_text("")
            good = await server.client.post(where, json={"decision": "allow", "remember": "always"})
            assert (good.status_code, good.json()["remember"]) == (200, "always")
            events = await watcher.until("turn.finished", "approval.wanted")
        assert events[-1]["type"] == "turn.finished"
    assert file.read_text() == '[[plugins.careful.rules]]\ntool = "write"\n'


@pytest.mark.promise("questions.first_wins", "questions.answered")
async def test_a_question_is_answered_once(open_server: Any) -> None:
    async def ask(arguments: Any, call: Any) -> str:
        return str((await call.ask("Which one?", ("red", "blue"), free=False)).answer)

    async with open_server(FunctionTool("ask", ask)) as server:
        server.provider.script(calls(("ask", "{}")), says("done"))
        session = await server.session()
        await server.prompt(session)
        async with server.watch(session) as watcher:
            question = (await watcher.until("question.asked"))[-1]
            where = f"/api/sessions/{session}/questions/{question['question']}"
            for body in ({"answer": "green"}, {"answer": ""}, {"answer": 3}, {}):
                wrong = await server.client.post(where, json=body)
                assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "answer")
            assert (await server.client.post(where, json={"answer": "blue"})).status_code == 200
            assert (await server.client.post(where, json={"answer": None})).status_code == 409
            events = await watcher.until("turn.finished")
        assert [event["text"] for event in events if event["type"] == "tool.finished"] == ["blue"]
        unknown = await server.client.post(f"/api/sessions/{session}/questions/none", json={"answer": "x"})
        assert unknown.status_code == 404


class Routes:
    """A plugin with routes of its own."""

    def __init__(self, blueprint: Any) -> None:
        self._blueprint = blueprint

    @hookimpl
    def register_routes(self) -> Any:
        return [self._blueprint]


@pytest.mark.promise("plugins.routes")
async def test_a_plugin_brings_routes_which_need_the_token(open_server: Any) -> None:
    blueprint = Blueprint("mine", __name__)

    @blueprint.get("/mine")
    async def mine() -> Any:
        return {"mine": True}

    @blueprint.get("/broken")
    async def broken() -> Any:
        raise RuntimeError("the secret inner detail")

    async with open_server(plugins={"mine": Routes(blueprint)}) as server:
        assert (await server.anyone.get("/mine")).status_code == 401
        assert (await server.client.get("/mine")).json() == {"mine": True}
        answer = await server.client.get("/broken")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "inner detail" not in answer.text


@pytest.mark.promise("plugins.routes")
async def test_a_plugin_whose_routes_collide_is_quarantined(open_server: Any) -> None:
    taken, twin = Blueprint("mine", __name__), Blueprint("health", __name__)

    @taken.get("/livez")
    async def mine() -> Any:
        return {}

    plugins = {"taken": Routes(taken), "twin": Routes(twin), "none": Routes(3)}
    async with open_server(plugins=plugins) as server:
        told = (await server.client.get("/api/health")).json()
        reasons = {plugin["name"]: plugin.get("reason", "") for plugin in told["plugins"]}
        assert told["status"] == "degraded"
        assert (await server.client.get("/livez")).json() == {"status": "ok"}
        assert "GET /livez" in reasons["taken"]
        assert "'health'" in reasons["twin"]
        assert "list of Quart blueprints" in reasons["none"]


@pytest.mark.promise("sessions.changed")
async def test_a_session_is_renamed_labelled_and_given_another_model(server: Any) -> None:
    session = await server.session(labels={"keep": "1", "drop": "2"})
    path = f"/api/sessions/{session}"
    tag = (await server.client.get(path)).headers["etag"]
    wanted = {"title": "A lamp", "labels": {"drop": None, "new": "3"}, "model": "scripted/one"}
    changed = await server.client.patch(path, json=wanted, headers={"if-match": tag})
    stale = await server.client.patch(path, json={"title": "Late"}, headers={"if-match": tag})
    wrong = await server.client.patch(path, json={"model": "no/such", "colour": "red"})
    listed = (await server.client.get("/api/sessions")).json()["data"][0]
    again = await server.client.patch(path, json={"title": "A lamp"})
    many = await server.client.patch(path, json={"labels": {f"l{n}": "" for n in range(63)}})
    assert (many.status_code, [error["field"] for error in many.json()["errors"]]) == (422, ["labels"])
    page = await server.client.get(f"{path}/events", headers={"accept": "application/json"})
    assert (changed.status_code, stale.status_code, wrong.status_code) == (200, 412, 422)
    told = {"title": "A lamp", "labels": {"keep": "1", "new": "3"}, "model": "scripted/one"}
    assert {key: listed[key] for key in told} == {key: changed.json()[key] for key in told} == told
    assert changed.headers["etag"] == again.headers["etag"] != tag, "what changes nothing is no new version"
    events = [event for event in page.json()["data"] if event["type"] == "session.changed"]
    assert len(events) == 1 and events[0]["title"] == "A lamp"
