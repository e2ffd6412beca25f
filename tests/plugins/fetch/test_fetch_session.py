"""fetch in a session: asked for, allowed by host, and a long page that the model reads on in."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from pillion import ConfigError
from pillion import events as e
from pillion.settings import load
from pillion.testing.kit import Host, events, kernel_host
from pillion.testing.scripted import calls, says
from pillion_approvals.plugin import Config as Rules
from pillion_approvals.plugin import Plugin as Approvals
from pillion_approvals.rule import Rule
from pillion_fetch.plugin import Config, Plugin
from pillion_outputs.plugin import Plugin as Outputs

from ..attended import Asked, allowed, attended
from .town import OTHER, PUBLIC, answer, town


async def ran(host: Host, *urls: str) -> tuple[list[Asked], list[str]]:
    """What was asked, and always allowed, for a call with each address; and the results."""
    host.provider.script(*(calls(("fetch", json.dumps({"url": url}))) for url in urls), says("done"))
    session = await host.open()
    asked = await attended(session, await session.prompt("go"), partial(allowed, session))
    return asked, [event.text for event in await events(session) if isinstance(event, e.ToolFinished)]


async def test_always_means_the_host_that_was_looked_at(tmp_path: Path) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"light"))
        net.names["wick.example"] = [[PUBLIC]]
        made = {"fetch": Plugin(Config(), net), "approvals": Approvals(Rules())}
        file, work = tmp_path / "mine.toml", tmp_path / "work"
        file.write_text("[plugins]\n")
        work.mkdir()
        flags = {"defaults.strategy": "loop"}
        settings = load(config=file, data_dir=tmp_path, flags=flags, environ={}, shipped=False)
        async with kernel_host(work, plugins=made, settings=settings) as host:
            urls = [
                "http://lantern.example/a",
                "http://Lantern.example./b",
                "http://wick.example/",
                "http://lantern.example:8080/",
            ]
            asked, results = await ran(host, *urls)
            assert [(one.effect, one.preview) for one in asked] == [
                ("network", "http://lantern.example/a"),
                ("network", "http://wick.example/"),
                ("network", "http://lantern.example:8080/"),
            ]
            assert [one.rule.get("host") for one in asked] == [
                "lantern.example",
                "wick.example",
                "lantern.example:8080",
            ]
            assert all("status 200" in text for text in results)


async def test_what_a_rule_says_of_a_host(tmp_path: Path) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"light"))
        net.names |= {"a.wick.example": [[PUBLIC]], "wick.example.evil.example": [[OTHER]]}
        rules = Rules((Rule("allow", host="*.wick.example"), Rule("deny", host="lantern.example")))
        async with kernel_host(
            tmp_path, plugins={"fetch": Plugin(Config(), net), "approvals": Approvals(rules)}
        ) as host:
            denied = ["http://lantern.example/", "http://lantern.example:8080/"]
            asked, results = await ran(host, "http://a.wick.example/", *denied, "http://wick.example.evil.example/")
            assert [one.preview for one in asked] == ["http://wick.example.evil.example/"]
            assert ["Denied" in text for text in results] == [False, True, True, False]
    for bad in ("http://x", "x/y", "X.example", "*"):
        with pytest.raises(ConfigError):
            Approvals(Rules((Rule("deny", host=bad),)))


async def test_a_long_page_is_read_on_in(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(20_000))
    async with town() as net:
        await net.house(PUBLIC, answer(text.encode()))
        made = {"fetch": Plugin(Config(), net), "outputs": Outputs(), "approvals": Approvals(Rules(network="allow"))}
        async with kernel_host(tmp_path, plugins=made) as host:
            _, (result,) = await ran(host, "http://lantern.example/")
            assert "read_output with call=" in result
            head, tail = result[:1000], result[-100:]
            mark = next(line for line in head.split("\n") if line.startswith("====="))
            assert tail.endswith(f"line 19999\n\n{mark}")
            assert "so does all that is read on of this result" in head
