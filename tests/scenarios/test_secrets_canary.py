"""Secrets stay secret: promise 10. Keys that are echoed by vendors and tools in every way show nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion.keys import KeyFile
from pillion.values import Text
from pillion_runtime.testing import Asked, Call, ErrorEvent, Reply, Status, Verbatim, call

from ..canaries import canary
from .serverprocess import ServerProcess, riding

SETTINGS = """
[plugins.approvals]
execute = "allow"
write = "allow"
[plugins.retry]
enabled = false
[plugins.replay]
record = "{record}"
"""
ANTHROPIC, OPENAI = "anthropic/scripted", "openai/scripted"
SOURCES = [("environment", ANTHROPIC), ("environment", OPENAI), ("key file", ANTHROPIC), ("command", OPENAI)]
MASK = "[secret]"
SHOWN = ("messages", "export")
SNOOP = "printenv; env | sort; cat /proc/self/environ /proc/$PPID/environ | tr '\\0' '\\n'; echo snooped"
ROUTES = ("health", "version", "config", "models", "tools", "strategies", "plugins", "sessions")


def key_of(asked: Asked) -> str:
    """The key that the vendor was sent."""
    return asked.headers.get("x-api-key") or asked.headers["authorization"].removeprefix("Bearer ")


def pieces(text: str) -> tuple[str, ...]:
    return tuple(text[at : at + 3] for at in range(0, len(text), 3))


def program(asked: Asked) -> Reply:
    """Says the key: in an error's words, amid a stream, in pieces of text and thinking, in a call's arguments."""
    key = key_of(asked)
    said = [part.text for part in asked.messages[-1].parts if isinstance(part, Text)] or [asked.prompt]
    match said[-1]:  # behind a turn that failed, vendors are sent two prompts in one message
        case "refuse" | "Answer with the one word: yes.":  # the words of a verification
            return Reply(fault=Status(401, message=f"Incorrect API key provided: {key}."))
        case "head":  # in the head, and where no message is expected
            headers = tuple((name, key) for name in ("x-request-id", "request-id", "retry-after", "x-key"))
            body = msgspec.json.encode({"error": {"type": key, "code": key, key: key, "message": f"{key}?"}}).decode()
            return Reply(fault=Verbatim(400, body, (("content-type", "application/json"), *headers)))
        case "break":
            return Reply(text="Well", fault=ErrorEvent(1, message=f"The key {key} broke."))
        case "say":
            thinking = pieces(f"They sent {key}.") if asked.format == "messages" else ()
            return Reply(
                text=(*pieces(f"Your key is {key}, is it not? In quotes: "), f'"{key}"'), thinking=thinking, pause=0.005
            )
        case "call" if not asked.results:
            arguments = msgspec.json.encode({"path": f"{key}.txt", "content": f"key={key}\n"}).decode()
            return Reply(calls=(Call("write_file", pieces(arguments)), call("run_command", command=f"echo {key}")))
        case "environment" if not asked.results:
            return Reply(calls=(call("run_command", command="printenv"),))
        case "snoop" if not asked.results:
            return Reply(calls=(call("run_command", command=SNOOP),))
        case _:
            return Reply(text=f"You said {asked.prompt}.")


class Scene:
    """A server with two vendors' keys. `shown` gathers all that anybody outside sees."""

    def __init__(self, server: ServerProcess, workspace: Path, keys: dict[str, str]) -> None:
        self.server, self.workspace, self.keys = server, workspace, keys
        self.shown: list[tuple[str, str]] = []

    async def get(self, path: str) -> str:
        async with self.server.client.open("GET", path) as body:
            return (await body.whole()).decode()

    async def run(self, model: str, *prompts: str) -> list[dict[str, Any]]:
        """Prompts one after the other; their events."""
        session = await self.server.session(self.workspace, model=model, strategy="agent")
        events = [event for prompt in prompts for event in await self.server.ride(session, prompt)]
        self.shown.append(("events", msgspec.json.encode(events).decode()))
        for path in (f"/api/sessions/{session}", *(f"/api/sessions/{session}/{what}" for what in SHOWN)):
            self.shown.append((path, await self.get(path)))
        return events

    async def look_round(self, model: str = "") -> None:
        """Asks for all that the server tells, and reads all that it wrote."""
        if model:
            told = await self.server.client.call("POST", "/api/models/verify", {"model": model})
            assert told["verdict"] == "wrong_key"
            self.shown.append(("verify", msgspec.json.encode(told).decode()))
        for route in ROUTES:
            self.shown.append((route, await self.get(f"/api/{route}")))
        files = [path for path in self.server.folder.rglob("*") if path.is_file()]
        self.shown += [(str(path), path.read_bytes().decode("utf-8", "replace")) for path in files]

    def hits(self) -> list[str]:
        """Where a key shows, or half of one."""
        keys = [key.rpartition("@")[0].rpartition(":")[2] or key for key in self.keys.values()]
        parts = [part for key in keys for part in (key[:20], key[-20:])]
        return [where for where, text in self.shown if any(part in text for part in parts)]


@pytest.fixture
async def scene(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """The keys come from the environment, from the user's key file, or from a command. A setting is a secret, too."""
    keys = {name: canary() for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")}
    (tmp_path / "workspace").mkdir()
    given = dict(keys)
    source = getattr(request, "param", "environment")
    if source == "key file":
        config = tmp_path_factory.mktemp("config")
        for name, key in keys.items():
            KeyFile(config / "pillion" / "keys.json").put(name.partition("_")[0].lower(), key)
        given = {"XDG_CONFIG_HOME": str(config)}
    if source == "command":
        given = {}
        for name, key in keys.items():
            file = tmp_path_factory.mktemp("command") / "keys.json"
            file.write_text(key)
            given[f"PILLION__PLUGINS__{name.partition('_')[0]}__KEY_COMMAND"] = f'["cat", "{file}"]'
    password = {"PILLION__PLUGINS__OPENAI__SERVERS__CLOSED__BASE_URL": f"http://me:{canary()}@127.0.0.1:1/v1"}
    given |= password | {"PILLION__DEFAULTS__KEEP_REQUESTS": "true"}
    settings = SETTINGS.format(record=tmp_path / "run.jsonl")
    async with riding(tmp_path, program, settings, **given) as (vendor, server):
        scene = Scene(server, tmp_path / "workspace", keys | password)
        yield scene
    scene.shown.append(("the whole log", (tmp_path / "stderr").read_text()))
    assert scene.hits() == []
    assert {key_of(asked) for asked in vendor.asked} <= set(keys.values())


@pytest.mark.promise("secrets.nowhere")
@pytest.mark.parametrize(("scene", "model"), SOURCES, indirect=["scene"])
async def test_no_key_shows_anywhere(scene: Scene, model: str) -> None:
    events = await scene.run(model, "refuse", "break", "head", "say", "call", "snoop")
    await scene.look_round(model)
    assert scene.hits() == []
    masked = {event["type"] for event in events if MASK in msgspec.json.encode(event).decode()}
    assert {"turn.failed", "text.delta", "text.finished", "call.finished", "tool.finished"} <= masked
    output = [event["text"] for event in events if event["type"] == "tool.finished"][-1]
    assert "snooped" in output and "PATH=" in output
    assert {"run.jsonl", "server.json", "stderr"} <= {Path(where).name for where, _ in scene.shown}


@pytest.mark.promise("processes.environment")
async def test_programs_do_not_get_the_keys(scene: Scene) -> None:
    events = await scene.run("openai/scripted", "environment")
    (output,) = [event["text"] for event in events if event["type"] == "tool.finished"]
    assert "PATH=" in output
    assert [name for name in (*scene.keys, MASK) if name in output] == []


@pytest.mark.promise("secrets.nowhere", "life.announced")
async def test_the_token_file_holds_the_token_and_no_log_does(scene: Scene) -> None:
    await scene.run("openai/scripted", "say")
    await scene.look_round()
    token = scene.server.found.token
    assert [Path(where).name for where, text in scene.shown if token in text] == ["server.json"]
    (told,) = [text for where, text in scene.shown if where.endswith("server.json")]
    assert sorted(msgspec.json.decode(told)) == ["pid", "token", "url", "version"]
