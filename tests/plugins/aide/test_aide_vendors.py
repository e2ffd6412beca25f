"""Each provider of a model_configuration, as the editor writes it: where it is asked, and for which model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion_aide.asked import ModelConfiguration
from pillion_aide.vendors import Target, Unusable, target
from pillion_runtime.testing import Reply, Status, replies

from .shared import Home
from .sidecar import KEY as CANARY
from .sidecar import models, sidecar

KEY = "key-of-a-test"
LLM_TYPES = [
    "Mixtral",
    "MistralInstruct",
    "Gpt4",
    "Gpt4OMini",
    "GPT3_5_16k",
    "Gpt4_32k",
    "Gpt4Turbo",
    "Gpt4O",
    "gpt-4o",
    "DeepSeekCoder1.3BInstruct",
    "DeepSeekCoder6BInstruct",
    "DeepSeekCoder33BInstruct",
    "DeepSeekCoderV2",
    "deepseek/deepseek-chat",
    "deepseek/deepseek-r1",
    "CodeLlama70BInstruct",
    "CodeLlama13BInstruct",
    "CodeLlama7BInstruct",
    "ClaudeOpus",
    "ClaudeSonnet",
    "ClaudeSonnet3_7",
    "ClaudeHaiku",
    "PPLXSonnetSmall",
    "CohereRerankV3",
    "GeminiPro1.5",
    "gemini-1.5-pro",
    "GeminiProFlash",
    "gemini-2.0-flash-exp",
    "gemini-2.0-flash",
    "gemini-2.0-flash-thinking-exp-1219",
    "gemini-2.0-pro-exp-02-05",
    "Llama3_8bInstruct",
    "Llama3_1_8bInstruct",
    "Llama3_1_70bInstruct",
    "o1-preview",
    "o1-mini",
    "o1",
    "o3-mini",
    "my-own-model",
]


def found(provider: Any, entry: Any, model: str = "Gpt4O") -> Target:
    said = msgspec.convert(models(provider, entry, model), ModelConfiguration)
    return target(said, model)


@pytest.mark.parametrize(
    ("provider", "entry", "wire", "base_url"),
    [
        ("OpenAI", {"OpenAI": {"api_key": KEY}}, "chat", "https://api.openai.com/v1"),
        ("Anthropic", {"Anthropic": {"api_key": KEY}}, "messages", "https://api.anthropic.com"),
        ("TogetherAI", {"TogetherAI": {"api_key": KEY}}, "chat", "https://api.together.xyz/v1"),
        ("Ollama", {"Ollama": {}}, "chat", "http://localhost:11434/v1"),
        ("LMStudio", {"LMStudio": {"api_base": "http://localhost:1234"}}, "chat", "http://localhost:1234/v1"),
        (
            {"Azure": {"deployment_id": "mine"}},
            {
                "OpenAIAzureConfig": {
                    "deployment_id": "",
                    "api_base": "https://a.example/",
                    "api_key": KEY,
                    "api_version": "2024-06-01",
                }
            },
            "chat",
            "https://a.example/openai/deployments/mine",
        ),
        (
            "OpenAICompatible",
            {"OpenAICompatible": {"api_key": KEY, "api_base": "http://b.example/v1"}},
            "chat",
            "http://b.example/v1",
        ),
        ("FireworksAI", {"FireworksAI": {"api_key": KEY}}, "chat", "https://api.fireworks.ai/inference/v1"),
        (
            "GeminiPro",
            {"GeminiPro": {"api_key": KEY, "api_base": "project"}},
            "chat",
            "https://us-central1-aiplatform.googleapis.com/v1/projects/project/locations/us-central1/endpoints/openapi",
        ),
        (
            "GoogleAIStudio",
            {"GoogleAIStudio": {"api_key": KEY}},
            "chat",
            "https://generativelanguage.googleapis.com/v1beta/openai",
        ),
        ("OpenRouter", {"OpenRouter": {"api_key": KEY}}, "chat", "https://openrouter.ai/api/v1"),
        ("Groq", {"GroqProvider": {"api_key": KEY}}, "chat", "https://api.groq.com/openai/v1"),
    ],
)
def test_a_provider_is_asked_at_its_place(provider: Any, entry: Any, wire: str, base_url: str) -> None:
    one = found(provider, entry)
    assert (one.wire, one.base_url) == (wire, base_url)
    assert one.key == ("" if one.provider in ("Ollama", "LMStudio") else KEY)
    if one.provider == "Azure":
        assert one.query == {"api-version": "2024-06-01"} and one.headers == {"api-key": KEY}


@pytest.mark.parametrize(
    ("provider", "entry"),
    [
        ({"CodeStory": {"llm_type": None}}, {"CodeStory": {"access_token": "t"}}),
        ("Anthropic", {"OpenAI": {"api_key": KEY}}),
        ("OpenAI", {"OpenAI": {"api_key": ""}}),
        ("Unheard", {"Unheard": {}}),
        (None, {"OpenAI": {"api_key": KEY}}),
        ("OpenAICompatible", {"OpenAICompatible": {"api_key": KEY, "api_base": "file:///etc"}}),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(provider: Any, entry: Any) -> None:
    with pytest.raises(Unusable, match=r"^[A-Z].*\.$"):
        found(provider, entry)


AZURE = "OpenAIAzureConfig"
ASKED: list[tuple[Any, str, dict[str, str], str]] = [
    ("OpenAI", "OpenAI", {"api_key": KEY}, "gpt-4o"),
    ("Anthropic", "Anthropic", {"api_key": KEY}, "Gpt4O"),
    ("TogetherAI", "TogetherAI", {"api_key": KEY}, "Gpt4O"),
    ("Ollama", "Ollama", {}, "Gpt4O"),
    ("LMStudio", "LMStudio", {"api_base": "@"}, "Gpt4O"),
    ({"Azure": {"deployment_id": "mine"}}, AZURE, {"api_base": "https://a.example", "api_key": KEY}, "Gpt4O"),
    ("OpenAICompatible", "OpenAICompatible", {"api_base": "@/v1", "api_key": KEY}, "Gpt4O"),
    ("FireworksAI", "FireworksAI", {"api_key": KEY}, "Gpt4O"),
    ("GeminiPro", "GeminiPro", {"api_key": KEY, "api_base": "project"}, "Gpt4O"),
    ("GoogleAIStudio", "GoogleAIStudio", {"api_key": KEY}, "Gpt4O"),
    ("OpenRouter", "OpenRouter", {"api_key": KEY}, "openai/gpt-4o"),
    ("Groq", "GroqProvider", {"api_key": KEY}, "Gpt4O"),
]  # fmt: skip
"""Each as the editor writes it, at a server of this machine, and the model that this is asked for."""


async def test_each_provider_is_asked_with_its_key_and_verified(home: Home) -> None:
    answers = [Reply(words) for _ in ASKED for words in ("yes", "It is so.")]
    async with home.sidecar(replies(*answers)) as aide:
        for number, (provider, entry, given, model) in enumerate(ASKED):
            settings = {name: value.replace("@", aide.vendor.url) for name, value in given.items()}
            config = models(provider, {entry: settings}, fast="Gpt4O")
            verified = await aide.post("verify_model_config", {"model_configuration": config})
            assert verified.body == b'{"valid":true,"error":null}', provider
            said = aide.message("Is it?", f"e{number}", f"{aide.session}-{number}", model_configuration=config)
            assert "It is so." in str((await aide.post("agent_session_chat", said)).told), provider
            for asked in aide.vendor.asked[-2:]:
                assert asked.model == model and asked.format == ("messages" if entry == "Anthropic" else "chat")
                told = asked.headers["api-key" if entry == AZURE else "authorization"]
                key = KEY if "api_key" in given else "none"
                assert told == (key if entry == AZURE else f"Bearer {key}"), provider


async def test_a_model_of_pillions_answers_whatever_the_configuration_says(tmp_path: Path) -> None:
    program = replies(Reply("Here I am."), Reply("yes"), Reply(fault=Status(401)))
    async with sidecar(tmp_path, program, 'model = "auto"') as aide:
        said = aide.message("Who?", model_configuration={})
        assert "Here I am." in str((await aide.post("agent_session_chat", said)).told)
        verified = await aide.post("verify_model_config", {"model_configuration": {}})
        assert verified.body == b'{"valid":true,"error":null}'
        refused = json.loads((await aide.post("verify_model_config", {"model_configuration": models()})).body)
        assert refused["valid"] is False and "401" in refused["error"]
        assert [asked.model for asked in aide.vendor.asked] == ["scripted"] * 3


async def test_models_of_pillions_answer_where_the_editors_can_not(tmp_path: Path) -> None:
    program = replies(Reply(fault=Status(401)), Reply("Instead."), Reply("As asked."))
    async with sidecar(tmp_path, program, 'fall_back = ["chat/scripted"]') as aide:
        first = await aide.post("agent_session_chat", aide.message("Who?", "e1"))
        assert "Instead." in str(first.told) and "Error" not in str(first.told)
        second = await aide.post("agent_session_chat", aide.message("And now?", "e2"))
        assert "As asked." in str(second.told)
        assert [asked.model for asked in aide.vendor.asked] == ["gpt-4o", "scripted", "gpt-4o"]
        assert aide.vendor.asked[1].headers["authorization"] != f"Bearer {CANARY}"


async def test_a_configuration_without_its_provider_is_answered_by_a_sentence(home: Home) -> None:
    """What the sidecar sent to its cloud then."""
    config = models("Anthropic", {"OpenAI": {"api_key": KEY}})
    async with home.sidecar(replies()) as aide:
        answer = await aide.post("agent_tool_use", aide.message("x", access_token="t", model_configuration=config))
        assert answer.told == [
            {"Error": {"message": "The settings hold no key of Anthropic. Add one, or choose another provider."}}
        ]
        assert aide.vendor.asked == []


@pytest.mark.parametrize("model", LLM_TYPES)
def test_each_model_name_decodes_and_an_unknown_one_goes_as_it_is(model: str) -> None:
    asked = found("OpenAICompatible", {"OpenAICompatible": {"api_key": KEY, "api_base": "http://b.example/v1"}}, model)
    assert asked.model == model
    assert found("Anthropic", {"Anthropic": {"api_key": KEY}}, "ClaudeSonnet3_7").model == "claude-3-7-sonnet-20250219"
