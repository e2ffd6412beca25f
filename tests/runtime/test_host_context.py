"""GET …/context: how long what a model is sent has become."""

from __future__ import annotations

from typing import Any

from pillion.testing.kit import FunctionTool
from pillion.testing.scripted import says


async def look(arguments: Any, call: Any) -> str:
    return "seen"


async def test_it_is_told_by_part_and_by_what_it_is_counted(open_server: Any) -> None:
    async with open_server(FunctionTool("look", look)) as server:
        server.provider.script(says("one " * 400), says("two"))
        session = await server.session()
        where = f"/api/sessions/{session}/context"
        fresh = (await server.client.get(where)).json()
        assert (fresh["asked"], fresh["system"], fresh["tools"], fresh["vendor"]) == (False, 0, 0, None)
        sizes = [fresh["messages"]]
        for text in ("first", "second"):
            after = (await server.prompt(session, text)).json()["after"]
            async with server.watch(session, after) as watcher:
                await watcher.until("turn.finished")
            told = (await server.client.get(f"{where}?vendor=true")).json()
            sizes.append(told["messages"])
        assert told["asked"] and told["tools"] > 20 and told["by"] == "estimate"
        assert told["total"] == told["system"] + told["tools"] + told["messages"]
        assert sizes[0] < sizes[1] < sizes[2] - 300
        assert (await server.client.get(f"{where}?vendor=perhaps")).status_code == 422
        assert (await server.client.get("/api/sessions/none/context")).status_code == 404


async def test_the_list_of_models_says_what_each_is_counted_by(server: Any) -> None:
    listed = (await server.client.get("/api/models")).json()
    assert listed["counters"] == {model["name"]: "estimate" for model in listed["data"]}
