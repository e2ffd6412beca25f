"""A client of the sidecar's API that has no token, as the editor; and a server that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h11
import msgspec
import trio

from pillion_runtime.testing import Program, Vendor, vendor_server

from ...canaries import canary
from ...scenarios.serverprocess import BOUND, MODELS, ServerProcess, server_process
from .editordouble import NONE, Answers, EditorDouble, editor_double

KEY = canary()
SETTINGS = """
[plugins.titles]
ask = "never"
[plugins.aide]
enabled = true
{more}
[plugins.aide.addresses]
OpenAI = "{url}/v1"
Anthropic = "{url}"
Azure = "{url}/v1"
FireworksAI = "{url}/v1"
GeminiPro = "{url}/v1"
GoogleAIStudio = "{url}/v1"
Groq = "{url}/v1"
Ollama = "{url}/v1"
OpenRouter = "{url}/v1"
TogetherAI = "{url}/v1"
"""


class Answer:
    """`chunks` are the body's, as they were sent."""

    def __init__(self, status: int, headers: dict[str, str], chunks: list[bytes]) -> None:
        self.status, self.headers, self.chunks = status, headers, chunks

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What each chunk holds, the first and the last left out."""
        return [msgspec.json.decode(chunk.removeprefix(b"data:")) for chunk in self.chunks[1:-1]]

    @property
    def told(self) -> list[Any]:
        return [event["event"] for event in self.events]


class Opened:
    """An answer that is being read."""

    def __init__(self, stream: trio.SocketStream, http: h11.Connection) -> None:
        self._stream, self._http = stream, http
        self.status, self.headers = 0, {}

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._stream.receive_some(65536))
        return event

    async def begun(self) -> Opened:
        head = await self._event()
        self.status = head.status_code
        self.headers = {name.decode(): value.decode() for name, value in head.headers}
        return self

    async def chunk(self) -> bytes:
        """The next chunk, whole; b"" at the end."""
        data = b""
        with trio.fail_after(BOUND):
            while True:
                event = await self._event()
                if not isinstance(event, h11.Data):
                    return data
                data += bytes(event.data)
                if event.chunk_end or "content-length" in self.headers:
                    return data

    async def event(self) -> Any:
        return msgspec.json.decode((await self.chunk()).removeprefix(b"data:"))


class Sidecar:
    """One server, spoken to without a token. `session` is the editor's id of its session."""

    def __init__(
        self, server: ServerProcess, vendor: Vendor, editor: EditorDouble, folder: Path, session: str = "session-1"
    ) -> None:
        self.server, self.vendor, self.editor, self.folder = server, vendor, editor, folder
        self.session = session

    async def own(self) -> str:
        """Pillion's id of it."""
        sessions = (await self.server.client.call("GET", "/api/sessions"))["data"]
        (found,) = [str(one["id"]) for one in sessions if one["labels"].get("aide.session") == self.session]
        return found

    @asynccontextmanager
    async def open(
        self, method: str, path: str, body: Any = None, headers: Sequence[tuple[str, str]] = ()
    ) -> AsyncIterator[Opened]:
        port = self.server.port
        http = h11.Connection(h11.CLIENT)
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        given = dict([("host", f"127.0.0.1:{port}"), ("content-type", "application/json"), *headers])
        given["content-length"] = str(len(data))
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            head = h11.Request(method=method, target=path, headers=list(given.items()))
            sent = (http.send(head) or b"") + (http.send(h11.Data(data)) or b"" if data else b"")
            await stream.send_all(sent + (http.send(h11.EndOfMessage()) or b""))
            with trio.fail_after(BOUND):
                opened = await Opened(stream, http).begun()
            yield opened

    async def ask(self, method: str, path: str, body: Any = None, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        async with self.open(method, path, body, headers) as opened:
            chunks = []
            while chunk := await opened.chunk():
                chunks.append(chunk)
            return Answer(opened.status, opened.headers, chunks)

    async def post(self, route: str, body: Any) -> Answer:
        return await self.ask("POST", f"/api/agentic/{route}", body)

    def message(self, query: str, exchange: str = "asked-1", session: str | None = None, **more: Any) -> dict[str, Any]:
        """A message of the person, with every field that the editor sends."""
        return {
            "session_id": self.session if session is None else session,
            "exchange_id": exchange,
            "editor_url": self.editor.url,
            "query": query,
            "user_context": {
                "variables": [],
                "images": [],
                "file_content_map": [],
                "terminal_selection": None,
                "folder_paths": [],
                "is_plan_generation": False,
                "is_plan_execution_until": None,
                "with_lsp_enrichment": False,
            },
            "repo_ref": f"local/{self.folder}",
            "root_directory": str(self.folder),
            "project_labels": [],
            "codebase_search": False,
            "access_token": "",
            "model_configuration": models(),
            "all_files": [],
            "open_files": [],
            "shell": "bash",
            "aide_rules": None,
            "reasoning": False,
            "agent_mode": "agent",
        } | more


def models(
    provider: Any = "OpenAI", entry: Any = None, model: str = "Gpt4O", key: str = KEY, fast: str = "Gpt4OMini"
) -> dict[str, Any]:
    """A model_configuration."""
    given = {"context_length": 128000, "temperature": 0.2, "provider": provider}
    return {
        "slow_model": model,
        "fast_model": fast,
        "models": {model: given, fast: given},
        "providers": [entry or {"OpenAI": {"api_key": key}}],
    }


@asynccontextmanager
async def sidecar(folder: Path, program: Program, more: str = "", answers: Answers = NONE) -> AsyncIterator[Sidecar]:
    """A server with the plugin on, a vendor that answers as `program` says, and an editor. `more` are its settings."""
    work = folder / "work"
    work.mkdir()
    async with vendor_server(program) as vendor, editor_double(answers) as editor:
        settings = (MODELS + SETTINGS).format(url=vendor.url, more=more)
        async with server_process(folder, settings) as server:
            yield Sidecar(server, vendor, editor, work)
