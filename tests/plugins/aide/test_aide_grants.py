"""Whom the key of a request serves."""

from __future__ import annotations

from pathlib import Path

from pillion import events as e
from pillion.testing.kit import kernel_host
from pillion.testing.scripted import ProviderPlugin
from pillion_aide.grants import Grant, GrantedProvider, Grants


async def test_a_key_that_is_held_for_one_turn_serves_no_other(tmp_path: Path) -> None:
    grants = Grants()
    async with kernel_host(tmp_path, plugins={"aide": ProviderPlugin(GrantedProvider(grants))}) as host:
        grants.kernel = host.kernel
        session = await host.open()
        grant = Grant({"aide/any": (host.provider, "any")})
        grant.bind("another turn")
        grants.hold(session.id, grant)
        ended = await host.run(session, "hi", model="aide/any")
        assert isinstance(ended, e.TurnFailed) and ended.code == "provider_refused"
