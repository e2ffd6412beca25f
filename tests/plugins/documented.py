# ruff: noqa: E501 (words of the vendors are quoted whole)
"""The bodies that the vendors document for each kind of failure, word for word, by wire format."""

from pillion.errors import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
    QuotaSpent,
    RequestTooLarge,
    WrongBaseUrl,
)

FORMATS = ("messages", "chat", "responses")


def anthropic(kind: str, message: str) -> str:
    return f'{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}}'


def openai(message: str, kind: str, code: str | None = None, param: str | None = None) -> str:
    def text(value: str | None) -> str:
        return "null" if value is None else f'"{value}"'

    return f'{{"error":{{"message":"{message}","type":"{kind}","param":{text(param)},"code":{text(code)}}}}}'


MESSAGES = [
    (400, anthropic("invalid_request_error", "messages: at least one message is required"), BadRequest),
    (400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), ContextOverflow),
    (400, anthropic("invalid_request_error", "Output blocked by content filtering policy"), ContentFiltered),
    (400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), QuotaSpent),
    (400, anthropic("invalid_request_error", "You have reached your specified API usage limits."), QuotaSpent),
    (401, anthropic("authentication_error", "invalid x-api-key"), ProviderRefused),
    (402, anthropic("billing_error", "There is an issue with your billing."), QuotaSpent),
    (403, anthropic("permission_error", "Your API key does not have permission to use the specified resource."), ProviderRefused),
    (404, anthropic("not_found_error", "model: claude-none"), ModelNotFound),
    (404, anthropic("not_found_error", "Not Found"), WrongBaseUrl),
    (413, anthropic("request_too_large", "Request exceeds the maximum allowed number of bytes."), RequestTooLarge),
    (429, anthropic("rate_limit_error", "Your account has hit a rate limit."), ProviderBusy),
    (500, anthropic("api_error", "Internal server error"), ProviderDown),
    (504, anthropic("timeout_error", "The request timed out while processing."), ProviderDown),
    (529, anthropic("overloaded_error", "Overloaded"), ProviderBusy),
]  # fmt: skip
OPENAI = [
    (400, openai("Unsupported parameter: 'top_k'.", "invalid_request_error", "unsupported_parameter", "top_k"), BadRequest),
    (400, openai("Invalid prompt: we've limited access to this content for safety reasons.", "invalid_request_error", "invalid_prompt"), ContentFiltered),
    (400, openai("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "", "content_filter", "prompt"), ContentFiltered),
    (401, openai("Incorrect API key provided: sk-12345678.", "invalid_request_error", "invalid_api_key"), ProviderRefused),
    (403, openai("Project `p` does not have access to model `m`", "invalid_request_error", "model_not_found"), ModelNotFound),
    (404, openai("The model `m` does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"), ModelNotFound),
    (404, openai("Invalid URL (POST /v2/chat/completions)", "invalid_request_error"), WrongBaseUrl),
    (413, "<html><head><title>413 Request Entity Too Large</title></head></html>", RequestTooLarge),
    (429, openai("Rate limit reached for m in organization org-1 on requests per min. Limit: 3 / min.", "requests", "rate_limit_exceeded"), ProviderBusy),
    (429, openai("Request too large for m in organization org-1 on tokens per min (TPM): Limit 30000, Requested 34000.", "tokens", "rate_limit_exceeded"), RequestTooLarge),
    (429, openai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota"), QuotaSpent),
    (500, openai("The server had an error while processing your request.", "server_error"), ProviderDown),
    (503, openai("The engine is currently overloaded, please try again later", "server_error", "overloaded"), ProviderBusy),
]  # fmt: skip
CHAT = [
    *OPENAI,
    (400, openai("This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens.", "invalid_request_error", "context_length_exceeded", "messages"), ContextOverflow),
]  # fmt: skip
RESPONSES = [
    *OPENAI,
    (400, openai("Your input exceeds the context window of this model. Please adjust your input and try again.", "invalid_request_error", "context_length_exceeded", "input"), ContextOverflow),
]  # fmt: skip
BODIES = [
    (format_, *row)
    for format_, rows in zip(FORMATS, (MESSAGES, CHAT, RESPONSES), strict=True)
    for row in rows
]  # fmt: skip


def failed(code: str, message: str) -> str:
    """The events of the responses format that end an answer as failed."""
    return (
        'event: response.failed\ndata: {"type":"response.failed","sequence_number":9,"response":{"id":"resp_1",'
        f'"status":"failed","error":{{"code":"{code}","message":"{message}"}}}}}}\n\n'
    )


AMID = [
    ("messages", f"event: error\ndata: {anthropic('overloaded_error', 'Overloaded')}\n\n", ProviderBusy),
    ("messages", f"event: error\ndata: {anthropic('api_error', 'Internal server error')}\n\n", ProviderDown),
    ("messages", f"event: error\ndata: {anthropic('invalid_request_error', 'Output blocked by content filtering policy')}\n\n", ContentFiltered),
    ("chat", f"data: {openai('The server had an error processing your request.', 'server_error')}\n\n", ProviderDown),
    ("chat", 'data: {"error":{"code":429,"message":"Rate limit exceeded"},"choices":[]}\n\n', ProviderBusy),
    ("chat", 'event: error\ndata: {"error":{"message":"Trying to keep the first 9 tokens when context the overflows."}}\n\n', ContextOverflow),
    ("chat", 'data: {"error":{"message":"The moon is too full."}}\n\n', BadRequest),
    ("responses", failed("server_error", "The server had an error."), ProviderDown),
    ("responses", failed("rate_limit_exceeded", "Rate limit reached. Please try again in 1s."), ProviderBusy),
    ("responses", failed("invalid_prompt", "Your prompt was flagged as potentially violating our usage policy."), ContentFiltered),
    ("responses", 'event: error\ndata: {"type":"error","code":"context_length_exceeded","message":"Your input exceeds the context window of this model.","param":null}\n\n', ContextOverflow),
    ("responses", 'event: error\ndata: {"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"You exceeded your current quota."}}\n\n', QuotaSpent),
]  # fmt: skip
