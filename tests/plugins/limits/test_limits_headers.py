"""What the vendors document of their headers, and what is read out of it."""

from __future__ import annotations

import pytest
import trio

from pillion.contracts.provider import RatesSeen, Request
from pillion.errors import ProviderBusy
from pillion.secrets import Secrets
from pillion.settings import Environment
from pillion.values import Message, Rate, Text
from pillion_runtime.testing import Reply, Status, replies, vendor_server

from ..vendors import BOUND, KEYS, vendor_plugin

pytestmark = pytest.mark.usefixtures("_imported")
ANTHROPIC = {
    "date": "Thu, 21 Aug 2025 12:40:30 GMT",
    "anthropic-ratelimit-input-tokens-limit": "80000",
    "anthropic-ratelimit-input-tokens-remaining": "79000",
    "anthropic-ratelimit-input-tokens-reset": "2025-08-21T12:40:59Z",
    "anthropic-ratelimit-output-tokens-limit": "16000",
    "anthropic-ratelimit-output-tokens-remaining": "16000",
    "anthropic-ratelimit-output-tokens-reset": "2025-08-21T12:40:00Z",
    "anthropic-ratelimit-requests-limit": "1000",
    "anthropic-ratelimit-requests-remaining": "999",
    "anthropic-ratelimit-requests-reset": "2025-08-21T12:40:59Z",
    "anthropic-ratelimit-tokens-limit": "96000",
    "anthropic-ratelimit-tokens-remaining": "96000",
    "anthropic-ratelimit-tokens-reset": "2025-08-21T12:40:59Z",
}
OPENAI = {
    "X-RateLimit-Limit-Requests": "60",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-reset-tokens": "6m0s",
}
GROQ = {  # of requests it tells those of a day
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-reset-requests": "2m59.56s",
}
CASES = [
    (
        "messages",
        ANTHROPIC,
        (Rate("requests", 1000, 999, 29.0), Rate("input", 80_000, 79_000, 29.0), Rate("output", 16_000, 16_000, 0.0)),
    ),
    (
        "messages",
        {name: value for name, value in ANTHROPIC.items() if "put" not in name},
        (Rate("requests", 1000, 999, 29.0), Rate("tokens", 96_000, 96_000, 29.0)),
    ),
    ("chat", OPENAI, (Rate("requests", 60, 59, 1.0), Rate("tokens", 150_000, 149_984, 360.0))),
    ("responses", GROQ, (Rate("requests", 14_400, 14_370, 179.56, 86_400.0),)),
    ("chat", {"x-ratelimit-limit-tokens": "9", "x-ratelimit-reset-tokens": "12ms"}, (Rate("tokens", 9, None, 0.012),)),
    ("chat", {"x-ratelimit-limit-tokens": "9", "x-ratelimit-reset-tokens": "soon"}, (Rate("tokens", 9),)),
    ("chat", {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "5"}, ()),
]


@pytest.mark.parametrize(("format_", "headers", "rates"), CASES)
async def test_what_is_documented_is_read_from_answers_and_refusals(
    format_: str, headers: dict[str, str], rates: tuple[Rate, ...]
) -> None:
    said = tuple(headers.items())
    program = replies(Reply(text="Yes.", headers=said), Reply(fault=Status(429, retry_after=1), headers=said))
    with trio.fail_after(BOUND):
        async with vendor_server(program) as vendor:
            _, plugin = vendor_plugin(format_, vendor.url)
            (provider,) = plugin.register_providers(Environment(KEYS, Secrets()))
            async with plugin.lifespan():
                request = Request(f"{provider.name}/m", (Message("user", (Text("hi"),)),))
                async with provider.stream(request) as stream:
                    chunks = [chunk async for chunk in stream]
                assert [chunk.rates for chunk in chunks if isinstance(chunk, RatesSeen)] == ([rates] if rates else [])
                with pytest.raises(ProviderBusy) as caught:
                    async with provider.stream(request):
                        pass
                assert caught.value.rates == rates


async def test_the_account_tells_keys_apart_and_says_nothing_of_them() -> None:
    accounts = []
    for key in ("sk-ant-0123456789", "sk-ant-0123456789", "sk-ant-9876543210"):
        environment = Environment({"ANTHROPIC_API_KEY": key}, Secrets())
        providers = [
            vendor_plugin("messages", f"http://{host}/v1")[1].register_providers(environment)[0]
            for host in ("one.example", "one.example", "two.example")
        ]
        accounts.append([provider.account for provider in providers])
        assert key not in str(accounts) and key[-6:] not in str(accounts)
    (one, same, other), *_ = accounts
    assert one == same != other
    assert len({account for found in accounts for account in found}) == 6, "another process, another salt"
