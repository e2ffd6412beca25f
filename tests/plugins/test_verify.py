"""Verifying a model against the vendor server: each answer is told apart, on each wire format."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from pillion import events as e
from pillion.completions import PARENT
from pillion.contracts.store import SessionQuery
from pillion.errors import NotFound
from pillion.settings import load
from pillion.testing.kit import events, kernel_host
from pillion.verifying import verify
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_openai.plugin import ServerConfig
from pillion_runtime.testing import Cut, Reply, Silence, Status, Verbatim, replies

from .documented import FORMATS, anthropic, openai
from .vendors import BOUND, sessions_of

WELCOME = Verbatim(200, "<!DOCTYPE html><p>Welcome", (("content-type", "text/html"),))
NONE = {
    "messages": Verbatim(404, anthropic("not_found_error", "model: scripted")),
    "chat": Verbatim(404, openai("The model `scripted` does not exist.", "invalid_request_error", "model_not_found")),
}
FAULTS = [
    (None, "ok"),
    (Status(401), "wrong_key"),
    (Status(403), "wrong_key"),
    (Status(402), "no_quota"),
    (Status(404, message="Not Found"), "wrong_base_url"),
    (WELCOME, "wrong_base_url"),
    (Status(429, retry_after=60), "busy"),
    (Cut(), "unreachable"),
    (Silence(None), "unreachable"),
    (Status(400), "failed"),
]


@pytest.mark.parametrize("format_", FORMATS)
async def test_every_verdict(tmp_path: Path, format_: str) -> None:
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, replies(Reply(text="yes"))) as (vendor, host):
            await verify(host.kernel, "")  # the client's import is not to count
            for fault, verdict in [*FAULTS, (NONE.get(format_, NONE["chat"]), "unknown_model")]:
                vendor.program = replies(Reply(text="yes", fault=fault))
                before = len(vendor.asked)
                told = await verify(host.kernel, "", 1.0)
                assert (told.verdict, told.ok) == (verdict, verdict == "ok"), told
                assert (told.model.partition("/")[2], len(vendor.asked)) == ("scripted", before + 1)  # and no retry
            (records,) = (await host.kernel.sessions(SessionQuery(parent=PARENT))).data
            recorded = await events(await host.kernel.session(records.id))
            assert {event.role for event in recorded if isinstance(event, e.UsageRecorded)} == {"verify"}


async def test_nobody_there_and_nobody_of_that_name(tmp_path: Path) -> None:
    servers = {"gone": ServerConfig(base_url="http://127.0.0.1:1/v1", models=("m",))}
    plugins = {"openai": OpenAIPlugin(OpenAI(servers=servers))}
    settings = load(data_dir=tmp_path, environ={}, shipped=False)
    with trio.fail_after(BOUND):
        async with kernel_host(tmp_path, plugins=plugins, settings=settings) as host:
            assert (await verify(host.kernel, "gone/m")).verdict == "unreachable"
            with pytest.raises(NotFound, match="Did you mean 'gone/m'"):
                await verify(host.kernel, "gome/m")
