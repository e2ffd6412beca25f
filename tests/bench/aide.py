"""`python tests/bench/aide.py`: the same turns by Pillion's own routes and by the sidecar's, with an editor.

Both take turns in each round, so that a slow minute of the machine hits both: an answer in 200 chunks, and agents that
read a file, and that edit one, which by the sidecar's routes is done in the editor. Milliseconds for a new session and
its turn, to the last event that is read, and of the server's processor, which other work on the machine hardly
changes. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import figures
import msgspec
import table
import trio
from servers import Server, started, vendor

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.plugins.aide.documents import Documents
from tests.plugins.aide.editordouble import editor_double

SETTINGS = """
[defaults]
model = "local/scripted"
store = "memory"
[plugins.openai.servers.local]
base_url = "{url}/v1"
api = "chat"
models = ["scripted"]
[plugins.approvals]
write = "allow"
[plugins.titles]
ask = "never"
[plugins.aide]
enabled = true
[plugins.aide.addresses]
OpenAI = "{url}/v1"
"""
TURNS = {
    "an answer in 200 chunks": ("agent_session_chat", "chat", "stream 200 chunks"),
    "a file is read": ("agent_tool_use", "agent", 'call read_file {"path": "a.py"}'),
    "a file is edited": ("agent_tool_use", "agent", 'call edit_file {"path": "a.py", "old": "x = 1", "new": "x = 2"}'),
}
MODEL = {"context_length": 128000, "temperature": 0.2, "provider": "OpenAI"}
BODY: dict[str, Any] = {
    "user_context": {},
    "model_configuration": {
        "slow_model": "scripted",
        "fast_model": "scripted",
        "models": {"scripted": MODEL},
        "providers": [{"OpenAI": {"api_key": "a-key-of-a-bench"}}],
    },
}


def pillion(folder: Path, model: Server) -> Any:
    config = folder / "plugins.toml"
    config.write_text(SETTINGS.format(url=model.url))
    command = ["-m", "pillion_runtime.cli.main", "serve", "--config", str(config), "--data-dir", str(folder / "data")]
    return started(*command, "--port", "0")


class Bench:
    def __init__(self, server: Server, work: Path, editor: str) -> None:
        self.server, self.work, self.editor = server, work, editor
        self._count = 0

    def fresh(self) -> None:
        (self.work / "a.py").write_text("x = 1\n" + "y = 2\n" * 50)

    async def native(self, strategy: str, text: str) -> float:
        self.fresh()
        began = time.perf_counter()
        session = await self.server.api.open(str(self.work), strategy=strategy)
        await figures.turn(self.server.api, session, text)
        return (time.perf_counter() - began) * 1000

    async def sidecar(self, route: str, text: str) -> float:
        self.fresh()
        self._count += 1
        body = {
            **BODY,
            "session_id": f"s{self._count}",
            "exchange_id": "e",
            "editor_url": self.editor,
            "query": text,
            "repo_ref": f"local/{self.work}",
            "root_directory": str(self.work),
        }
        data = msgspec.json.encode(body)
        api = self.server.api
        began = time.perf_counter()
        async with await trio.open_tcp_stream(api.host, api.port) as stream:
            head = f"POST /api/agentic/{route} HTTP/1.1\r\nHost: {api.host}:{api.port}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
            await stream.send_all(head.encode() + data)
            got = bytearray()
            while b"[CODESTORY_DONE]" not in got[-200:]:
                some = await stream.receive_some(262_144)
                if not some:
                    raise RuntimeError(bytes(got[-400:]).decode())
                got += some
        if b'"Error"' in got:
            raise RuntimeError(bytes(got[-400:]).decode())
        return (time.perf_counter() - began) * 1000


async def main(rounds: int) -> None:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    used: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder, work = Path(name), Path(name) / "work"
        work.mkdir()
        async with vendor() as model, editor_double(Documents().answers) as editor, pillion(folder, model) as server:
            bench = Bench(server, work, editor.url)
            for _ in range(3 + rounds):  # the first are warm-up
                for title, (route, strategy, text) in TURNS.items():
                    for of, turn in (("native", bench.native(strategy, text)), ("sidecar", bench.sidecar(route, text))):
                        before = server.cpu()
                        found[title, of].append(round(await turn, 2))
                        used[title, of].append(round((server.cpu() - before) * 1000, 2))
    table.show({key: values[3:] for key, values in found.items()}, ("native", "sidecar"))
    for title in TURNS:
        share = median(found[title, "sidecar"][3:]) / median(found[title, "native"][3:]) - 1
        native, sidecar = (median(used[title, of][3:]) for of in ("native", "sidecar"))
        processor = f"{native:.1f} and {sidecar:.1f} ms of the processor"
        print(f"{title}: {share:+.0%} by the sidecar's routes, {processor}, at load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    trio.run(main, parser.parse_args().rounds)
