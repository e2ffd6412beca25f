"""Whom this plugin asks for a provider that speaks to an address with a key of somebody else's."""

from __future__ import annotations

from collections.abc import Mapping

from pillion import Provider, hookspec
from pillion.keys import Key


class AideHooks:
    """Asked for each request of an editor that brings a key of its own."""

    @hookspec
    def open_provider(
        self, wire: str, base_url: str, key: Key, official: bool, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Provider | None:
        """A provider of its own for one request, None for a protocol that this plugin does not speak: `wire` is
        `messages` (Anthropic's) or `chat` (OpenAI's chat completions). A model is asked for by its id at the vendor,
        behind the provider's name and a slash. `official`: it is the vendor's own server; `query` and `headers` go with
        every request. What it opens it closes in `aclose`. A plugin that also works without this one marks its answer
        with `@hookimpl(optionalhook=True)`.
        """
