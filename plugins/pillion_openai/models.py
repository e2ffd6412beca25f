"""OpenAI's models: prices in US dollars a million tokens (input, output, cached), for prompts under 272,000 tokens.

Sources: developers.openai.com/api/docs/models and /pricing, November 2026. Others: `[plugins.openai.models."NAME"]`.
"""

from __future__ import annotations

from pillion.values import ModelInfo, Price


def _model(name: str, input: float, output: float, cached: float) -> ModelInfo:
    return ModelInfo(
        name=f"openai/{name}",
        context=1_050_000,
        output=128_000,
        images=True,
        thinking=True,
        price=Price(input, output, cached),
    )


MODELS = (
    _model("gpt-6.2-sol", 2.0, 10.0, 0.20),
    _model("gpt-6-astra", 10.0, 50.0, 1.00),
    _model("gpt-6-luna", 0.10, 0.50, 0.01),
    _model("gpt-5.6-sol", 4.0, 20.0, 0.40),
    _model("gpt-5.6-luna", 0.20, 1.20, 0.02),
    _model("gpt-5.5", 5.0, 30.0, 0.50),
)
"""The first is what `auto` takes."""

UNKNOWN = ModelInfo(name="openai/", context=128_000, output=16_384, images=True)
"""What is assumed of a model that the table does not have."""
