# ruff: noqa: E501 (words of the servers are quoted whole)
"""What servers say about a call that failed, in their own words, and which error that is."""

import pytest

from pillion.errors import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    ProviderBusy,
    ProviderDown,
    QuotaSpent,
    RequestTooLarge,
    WrongBaseUrl,
)
from pillion.vendorfaults import failure, reported, retry_after


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            400,
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens.",
        ),
        (400, "Your input exceeds the context window of this model. Please adjust your input and try again."),
        (400, "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens."),
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 143653 + 64000 > 200000"),
        # llama.cpp, of several years
        (
            400,
            "the request exceeds the available context size. try increasing the context size or enable context shift",
        ),
        (400, "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it"),
        (500, "Context size has been exceeded."),
        (500, "Requested tokens (2285) exceed context window of 2048"),
        # vLLM
        (400, "max_tokens must be at least 1, got -186."),
        (400, "The decoder prompt (length 30000) is longer than the maximum model length of 8192."),
        # LM Studio
        (
            400,
            "Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with 4096",
        ),
        (400, "The number of tokens to keep from the initial prompt is greater than the context length."),
        (0, "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)"),
        # Ollama
        (400, "prompt too long; exceeded max context length by 1200 tokens"),
        (500, "the input length exceeds the context length"),
        # OpenRouter, Gemini's compatible endpoint
        (400, "This endpoint's maximum context length is 32768 tokens. However, you requested about 42832 tokens"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    ],
)
def test_an_overflow_is_known_in_every_servers_words(status, message):
    assert type(failure("local", reported(status, {"error": {"message": message}}))) is ContextOverflow


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # what sounds alike and is none
        (429, '{"error":{"message":"Too many tokens in this minute.","type":"rate_limit_error"}}', ProviderBusy),
        (400, '{"error":{"message":"Unknown parameter: context_length."}}', BadRequest),
        (500, '{"error":{"message":"model runner has unexpectedly stopped"}}', ProviderDown),
        # vLLM, Ollama, FastAPI, LM Studio, Groq, OpenRouter, Azure
        (404, '{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}', ModelNotFound),
        (404, '{"error":{"message":"model \\"x\\" not found, try pulling it first","type":"api_error"}}', ModelNotFound),
        (404, '{"detail":"Not Found"}', WrongBaseUrl),
        (404, "<!DOCTYPE html><html><body>nginx</body></html>", WrongBaseUrl),
        (400, '{"error":"weird"}', BadRequest),
        (413, '{"error":{"message":"Request too large for model `x` on tokens per minute","type":"tokens","code":"rate_limit_exceeded"}}', RequestTooLarge),
        (0, '{"error":{"code":429,"message":"Rate limited upstream"}}', ProviderBusy),
        (0, '{"error":{"code":502,"message":"Provider returned error"}}', ProviderDown),
        (402, '{"error":{"code":402,"message":"Insufficient credits"}}', QuotaSpent),
        (400, '{"error":{"message":"filtered","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}', ContentFiltered),
        (400, "", BadRequest),
    ],
)  # fmt: skip
def test_words_of_compatible_servers(status, body, kind):
    assert type(failure("local", reported(status, body))) is kind


def test_an_unknown_wording_keeps_the_vendors_text():
    error = failure("local", reported(400, '{"error":{"message":"The moon is too full.","code":"lunar"}}'))
    assert (type(error), str(error)) == (BadRequest, "local answered 400: The moon is too full.")


def test_every_way_to_say_how_long():
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 11.054s.", 11.054),
        ("Please try again in 6m0s.", 360),
        ("Please try again in 250ms.", 0.25),
        ("Please try again in a while.", None),
    ],
)
def test_a_wait_that_only_the_words_tell(message, seconds):
    assert failure("openai", reported(0, {"code": "rate_limit_exceeded", "message": message})).retry_after == seconds
