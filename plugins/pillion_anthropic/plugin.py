"""Settings and registration."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from pillion.contracts.provider import Provider
from pillion.errors import ConfigError, MissingLibrary
from pillion.hookspecs import hookimpl
from pillion.settings import Environment
from pillion.values import Price

from .models import MODELS, UNKNOWN
from .provider import AnthropicProvider

Tokens = Annotated[int, Meta(ge=1)]


class ModelConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.anthropic.models."NAME"]`: what is not said is taken from the table, or assumed. Sizes are tokens."""

    context: Tokens | None = None
    output: Tokens | None = None
    tools: Literal["native", "none"] | None = None
    images: bool | None = None
    thinking: bool | None = None
    price: Price | None = None


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.anthropic]`. `thinking`: `default` leaves it to the vendor; a number is a budget, in tokens."""

    key_env: str = "ANTHROPIC_API_KEY"
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
        self._config = config
        self._providers: list[AnthropicProvider] = []
        self.hint = ""
        """How to get models of this plugin, when it has no key."""

    @hookimpl
    def register_providers(self, environment: Environment) -> Sequence[Provider]:
        """Only with a key, so that `auto` passes it over."""
        config = self._config
        key = environment.secret(config.key_env)
        self.hint = "" if key else f"Set {config.key_env} for Anthropic's models."
        if not key:
            return []
        models = {model.name: model for model in MODELS}
        for name, given in config.models.items():
            full = f"anthropic/{name}"
            said = {field: value for field in given.__struct_fields__ if (value := getattr(given, field)) is not None}
            models[full] = replace(models.get(full) or replace(UNKNOWN, name=full), **said)
        hint = f"Check the key in ${config.key_env}."
        self._providers = [AnthropicProvider(config.base_url, key, models, config.thinking, hint)]
        return self._providers

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
