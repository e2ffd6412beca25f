"""Settings and registration."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pillion.contracts.provider import Provider
from pillion.errors import ConfigError, MissingLibrary
from pillion.hookspecs import hookimpl
from pillion.keys import Key
from pillion.modelconfig import KnownModels, ModelConfig
from pillion.settings import Environment
from pillion.tokens import ESTIMATE
from pillion_http.certificates import Certificates
from pillion_http.keptclient import KeptClient

from .provider import AnthropicProvider
from .tokens import TOKENIZERS

TABLE = Path(__file__).with_name("models.toml")


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.anthropic]`. `thinking`: `default` leaves it to the vendor; a number is a budget, in tokens.

    The key: of the environment, else what `key_command` (a program and its arguments) prints, else of the key file.
    """

    key_env: str = "ANTHROPIC_API_KEY"
    key_command: tuple[str, ...] = ()
    base_url: str = "https://api.anthropic.com"
    thinking: Literal["default", "adaptive", "off"] | Annotated[int, Meta(ge=1024)] = "default"
    models: Mapping[str, ModelConfig] = {}


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Anthropic's models."""

    Config = Config

    def __init__(self, config: Given) -> None:
        if importlib.util.find_spec("anthropic") is None:
            raise MissingLibrary("The library anthropic is not installed.", hint="pip install anthropic")
        if not config.base_url.startswith(("http://", "https://")):
            hint = 'Write it like "https://api.anthropic.com".'
            raise ConfigError("base_url is no http URL.", plugin="anthropic", key="base_url", hint=hint)
        self._models = KnownModels("anthropic", TABLE, config.models)
        for model in self._models.known.values():
            if model.tools == "constrained":
                key, hint = f'models."{model.name.partition("/")[2]}".tools', 'Leave it out, or write "none".'
                raise ConfigError("Constrained tools need chat completions.", plugin="anthropic", key=key, hint=hint)
            if model.tokenizer not in (*TOKENIZERS, ESTIMATE, ""):
                key, hint = f'models."{model.name.partition("/")[2]}".tokenizer', f"There are: {', '.join(TOKENIZERS)}."
                raise ConfigError("There is no such tokenizer.", plugin="anthropic", key=key, hint=hint)
        self._config = config
        self._providers: list[AnthropicProvider] = []
        self._certificates = Certificates()
        self._kept = KeptClient()
        self.hint = ""
        """How to get models of this plugin, when it has no key."""

    @hookimpl
    def register_providers(self, environment: Environment) -> Sequence[Provider]:
        """Only with a key, so that `auto` passes it over."""
        config = self._config
        key = environment.keyring.key("anthropic", config.key_env, config.key_command)
        self.hint = "" if key else key.hint
        if not key:
            return []
        self._providers = [AnthropicProvider(config.base_url, key, self._models, config.thinking, self._certificates)]
        return self._providers

    @hookimpl(optionalhook=True)
    def open_provider(self, wire: str, base_url: str, key: Key) -> Provider | None:
        """One for a single request that brings its own key."""
        if wire != "messages":
            return None
        thinking = self._config.thinking
        return AnthropicProvider(base_url, key, self._models, thinking, self._certificates, self._kept)

    @hookimpl
    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Closes the client's connections at the end."""
        return self._closing()

    @asynccontextmanager
    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for provider in self._providers:
                await provider.aclose()
            await self._kept.aclose()
