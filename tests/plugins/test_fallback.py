"""Fall-back across two vendors' servers: who is asked next, what the log tells, and what is no reason to go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import events as e
from pillion.settings import load
from pillion.testing.kit import Host, StrategyPlugin, events, kernel_host
from pillion.turn import Turn
from pillion.values import Message, Text, Usage
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import ModelConfig, ServerConfig
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_retry.plugin import Config, Plugin
from pillion_runtime.testing import Cut, Program, Reply, Status, Vendor, Verbatim, replies, vendor_server

from .documented import openai
from .vendors import BOUND, KEYS, vendor_plugin

LINE = ("anthropic/scripted", "openai/scripted")
BUSY = Reply(fault=Status(429, retry_after=86_400))
FINE = Reply(text="Here I am.")


@asynccontextmanager
async def two_vendors(
    folder: Path, first: Program, second: Program, roles: dict[str, Sequence[str]] | None = None, **config: Any
) -> AsyncIterator[tuple[Vendor, Vendor, Host]]:
    """Anthropic's server and OpenAI's, with the retry plugin on; `default` is asked of both."""
    async with vendor_server(first) as one, vendor_server(second) as two:
        plugins = dict([vendor_plugin("messages", one.url), vendor_plugin("responses", two.url)])
        plugins |= {"retry": Plugin(Config(attempts=2)), **config.pop("plugins", {})}
        flags = {"defaults.strategy": "loop", "models.roles": roles or {"default": LINE}} | config
        settings = load(data_dir=folder, flags=flags, environ=KEYS, shipped=False)
        async with kernel_host(folder, plugins=plugins, settings=settings) as host:
            yield one, two, host


def spoke(said: Sequence[e.Event]) -> list[tuple[str, str]]:
    """Each call's model, and the error that ended it."""
    return [(event.model, event.error) for event in said if isinstance(event, e.UsageRecorded)]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Status(429, retry_after=86_400), "provider_busy"),
        (Cut(), "provider_down"),
        (Status(401), "provider_refused"),
        (Status(402), "quota_spent"),
        (Verbatim(404, openai("The model `m` does not exist.", "", "model_not_found")), "model_not_found"),
    ],
)
async def test_the_next_model_answers(tmp_path: Path, fault: Any, code: str) -> None:
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(Reply(fault=fault)), replies(FINE)) as (_, two, host):
            session = await host.open()
            assert isinstance(await host.run(session, "Are you there?"), e.TurnFinished)
            said = await events(session)
            (passed,) = [event for event in said if isinstance(event, e.ModelPassedOver)]
            assert (passed.model, passed.code, passed.next) == (*LINE[:1], code, LINE[1])
            assert passed.why.startswith("anthropic")
            assert spoke(said) == [(LINE[0], code), (LINE[1], "")]
            assert (await session.messages())[-1].text == "Here I am."
            assert len(two.asked) == 1


async def test_what_was_shown_is_taken_back_and_what_it_cost_stays(tmp_path: Path) -> None:
    torn = Reply(text=("Half ", "of ", "it"), fault=Cut(2), usage=Usage(input=10, output=9))
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(torn), replies(FINE)) as (_, _two, host):
            session = await host.open()
            ending = await host.run(session, "Are you there?")
            said = await events(session)
            assert isinstance(ending, e.TurnFinished)
            assert any(isinstance(event, e.TextVoided) for event in said)
            assert [event.text for event in said if isinstance(event, e.TextFinished)] == ["Here I am."]
            recorded = [event.usage for event in said if isinstance(event, e.UsageRecorded)]
            assert ending.usage.input == sum(usage.input for usage in recorded) > 20


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (openai("Unsupported parameter.", "invalid_request_error"), "bad_request"),
        (openai("Filtered.", "", "content_filter"), "content_filtered"),
        (openai("Request too large.", "", "request_too_large"), "request_too_large"),
    ],
)
async def test_the_requests_own_fault_is_sent_to_nobody_else(tmp_path: Path, body: str, code: str) -> None:
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(Reply(fault=Verbatim(400, body))), replies(FINE)) as (_, two, host):
            ending = await host.run(await host.open(), "Are you there?")
            assert isinstance(ending, e.TurnFailed)
            assert (ending.code, len(two.asked)) == (code, 0)


async def test_when_all_fail_the_error_tells_of_each(tmp_path: Path) -> None:
    with trio.fail_after(BOUND):
        denied = replies(Reply(fault=Status(401, message="Wrong key.")))
        async with two_vendors(tmp_path, replies(BUSY), denied) as (_, _two, host):
            session = await host.open()
            ending = await host.run(session, "Are you there?")
            assert isinstance(ending, e.TurnFailed)
            assert (ending.code, ending.retryable) == ("no_model_answers", True)
            assert "anthropic answered 429" in ending.message and "openai answered 401: Wrong key." in ending.message
            assert spoke(await events(session)) == [(LINE[0], "provider_busy"), (LINE[1], "provider_refused")]


async def test_who_failed_is_asked_last_for_the_rest_of_the_turn(tmp_path: Path) -> None:
    class Twice:
        name, description = "twice", "Asks two times."

        async def run(self, turn: Turn) -> str | None:
            await turn.step()
            await turn.step()
            return None

    plugins = {"twice": StrategyPlugin(Twice())}
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(BUSY, FINE), replies(FINE), plugins=plugins) as (one, two, host):
            session = await host.open(strategy="twice")
            await host.run(session, "Are you there?")
            assert (len(one.asked), len(two.asked)) == (1, 2)
            await host.run(session, "And now?")  # the next turn begins anew
            assert (len(one.asked), len(two.asked)) == (3, 2)


async def test_an_overflow_goes_only_to_a_larger_window(tmp_path: Path) -> None:
    overflow = Reply(fault=Status(400, kind="context"))
    async with vendor_server(replies(overflow, FINE)) as vendor:
        models = {
            name: ModelConfig(context=size) for name, size in (("small", 8_000), ("tiny", 4_000), ("big", 64_000))
        }
        server = ServerConfig(base_url=f"{vendor.url}/v1", models=models)
        plugins = {"openai": OpenAIPlugin(OpenAI(servers={"local": server}))}
        line = ("local/small", "local/tiny", "local/big")
        flags = {"defaults.strategy": "loop", "models.roles.default": line}
        settings = load(data_dir=tmp_path, flags=flags, environ={}, shipped=False)
        with trio.fail_after(BOUND):
            async with kernel_host(tmp_path, plugins=plugins, settings=settings) as host:
                session = await host.open()
                await host.run(session, "Are you there?")
                assert spoke(await events(session)) == [("local/small", "context_overflow"), ("local/big", "")]
                vendor.program = replies(overflow)
                ending = await host.run(session, "And now?")
                assert isinstance(ending, e.TurnFailed) and ending.code == "context_overflow"


async def test_a_model_without_a_key_is_passed_over_and_told(tmp_path: Path) -> None:
    line = {"default": ("nobody/none", LINE[1])}
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(FINE), replies(FINE), line) as (_, _two, host):
            session = await host.open()
            await host.run(session, "Are you there?")
            (passed,) = [event for event in await events(session) if isinstance(event, e.ModelPassedOver)]
            assert (passed.model, passed.code, passed.next) == ("nobody/none", "not_found", LINE[1])


class Roles:
    """A strategy that asks for two roles."""

    name, description = "roles", "Asks for a step and for a title."

    async def run(self, turn: Turn) -> str | None:
        await turn.step(role="slow")
        await turn.complete([Message("user", (Text("Name it."),))], role="title")
        return None


@pytest.mark.parametrize(
    ("session", "prompt", "asked"),
    [
        ({}, {}, ["anthropic/slow", "openai/fast"]),
        ({"model": "openai/x"}, {}, ["anthropic/slow", "openai/fast"]),  # a model is that of `default` alone
        ({"roles": {"title": ["anthropic/t"]}}, {}, ["anthropic/slow", "anthropic/t"]),
        ({"roles": {"title": ["anthropic/t"]}}, {"roles": {"fast": ["openai/f"]}}, ["anthropic/slow", "anthropic/t"]),
        ({}, {"roles": {"slow": ["openai/s"], "fast": ["openai/f"]}}, ["openai/s", "openai/f"]),
    ],
)
async def test_a_role_is_what_prompt_session_and_settings_say(
    tmp_path: Path, session: dict[str, Any], prompt: dict[str, Any], asked: list[str]
) -> None:
    roles: dict[str, Sequence[str]] = {"slow": ["anthropic/slow"], "fast": ["openai/fast"]}
    plugins = {"roles": StrategyPlugin(Roles())}
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(FINE), replies(FINE), roles, plugins=plugins) as (_, _two, host):
            opened = await host.open(strategy="roles", **session)
            assert isinstance(await host.run(opened, "Go.", **prompt), e.TurnFinished)
            assert [model for model, _ in spoke(await events(opened))] == asked


async def test_roles_last_with_the_session_and_go_into_forks(tmp_path: Path) -> None:
    roles = {"fast": ("openai/f",)}
    with trio.fail_after(BOUND):
        async with two_vendors(tmp_path, replies(FINE), replies(FINE)) as (_, _two, host):
            session = await host.open(roles=roles)
            await session.aclose()
            again = await host.kernel.session(session.id)
            assert again.info.roles == roles
            assert (await host.kernel.fork(session.id)).info.roles == roles
