"""A second floor: the same HTTP libraries with one JSON route and nothing else."""

from __future__ import annotations

import json

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from quart_trio import QuartTrio

app = QuartTrio(__name__)


@app.get("/api/<name>")
async def route(name: str) -> tuple[bytes, int, dict[str, str]]:
    return b'{"done":true}', 200, {"content-type": "application/json"}


async def main() -> None:
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        (url,) = await nursery.start(lambda task_status: serve(app, config, task_status=task_status))
        print(json.dumps({"event": "listening", "url": url}), flush=True)


if __name__ == "__main__":
    trio.run(main)
