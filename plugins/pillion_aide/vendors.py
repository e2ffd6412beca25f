"""The providers of a `model_configuration`: where each is, its protocol, and what a model is called there."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from pillion import PillionError

from .asked import ModelConfiguration

Wire = Literal["messages", "chat"]
TABLE = Path(__file__).with_name("models.toml")


class Unusable(PillionError):
    """The configuration names no model that can be asked. The sentence is for the person."""

    code = "aide_model"
    status = 422


class Vendor(Struct, frozen=True):
    """`entry` is the provider's name in the list `providers`. `base_url` may hold {} for the entry's `api_base`."""

    entry: str
    wire: Wire
    base_url: str
    official: bool = False


VENDORS: Mapping[str, Vendor] = {
    "OpenAI": Vendor("OpenAI", "chat", "https://api.openai.com/v1", official=True),
    "Anthropic": Vendor("Anthropic", "messages", "https://api.anthropic.com"),
    "OpenAICompatible": Vendor("OpenAICompatible", "chat", "{}"),
    "Azure": Vendor("OpenAIAzureConfig", "chat", "{}/openai/deployments/{deployment}"),
    "OpenRouter": Vendor("OpenRouter", "chat", "https://openrouter.ai/api/v1"),
    "Ollama": Vendor("Ollama", "chat", "http://localhost:11434/v1"),
    "LMStudio": Vendor("LMStudio", "chat", "{}"),
    "TogetherAI": Vendor("TogetherAI", "chat", "https://api.together.xyz/v1"),
    "FireworksAI": Vendor("FireworksAI", "chat", "https://api.fireworks.ai/inference/v1"),
    "Groq": Vendor("GroqProvider", "chat", "https://api.groq.com/openai/v1"),
    "GoogleAIStudio": Vendor("GoogleAIStudio", "chat", "https://generativelanguage.googleapis.com/v1beta/openai"),
    "GeminiPro": Vendor(
        "GeminiPro",
        "chat",
        "https://us-central1-aiplatform.googleapis.com/v1/projects/{}/locations/us-central1/endpoints/openapi",
    ),
}
KEYLESS = frozenset({"Ollama", "LMStudio"})
CLOUD = "CodeStory"
TAGGED = (
    "*/CodeLlama*", "*/DeepSeekCoder*", "*/Mistral*", "*/Mixtral", "*/Llama3_8b*", "*/PPLX*", "*/o1-mini",
    "*/o1-preview",
)  # fmt: skip
"""Patterns of models that have no tools of their own, as the editor names provider and model."""


class Target(Struct, frozen=True):
    """One model to ask. `model` is its id at the vendor; `query` and `headers` go with each request. `tags`: it has no
    tools of its own, and writes calls as tags."""

    provider: str
    wire: Wire
    base_url: str
    key: str
    model: str
    official: bool = False
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    tags: bool = False

    @property
    def name(self) -> str:
        """The model as sessions and logs name it."""
        return f"aide/{self.provider}/{self.model}"


def target(
    said: ModelConfiguration, model: str, addresses: Mapping[str, str] = {}, names: Mapping[str, str] = {}
) -> Target:
    """Whom to ask for that model of the configuration. `addresses` are base URLs by provider, `names` the ids of models
    that take the place of the shipped ones. Raises Unusable."""
    entry = said.models.get(model)
    provider, given = _tagged(entry.provider if entry else None)
    if not model or not provider:
        raise Unusable("The settings name no provider for the model. Choose a model and its provider in the settings.")
    vendor = VENDORS.get(provider)
    if vendor is None:
        reason = "its cloud is gone" if provider == CLOUD else "it is not known"
        raise Unusable(f"Models of {provider} can't be asked: {reason}. Choose another provider in the settings.")
    settings = next((found for name, found in map(_tagged, said.providers) if name == vendor.entry), None)
    if settings is None:
        raise Unusable(f"The settings hold no key of {provider}. Add one, or choose another provider.")
    key = str(settings.get("api_key") or "")
    if not key and provider not in KEYLESS:
        raise Unusable(f"The settings hold an empty key of {provider}. Add one, or choose another provider.")
    deployment = str(given.get("deployment_id") or settings.get("deployment_id") or "")
    azure = provider == "Azure"
    return Target(
        provider=provider,
        wire=vendor.wire,
        base_url=addresses.get(provider) or _address(provider, vendor, settings, deployment),
        key=key,
        model=names.get(model) or _table().get(provider, {}).get(model, model),
        official=vendor.official,
        query={"api-version": str(settings.get("api_version") or "2024-10-21")} if azure else {},
        headers={"api-key": key} if azure else {},
    )


def _address(provider: str, vendor: Vendor, settings: Mapping[str, Any], deployment: str) -> str:
    base = str(settings.get("api_base") or "").rstrip("/")
    if "{}" not in vendor.base_url:
        return vendor.base_url
    if vendor.base_url.startswith("{}") and not base.startswith(("http://", "https://")):
        raise Unusable(f"The api_base of {provider} is no http address.")
    if provider == "LMStudio" and base.count("/") == 2:
        base += "/v1"
    return vendor.base_url.replace("{deployment}", deployment).replace("{}", base)


def _tagged(value: Any) -> tuple[str, Mapping[str, Any]]:
    """A name, or an object whose one key is the name."""
    match value:
        case str():
            return value, {}
        case dict() if len(value) == 1:
            ((name, inner),) = value.items()
            return str(name), inner if isinstance(inner, dict) else {}
        case _:
            return "", {}


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(TABLE.read_text("utf-8"))
