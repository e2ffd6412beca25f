"""`pillion open`: the link, the browser that gets it, and why there is none."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest


@pytest.mark.promise("browsers.link")
async def test_the_printed_link_signs_in(cli: Any) -> None:
    async with cli.serving() as announced:
        printed = await cli.run("open", "--print")
        assert (printed.code, "60 seconds" in printed.err) == (0, True)
        link = printed.out.strip()
        assert link.startswith(f"{announced['url']}/open?code=")
        async with httpx2.AsyncClient() as browser:
            assert (await browser.get(link)).headers["location"] == "/"
        told = json.loads((await cli.run("open", "--json")).out)
        assert told["url"].startswith(announced["url"]) and told["seconds"] == 60
        unknown = await cli.run("open", "--print", "nobody")
        assert (unknown.code, unknown.out) == (2, "") and "nobody" in unknown.err


async def test_a_browser_is_started_with_the_link(cli: Any) -> None:
    seen = cli.folder / "seen"
    browser = cli.folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    async with cli.serving():
        opened = await cli.run("open", BROWSER=f"{browser} %s")
        assert (opened.code, opened.out.strip()) == (0, seen.read_text())
        none = await cli.run("open", BROWSER="/nowhere/browser %s", PATH="/nowhere")
        assert none.code == 0 and "open the link in one yourself" in none.err


async def test_why_there_is_no_link(cli: Any) -> None:
    nobody = await cli.run("open", "--print")
    assert nobody.code == 2 and "pillion serve" in nobody.err
    cli.variables["PILLION__PLUGINS__WEB__ENABLED"] = "false"
    async with cli.serving():
        bare = await cli.run("open", "--print")
        assert bare.code == 2 and "[plugins.web]" in bare.err
