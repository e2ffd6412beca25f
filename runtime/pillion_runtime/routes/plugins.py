"""The plugins, what became of each, and the switch of each."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec import Struct
from quart import Blueprint, Response

from pillion.errors import ConfigError
from pillion.plugins import PluginState

from ..bodies import Listed, answer, read
from ..described import described
from ..host import Host
from ..switching import Switched, switch

SHOWN: dict[str, Any] = {
    "name": "house_rules",
    "state": "off",
    "version": "",
    "source": "./house_rules.py:Plugin",
    "summary": "Policy: the rules of the house.",
    "hooks": [],
    "settings": None,
    "reason": "",
    "pending": "on",
}


class PluginChange(Struct, frozen=True, forbid_unknown_fields=True):
    """PATCH /api/plugins/{name}. `persist`: the user's settings file is to say so, too, its comments kept."""

    enabled: bool
    persist: bool = False


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("plugins", __name__)
    plugins = host.kernel.host

    @routes.get("/api/plugins")
    @described(answers={200: Listed[PluginState]})
    async def list_plugins() -> Response:
        """What became of each plugin that the settings list.

        The settings are read again for it: `pending` says what the next start would make another thing of.
        """
        _look_again()
        return answer(Listed(plugins.states()))

    @routes.get("/api/plugins/<name>")
    @described(answers={200: PluginState})
    async def show_plugin(name: str) -> Response:
        """One plugin."""
        _look_again()
        return answer(plugins.told(name))

    @routes.patch("/api/plugins/<name>")
    @described(
        body=PluginChange,
        answers={200: Switched},
        errors=(409, 429, 503),
        example={"enabled": False},
        shows={"plugin": SHOWN, "takes_effect": "next_turn", "written": None, "note": ""},
    )
    async def switch_plugin(name: str) -> Response:
        """Switches a plugin on or off, from the next turn on, its routes too.

        A running turn keeps what it has. A plugin that can't be loaded is `quarantined` or `missing` in the answer, as
        after a start, and nothing is written. An installed plugin that no settings list yet can be switched on.

        404: no such plugin. 409 `conflict`: others need it; 409 `needs_restart`: it can't change while the server runs,
        so it needs `persist`, and `takes_effect` says `restart`. 422 `config`: the settings can't be read.
        """
        host.expect_work()
        wanted = await read(PluginChange)
        return answer(await switch(host.kernel, name, wanted.enabled, wanted.persist))

    def _look_again() -> None:
        with suppress(ConfigError):  # what is in force is told all the same
            plugins.look_again()

    return routes
