"""The floor: a server that does the least that a watched model call needs, on bare trio. No kernel, no plugin, no log.

It takes the same requests as Pillion, asks the vendor server over a raw socket, and sends each piece to the watcher.
"""

from __future__ import annotations

import sys
from itertools import count

import msgspec
import trio

ids = count(1)
watchers: dict[str, list[trio.MemorySendChannel[bytes]]] = {}


class Choice(msgspec.Struct):
    class Delta(msgspec.Struct):
        content: str | None = None

    delta: Delta


class Chunk(msgspec.Struct):
    choices: list[Choice]


decoder = msgspec.json.Decoder(Chunk)


async def serve(stream: trio.SocketStream) -> None:
    got = b""
    async with stream:
        while True:
            while b"\r\n\r\n" not in got:
                if not (data := await stream.receive_some(65536)):
                    return
                got += data
            head, _, got = got.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            while len(got) < length:
                got += await stream.receive_some(65536)
            body, got = got[:length], got[length:]
            method, path, _ = head.decode().split(" ", 2)
            if path.partition("?")[0].endswith("/events"):
                return await watch(stream, path.split("/")[3])
            await answer(stream, await handle(method, path, body))


async def handle(method: str, path: str, body: bytes) -> bytes:
    if path == "/api/sessions":
        return msgspec.json.encode({"id": str(next(ids))})
    if path.endswith("/prompts"):
        session = path.split("/")[3]
        nursery.start_soon(turn, session, msgspec.json.decode(body)["text"])
        return msgspec.json.encode({"turn": session, "after": "0"})
    return b'{"done":true}'


async def answer(stream: trio.SocketStream, body: bytes) -> None:
    head = f"HTTP/1.1 200 \r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    await stream.send_all(head.encode() + body)


async def watch(stream: trio.SocketStream, session: str) -> None:
    send, receive = trio.open_memory_channel[bytes](10_000)
    watchers.setdefault(session, []).append(send)
    try:
        await stream.send_all(b"HTTP/1.1 200 \r\ncontent-type: text/event-stream\r\n\r\n: open\n\n")
        async for event in receive:
            await stream.send_all(event)
    except trio.BrokenResourceError:
        watchers[session].remove(send)


def show(session: str, event: dict[str, str]) -> None:
    for watcher in watchers.get(session, []):
        watcher.send_nowait(b"data: " + msgspec.json.encode(event) + b"\n\n")


async def turn(session: str, text: str) -> None:
    ask = {"model": "scripted", "stream": True, "messages": [{"role": "user", "content": text}]}
    body = msgspec.json.encode(ask)
    async with await trio.open_tcp_stream("127.0.0.1", vendor) as stream:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        await stream.send_all(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        got = b""
        while data := await stream.receive_some(65536):
            *lines, got = (got + data).split(b"\n")
            for line in lines:
                if line.startswith(b"data: {"):
                    for choice in decoder.decode(line[6:]).choices:
                        if choice.delta.content:
                            show(session, {"type": "text.delta", "text": choice.delta.content})
                elif line.startswith(b"data: [DONE]"):
                    return show(session, {"type": "turn.finished"})


async def main() -> None:
    global nursery
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        print(msgspec.json.encode({"event": "listening", "url": url}).decode(), flush=True)
        await trio.serve_listeners(serve, listeners)


if __name__ == "__main__":
    vendor = int(sys.argv[1])
    nursery: trio.Nursery
    trio.run(main)
