"""An editor that is a real HTTP server on loopback: it answers callbacks, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11
import msgspec
import trio

Answers = Mapping[str, Callable[[dict[str, Any]], Any]]
NONE: Answers = {}
UNKNOWN = {"reply": "gg_testing"}
"""What the editor says at a path that it does not know."""


class EditorDouble:
    """`asked` are path and body of each call, in order, `methods` how. `answers` by path: a value, bytes to be sent as
    they are, None: it never answers, …: it hangs up."""

    def __init__(self, url: str, answers: Answers) -> None:
        self.url, self.answers = url, dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.methods: list[str] = []
        self.status = 200
        self._exchanges = 0
        self.answers.setdefault("/new_exchange", self._new_exchange)

    def _new_exchange(self, body: dict[str, Any]) -> Any:
        self._exchanges += 1
        return {"exchange_id": f"reply-{self._exchanges}"}

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@asynccontextmanager
async def editor_double(answers: Answers = NONE) -> AsyncIterator[EditorDouble]:
    """Serves until left."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    editor = EditorDouble(f"http://localhost:{listener.socket.getsockname()[1]}", answers)

    async def serve(stream: trio.SocketStream) -> None:
        http = h11.Connection(h11.SERVER)
        async with stream:
            with suppress(trio.BrokenResourceError):
                while await one(stream, http):
                    http.start_next_cycle()

    async def one(stream: trio.SocketStream, http: h11.Connection) -> bool:
        """One request. False: the connection is over."""
        method, target, body = "", "", bytearray()
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                http.receive_data(await stream.receive_some(65536))
            elif isinstance(event, h11.Request):
                method, target = event.method.decode(), event.target.decode()
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                return False
        given = msgspec.json.decode(bytes(body)) if body else {}
        editor.asked.append((target, given))
        editor.methods.append(method)
        answer = editor.answers.get(target, lambda _: UNKNOWN)(given)
        if answer is None:
            await trio.sleep_forever()
        if answer is ...:
            return False
        data = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        head = [("content-length", str(len(data)))]
        sent = http.send(h11.Response(status_code=editor.status, headers=head)) or b""
        sent += (http.send(h11.Data(data)) or b"") + (http.send(h11.EndOfMessage()) or b"")
        await stream.send_all(sent)
        return http.our_state is h11.DONE and http.their_state is h11.DONE

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield editor
        nursery.cancel_scope.cancel()
