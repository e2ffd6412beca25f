"""Where fetch goes and where it does not: addresses, names, redirects, ports, the settings."""

from __future__ import annotations

import os
from typing import Any

import pytest

from pillion import ConfigError, ToolError
from pillion_fetch.addresses import parsed, refused
from pillion_fetch.fetching import FetchArguments, Refused
from pillion_fetch.network import Internet, NoConnection
from pillion_fetch.place import BadAddress, place_of
from pillion_fetch.plugin import Config, Plugin

from .town import OTHER, PUBLIC, answer, fetched, inside, town

NEVER = [
    "127.0.0.1", "127.255.0.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "169.254.1.1", "0.0.0.0", "0.1.2.3", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "100.100.100.200", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1",
    "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001:0:53aa:64c:0:0:0:1",
    "2001:db8::1", "fc00::1", "fd12:3456::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "4000::1",
    "3fff::1", f"{OTHER}%2",
]  # fmt: skip
PUBLICS = ["8.8.8.8", PUBLIC, "172.32.0.1", "100.128.0.1", OTHER, "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
LOCAL = ["127.0.0.1", "10.1.2.3", "192.168.1.1", "100.64.0.1", "::1", "fd12::1", "::ffff:10.0.0.1"]


def test_only_public_addresses_are_connected_to() -> None:
    assert [text for text in NEVER if not refused(parsed(text))] == []
    assert [text for text in PUBLICS if refused(parsed(text))] == []
    opened = [text for text in NEVER if not refused(parsed(text), local=True)]
    assert all(not refused(parsed(text), local=True) for text in LOCAL)
    assert not {"169.254.169.254", "fe80::1", "fd00:ec2::254", "224.0.0.1", "0.0.0.0", "::"} & set(opened)


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.1]", "100.64.0.1"])
async def test_an_address_of_no_public_network_is_refused(call: Any, address: str) -> None:
    async with town() as net:
        with pytest.raises(Refused, match="nothing is fetched from there"):
            await fetched(call, f"http://{address}/", net)
        assert net.connected == []


@pytest.mark.parametrize("found", [["127.0.0.1"], ["fd00::1"], [PUBLIC, "10.0.0.1"], [OTHER, "::ffff:127.0.0.1"]])
async def test_a_name_with_one_address_that_is_not_public_is_refused(call: Any, found: list[str]) -> None:
    async with town() as net:
        net.names["evil.example"] = [found]
        with pytest.raises(Refused, match=r"evil\.example has the address"):
            await fetched(call, "https://evil.example/", net)
        assert net.connected == []


async def test_a_name_is_looked_up_once_and_what_was_judged_is_connected_to(call: Any) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"light"))
        net.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
        assert inside(await fetched(call, "http://rebinding.example/", net)) == "light"
        assert net.connected == [(PUBLIC, 80)]
        assert "Host: rebinding.example\r\n" in net.heads[0]
        assert net.names["rebinding.example"] == [["127.0.0.1"]], "the second look-up never came"


async def test_after_a_redirect_everything_is_judged_anew(call: Any) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"", "", "302 Found", "Location: /again"))
        net.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
        with pytest.raises(Refused, match="this machine's own"):
            await fetched(call, "http://rebinding.example/", net)
        assert net.connected == [(PUBLIC, 80)]


ELSEWHERE = ["http://127.0.0.1/", "//169.254.169.254/latest", "http://other.example/", "http://lantern.example:8000/x"]


@pytest.mark.parametrize("to", ELSEWHERE)
async def test_a_redirect_to_another_host_is_told_and_not_followed(call: Any, to: str) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"", "", "307 Moved", f"Location: {to}"))
        found = await fetched(call, "http://lantern.example/", net)
        assert f"redirects to another host: {to if '://' in to else 'http:' + to}\n" in found.text
        assert len(net.connected) == 1


BAD_TARGETS = {
    "file:///etc/passwd": BadAddress, "http://a@lantern.example/": BadAddress, "http://0x7f.1/": BadAddress,
    "/loop": Refused,
}  # fmt: skip


@pytest.mark.parametrize("to", BAD_TARGETS)
async def test_a_redirect_that_leads_nowhere_good_ends(call: Any, to: str) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"", "", "302 Found", f"Location: {to}"))
        with pytest.raises(BAD_TARGETS[to]):
            await fetched(call, "http://lantern.example/", net, redirects=3)
        assert len(net.connected) == (4 if to == "/loop" else 1)


async def test_www_and_https_are_the_same_host(call: Any) -> None:
    async with town() as net:
        await net.house(PUBLIC, answer(b"", "", "301 Moved", "Location: http://www.lantern.example/"))
        await net.house(OTHER, answer(b"light"))
        net.names["www.lantern.example"] = [[OTHER]]
        found = await fetched(call, "http://lantern.example/", net)
        assert found.text.startswith(
            "http://www.lantern.example/: status 200, text/plain, 5 characters, redirected from "
        )


ODD = [
    "http://0x7f.1/", "http://2130706433/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1.:1e3/",
    "http://017700000001/", "http://0x7f000001/", "http://1.2.3/", "http://a.0x10/", "http://user@lantern.example/",
    "http://user:pass@lantern.example/", "http://lantern.example\\@127.0.0.1/", "http://lantern.example#@127.0.0.1:x/",
    "http://lantern.example:0/", "http://lantern.example:99999/", "http:///x", "http://", "ftp://lantern.example/",
    "file:///etc/passwd", "javascript:alert(1)", "data:text/plain,x", "http://lantern%2eexample/", "http://[::1%25eth0]/",
    "http://[fe80::1%eth0]/", "http://lan tern.example/", "http://lantern.example/\r\nHost: x", "http://lantern..example/",
    "http://-a-.example/", "http://[::1", "http://[1.2.3.4]/", "http://" + "a" * 64 + ".example/", "//x/",
    "http://\u2100.example/", "http://x.example/\u2028",
]  # fmt: skip


def test_odd_spellings_are_no_addresses() -> None:
    taken = []
    for url in ODD:
        try:
            taken.append((url, place_of(url).url))
        except BadAddress:
            continue
    # what stands behind # goes nowhere: that host is the one before it
    assert taken == [("http://lantern.example#@127.0.0.1:x/", "http://lantern.example/")]


SAME = {
    "HTTP://Lantern.EXAMPLE.:80/a b"[:-2]: "http://lantern.example/a",
    "https://b\u00fccher.example/\u00e4?q=\u00e4#x": "https://xn--bcher-kva.example/%C3%A4?q=%C3%A4",
    "http://\uff11\uff12\uff17.0.0.1/": "http://127.0.0.1/",
    "http://[0:0::1]:8000": "http://[::1]:8000/",
    "http://lantern.example?x=1": "http://lantern.example/?x=1",
    "http://fa\u00df.example/%2e%2e/a%20b": "http://xn--fa-hia.example/%2e%2e/a%20b",
}


def test_one_page_has_one_address() -> None:
    assert {url: place_of(url).url for url in SAME} == SAME


async def test_a_person_sees_the_address_that_is_asked(call: Any) -> None:
    (tool,) = Plugin(Config()).register_tools(None)  # type: ignore[arg-type]
    assert await tool.preview(FetchArguments("https://l\u0430ntern.example"), call) == "https://xn--lntern-3nf.example/"
    for url in ("http://127.0.0.1/", "http://0x7f.1/"):
        with pytest.raises(ToolError):
            await tool.preview(FetchArguments(url), call)


HOSTS = [
    ({"denied": ("*.example",)}, "http://lantern.example/", "deny"),
    ({"denied": ("lantern.example",), "allowed": ("lantern.example",)}, "http://lantern.example/", "deny"),
    ({"allowed": ("*.lantern.example",)}, "http://lantern.example/", "allow certain hosts"),
    ({"allowed": ("tern.example",)}, "http://lantern.example/", "allow certain hosts"),
    ({}, "http://lantern.example:22/", "Port 22"),
    ({"private": ("lantern.example",)}, "http://lantern.example:6379/", "Port 6379"),
    ({"private": ("10.0.0.1:8000",)}, "http://10.0.0.2:8000/", "private"),
    ({"private": ("169.254.169.254",)}, "http://169.254.169.254/", "link-local"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "url", "why"), HOSTS)
async def test_the_settings_say_which_hosts(call: Any, config: dict[str, Any], url: str, why: str) -> None:
    async with town() as net:
        with pytest.raises(Refused, match=why):
            await fetched(call, url, net, **config)
        assert net.connected == []


async def test_a_host_that_the_settings_name_may_be_private(call: Any) -> None:
    async with town() as net:
        port = await net.house("10.0.0.7", answer(b"wiki"))
        net.names["wiki.example"] = [["10.0.0.7"]]
        found = await fetched(call, "http://wiki.example/", net, private=("wiki.example",), allowed=("x.example",))
        assert inside(found) == "wiki"
        with pytest.raises(OSError, match="refused"):
            await Internet().connect("127.0.0.2", port)
        found = await fetched(call, f"http://127.0.0.1:{port}/", private=(f"127.0.0.1:{port}",))  # the real network
        assert inside(found) == "wiki"
        with pytest.raises(Refused):
            await fetched(call, f"http://127.0.0.1:{port}/", private=(f"127.0.0.2:{port}",))


@pytest.mark.parametrize("host", ["http://x", "x.example/a", "", "*", "x:99999", "0x7f.1", "b\u00fccher.example"])
def test_a_host_in_the_settings_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ConfigError):
        Plugin(Config(private=(host,)))


async def test_proxies_of_the_environment_are_not_used(call: Any) -> None:
    async with town() as net:
        port = await net.house("10.0.0.7", answer(b"from the proxy"))
        names = ("http_proxy", "HTTP_PROXY", "all_proxy")
        before = {name: os.environ.get(name) for name in names}
        os.environ |= dict.fromkeys(names, f"http://127.0.0.1:{port}")
        try:
            with pytest.raises(NoConnection):
                await fetched(call, "http://nowhere.invalid/")
        finally:
            for name in names:
                os.environ.pop(name)
            os.environ |= {name: value for name, value in before.items() if value is not None}
        assert net.heads == []
