"""Anthropic's models: prices in US dollars a million tokens (input, output, read from the cache).

Source: platform.claude.com/docs/en/models, November 2026. Others: `[plugins.anthropic.models."NAME"]`.
"""

from __future__ import annotations

from pillion.values import ModelInfo, Price


def _model(
    name: str, input: float, output: float, cached: float, context: int = 1_000_000, longest: int = 128_000
) -> ModelInfo:
    price = Price(input, output, cached)
    return ModelInfo(f"anthropic/{name}", context, longest, images=True, thinking=True, price=price)


MODELS = (
    _model("claude-sonnet-5-5", 2.0, 10.0, 0.20),
    _model("claude-opus-5-5", 4.0, 20.0, 0.40),
    _model("claude-haiku-5-5", 0.50, 2.50, 0.05),  # a fifth of that for prompts up to 100,000 tokens
    _model("claude-fable-5-1", 10.0, 50.0, 1.00),
    _model("claude-opus-5", 5.0, 25.0, 0.50),
    _model("claude-sonnet-5", 2.0, 10.0, 0.20),
    _model("claude-haiku-4-5", 1.0, 5.0, 0.10, 200_000, 64_000),
)
"""The first is what `auto` takes."""

UNKNOWN = ModelInfo("anthropic/", context=200_000, output=32_000, images=True, thinking=True)
"""What is assumed of a model that the table does not have: every one of the last years can do that."""
