"""What the door lets in: targets, Host, Origin, tokens, bodies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pillion.errors import ConfigError
from pillion_runtime import hostsettings
from pillion_runtime.hostsettings import HostSettings
from pillion_runtime.problems import Problem

PROBLEM = "application/problem+json"


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Checks that the answer is that problem, in full."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert {"type", "title", "status", "detail", "instance", "request_id", "retryable"} <= body.keys()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    return body


@pytest.mark.promise("door.token")
@pytest.mark.parametrize(
    "path",
    ["/api/health", "/livez", "/readyz", "/api/version", "/api/config", "/openapi.json", "/docs", "/api/events/schema"],
)
async def test_some_routes_need_no_token(server: Any, path: str) -> None:
    assert (await server.anyone.get(path)).status_code == 200


@pytest.mark.promise("door.token")
@pytest.mark.parametrize(
    "path", ["/api/models", "/api/tools", "/api/strategies", "/api/plugins", "/api/sessions", "/api/sessions/x/events"]
)
async def test_the_others_need_one(server: Any, path: str) -> None:
    answer = await server.anyone.get(path)
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.promise("door.token")
@pytest.mark.parametrize("path", ["/api/models", "/api/health", "/nothing"])
@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic eDp5", "Bearer {token}x", "{token}"])
async def test_a_wrong_token_is_refused_everywhere(server: Any, path: str, header: str) -> None:
    header = header.format(token=server.found.token)
    problem(await server.anyone.get(path, headers={"authorization": header}), 401, "unauthorized")


@pytest.mark.promise("door.token_not_in_address")
async def test_a_token_in_the_address_is_refused(server: Any) -> None:
    for client in (server.anyone, server.client):
        answer = await client.get("/api/models", params={"token": server.found.token})
        assert server.found.token not in answer.text
        problem(answer, 401, "unauthorized")


@pytest.mark.promise("door.origin")
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "file://", "chrome-extension://abc", "http://127.0.0.1:1", "http://localhost"],
)
async def test_a_foreign_origin_is_refused_before_the_token(server: Any, origin: str) -> None:
    problem(await server.client.get("/livez", headers={"origin": origin}), 403, "origin_refused")
    problem(await server.anyone.post("/api/sessions", headers={"origin": origin}), 403, "origin_refused")


@pytest.mark.promise("door.origin")
async def test_our_own_and_a_configured_origin_may_call(open_server: Any) -> None:
    async with open_server(host__origins=["https://ide.example"]) as server:
        for origin in (server.url, "https://ide.example"):
            assert (await server.client.get("/api/models", headers={"origin": origin})).status_code == 200
        problem(await server.client.get("/api/models", headers={"origin": "null"}), 403, "origin_refused")


@pytest.mark.promise("door.origin")
@pytest.mark.parametrize("given", ["null", "*", "ide.example", "https://ide.example/page", "https://*.example", ""])
def test_what_is_no_origin_is_refused_in_the_settings(given: str) -> None:
    with pytest.raises(ConfigError) as refused:
        hostsettings.origins(HostSettings(origins=("https://ide.example", given)))
    assert "host.origins[1]" in str(refused.value)


@pytest.mark.promise("door.host")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "",
        "0.0.0.0:{port}",
        "user@127.0.0.1:{port}",
        "127.0.0.1:{port}:80",
        "2130706433:{port}",
    ],
)
async def test_a_foreign_host_is_refused(server: Any, host: str) -> None:
    answer = await server.client.get("/livez", headers={"host": host.format(port=server.port)})
    problem(answer, 403, "host_refused")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
async def test_loopback_names_are_let_in(server: Any, host: str) -> None:
    answer = await server.anyone.get("/livez", headers={"host": host.format(port=server.port)})
    assert answer.status_code == 200


async def test_a_configured_name_is_let_in(open_server: Any) -> None:
    async with open_server(host__names=["ide.example", "other.example:99"]) as server:
        for host in ("ide.example", f"IDE.example:{server.port}", "other.example:99"):
            assert (await server.anyone.get("/livez", headers={"host": host})).status_code == 200
        problem(await server.anyone.get("/livez", headers={"host": "other.example"}), 403, "host_refused")


@pytest.mark.parametrize(
    ("request_line", "host", "status"),
    [
        ("GET http://evil.example/livez HTTP/1.1", "127.0.0.1:{port}", b"403"),
        ("OPTIONS * HTTP/1.1", "127.0.0.1:{port}", b"403"),
        ("GET /livez HTTP/1.1", "127.0.0.1:{port}\r\nHost: evil.example", b"400"),
        ("GET /livez HTTP/1.0", "", b"403"),
        ("GET /livez HTTP/1.1", "127.0.0.1:{port}", b"200"),
        ("GET /livez HTTP/1.1", "127.0.0.1:{port}\r\nX-Big: " + "x" * 100_000, b"431"),
        ("POST /livez HTTP/1.1", "127.0.0.1:{port}\r\nTransfer-Encoding: gzip", b"501"),
        ("nonsense", "", b"400"),
    ],
)
async def test_odd_requests_are_answered_and_closed(server: Any, request_line: str, host: str, status: bytes) -> None:
    line = f"Host: {host.format(port=server.port)}\r\n" if host else ""
    answer = await server.raw(f"{request_line}\r\n{line}Connection: close\r\n\r\n")
    assert answer.split()[1] == status
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nx-request-id: req_" in head and b"\r\npillion-api-version: 1" in head
    assert f"content-length: {len(body)}\r\n".encode() in head
    if status != b"200":
        told = msgspec.json.decode(body, type=Problem)
        assert (told.status, f"x-request-id: {told.request_id}".encode() in head) == (int(status), True)


@pytest.mark.promise("door.no_websocket")
async def test_a_websocket_is_refused(server: Any) -> None:
    upgrade = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    token = f"Authorization: Bearer {server.found.token}\r\n"
    for more in ("", token, f"{token}Origin: https://evil.example\r\n"):
        head = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: Upgrade\r\n"
        answer = await server.raw(f"{head}{upgrade}{more}\r\n")
        assert answer.split()[1] == b"403"
        assert PROBLEM.encode() in answer


@pytest.mark.promise("door.only_json")
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
async def test_only_json_is_taken(server: Any, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await server.client.post("/api/sessions", content=b'{"workspace": "/tmp"}', headers=headers)
    problem(answer, 415, "not_json")


@pytest.mark.promise("door.body_limit")
async def test_a_large_body_is_refused_with_and_without_a_length(server: Any) -> None:
    async def pieces() -> Any:
        for _ in range(24):
            yield b"x" * 1024 * 1024

    headers = {"content-type": "application/json"}
    for content in (b"x" * 24 * 1024 * 1024, pieces()):
        answer = await server.client.post("/api/sessions", content=content, headers=headers)
        problem(answer, 413, "too_large")


@pytest.mark.parametrize(("token", "status"), [("", b"401"), ("Authorization: Bearer {token}\r\n", b"413")])
async def test_who_sends_all_before_reading_can_read_the_refusal(server: Any, token: str, status: bytes) -> None:
    head = f"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\n{token.format(token=server.found.token)}"
    size = 24 * 1024 * 1024
    answer = await server.raw(f"{head}Content-Length: {size}\r\n\r\n".encode() + b"x" * size)
    assert answer.split()[1] == status


@pytest.mark.promise("door.problems")
async def test_unknown_paths_and_methods_are_problems(server: Any) -> None:
    problem(await server.client.get("/nothing"), 404, "not_found")
    problem(await server.client.get("/static/x"), 404, "not_found")
    answer = await server.client.put("/api/models")
    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


@pytest.mark.promise("door.request_id")
async def test_a_request_id_is_kept_when_it_is_sane(server: Any) -> None:
    answer = await server.client.get("/nothing", headers={"x-request-id": "abc-1"})
    assert answer.json()["request_id"] == "abc-1"
    answer = await server.client.get("/nothing", headers={"x-request-id": "a b\tc"})
    assert answer.json()["request_id"].startswith("req_")
