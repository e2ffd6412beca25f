"""Settings and registration: OpenAI's own models where there is a key, and the named servers."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from pillion.contracts.provider import Provider
from pillion.errors import ConfigError, MissingLibrary
from pillion.hookspecs import hookimpl
from pillion.keys import Key
from pillion.modelconfig import KnownModels, ModelConfig, Tokens
from pillion.settings import Environment
from pillion.tokens import ESTIMATE
from pillion.values import ModelInfo
from pillion_http.certificates import Certificates
from pillion_http.keptclient import KeptClient

from .provider import OpenAIProvider, Server
from .tokens import TOKENIZERS

Api = Literal["chat", "responses"]
Tools = Literal["native", "constrained", "tags", "none"]
TABLE = Path(__file__).with_name("models.toml")


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.openai.servers.NAME]`. `models`: their names, or a table of each; the rest holds for all of them."""

    base_url: str
    key_env: str = ""
    key_command: tuple[str, ...] = ()
    api: Api = "chat"
    models: tuple[str, ...] | Mapping[str, ModelConfig] = ()
    context: Tokens = 32_768
    output: Tokens = 8_192
    tools: Tools = "native"
    images: bool = False


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.openai]`. The key: of the environment, else what `key_command` (a program and its arguments) prints,
    else of the key file, by the name of the provider."""

    key_env: str = "OPENAI_API_KEY"
    key_command: tuple[str, ...] = ()
    base_url: str = "https://api.openai.com/v1"
    api: Api = "responses"
    models: Mapping[str, ModelConfig] = {}
    servers: Mapping[str, ServerConfig] = {}


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """OpenAI's models, and every OpenAI-compatible server by a name of yours."""

    Config = Config

    def __init__(self, config: Given) -> None:
        if importlib.util.find_spec("openai") is None:
            raise MissingLibrary("The library openai is not installed.", hint="pip install openai")
        for name, server in config.servers.items():
            _check(name, server)
            given = server.models if isinstance(server.models, Mapping) else {}
            _check_tokenizers(f"servers.{name}.models", given)
        _check_tokenizers("models", config.models)
        self._models = KnownModels("openai", TABLE, config.models)
        if config.api == "responses" and any(model.tools == "constrained" for model in config.models.values()):
            hint = 'Set api = "chat".'
            raise ConfigError("Constrained tools need chat completions.", plugin="openai", key="api", hint=hint)
        self._config = config
        self._providers: list[OpenAIProvider] = []
        self._certificates = Certificates()
        self._kept = KeptClient()
        self.hint = ""
        """How to get models of this plugin, when it has no key."""

    @hookimpl
    def register_providers(self, environment: Environment) -> Sequence[Provider]:
        """OpenAI itself only with a key, so that `auto` passes it over; a server may need none."""
        config = self._config
        keyring = environment.keyring
        key = keyring.key("openai", config.key_env, config.key_command)
        self.hint = "" if key else key.hint
        official = Server("openai", config.base_url, key, config.api, self._models.known, self._models.unknown, True)
        servers = [official] if key else []
        for name, server in config.servers.items():
            servers.append(_server(name, server, keyring.key(name, server.key_env, server.key_command)))
        self._providers = [OpenAIProvider(server, self._certificates) for server in servers]
        return self._providers

    @hookimpl(optionalhook=True)
    def open_provider(
        self, wire: str, base_url: str, key: Key, official: bool, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Provider | None:
        """One for a single request that brings its own key."""
        if wire != "chat":
            return None
        unknown = ModelInfo("aide/", 128_000, 8_192, images=True)
        server = Server("aide", base_url, key, "chat", {}, unknown, official, query, headers)
        return OpenAIProvider(server, self._certificates, self._kept)

    @hookimpl
    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Closes the clients' connections at the end."""
        return self._closing()

    @asynccontextmanager
    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for provider in self._providers:
                await provider.aclose()
            await self._kept.aclose()


def _server(name: str, config: ServerConfig, key: Key) -> Server:
    unknown = ModelInfo(f"{name}/", config.context, config.output, config.tools, config.images)
    given = config.models if isinstance(config.models, Mapping) else dict.fromkeys(config.models, ModelConfig())
    models = {f"{name}/{model}": said.over(replace(unknown, name=f"{name}/{model}")) for model, said in given.items()}
    return Server(name, config.base_url, key, config.api, models, unknown)


def _check(name: str, server: ServerConfig) -> None:
    """Raises ConfigError for what would only fail later."""
    if name == "openai" or "/" in name or not name:
        raise _wrong(name, "", f"A server can't be named {name!r}.", "Take another name, without `/`.")
    if not server.base_url.startswith(("http://", "https://")):
        raise _wrong(name, ".base_url", "base_url is no http URL.", 'Write it like "http://127.0.0.1:8089/v1".')
    if server.api == "responses" and server.tools == "constrained":
        raise _wrong(name, ".tools", "Constrained tools need chat completions.", 'Set api = "chat".')


def _check_tokenizers(at: str, models: Mapping[str, ModelConfig]) -> None:
    """Raises ConfigError for a tokenizer that is not here."""
    known = (*TOKENIZERS, ESTIMATE, "")
    for name, said in models.items():
        if said.tokenizer is not None and said.tokenizer not in known:
            hint = f"There are: {', '.join(filter(None, known))}."
            message = f"There is no tokenizer {said.tokenizer!r}."
            raise ConfigError(message, plugin="openai", key=f'{at}."{name}".tokenizer', hint=hint)


def _wrong(name: str, key: str, message: str, hint: str) -> ConfigError:
    return ConfigError(f"Server {name!r}: {message}", plugin="openai", key=f"servers.{name}{key}", hint=hint)
