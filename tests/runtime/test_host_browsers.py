"""Browsers: links that work once, what a cookie counts for, and exact CORS answers."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Blueprint, Response

from pillion.hookspecs import hookimpl
from pillion_runtime.browsers import BROWSERS, CODES, LASTS, Browsers

OWN = {"sec-fetch-site": "same-origin"}
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
IDE = "https://ide.example"


async def code(server: Any, **body: str) -> str:
    """A fresh link's path."""
    answer = await server.client.post("/api/browser-codes", json=body)
    assert answer.status_code == 201
    url = str(answer.json()["url"])
    assert url.startswith(f"{server.url}/open?code=") and answer.json()["seconds"] == 60
    return url.removeprefix(server.url)


async def signed_in(server: Any) -> dict[str, str]:
    """The Cookie header of a browser that is signed in."""
    answer = await server.anyone.get(await code(server))
    assert answer.status_code == 303
    server.anyone.cookies.clear()
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.mark.promise("browsers.link")
async def test_a_link_works_once_and_leads_on_without_its_code(server: Any) -> None:
    link = await code(server)
    assert len(link.partition("code=")[2]) >= 43  # 256 bits
    answer = await server.anyone.get(link, headers=PAGE)
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/", b"")
    name_value, *attributes = answer.headers["set-cookie"].split("; ")
    assert name_value.startswith(f"pillion_{server.port}=") and len(name_value) > 43
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
    server.anyone.cookies.clear()
    again = await server.anyone.get(link)
    assert (again.status_code, again.json()["code"]) == (401, "code_refused")
    assert "set-cookie" not in again.headers


@pytest.mark.promise("browsers.link")
async def test_who_only_looks_ahead_uses_nothing_up(server: Any) -> None:
    link = await code(server)
    assert (await server.anyone.head(link)).status_code == 204
    assert (await server.anyone.get(link, headers={"sec-purpose": "prefetch;prerender"})).status_code == 204
    assert (await server.anyone.get(link)).status_code == 303


@pytest.mark.promise("browsers.link")
def test_a_code_is_good_for_a_minute_and_codes_are_few() -> None:
    now = [0.0]
    browsers = Browsers(clock=lambda: now[0])
    early, late = browsers.new_code("/"), browsers.new_code("/x")
    now[0] = LASTS
    assert browsers.exchange(early) == "/"
    now[0] = LASTS + 0.1
    assert browsers.exchange(late) is None
    codes = [browsers.new_code("/") for _ in range(CODES + 1)]
    assert [browsers.exchange(code) for code in codes] == [None] + ["/"] * CODES


def test_signed_in_browsers_are_bounded_too() -> None:
    browsers = Browsers(1)
    cookies = [f"pillion_1={browsers.sign_in()}" for _ in range(BROWSERS + 1)]
    assert [browsers.know([cookie]) for cookie in cookies] == [False] + [True] * BROWSERS
    browsers.sign_out([cookies[-1]])
    assert not browsers.know([cookies[-1]])


def test_cookies_that_other_ports_add_change_nothing() -> None:
    browsers = Browsers(1)
    value = browsers.sign_in()
    assert browsers.know([f"pillion_1=x; pillion_1={value}; other=y"])
    assert browsers.know(["pillion_1=x", f"pillion_1={value}"])
    assert not browsers.know([f"pillion_2={value}; xpillion_1={value}; pillion_1; pillion_1={value}x"])


@pytest.mark.promise("browsers.link")
async def test_a_link_may_lead_to_a_session(server: Any) -> None:
    session = await server.session()
    answer = await server.anyone.get(await code(server, session=session))
    assert answer.headers["location"] == f"/sessions/{session}"
    refused = await server.client.post("/api/browser-codes", json={"session": "//evil.example"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "session")


@pytest.mark.promise("browsers.link")
async def test_only_who_has_the_token_makes_links(server: Any) -> None:
    assert (await server.anyone.post("/api/browser-codes", json={})).status_code == 401


async def test_a_link_in_a_page_of_elsewhere_leads_on_by_a_page_of_ours(server: Any) -> None:
    """Through a redirect of such a navigation a browser would not send the strict cookie."""
    answer = await server.anyone.get(await code(server), headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["referrer-policy"]) == (200, "no-referrer")
    assert 'content="0; url=/"' in answer.text and "SameSite=Strict" in answer.headers["set-cookie"]


async def test_an_old_link_still_leads_on_where_one_is_signed_in(server: Any) -> None:
    link = await code(server)
    cookie = await signed_in(server)
    assert (await server.anyone.get(link)).status_code == 303
    server.anyone.cookies.clear()
    assert (await server.anyone.get(link, headers=cookie | {"sec-fetch-site": "none"})).status_code == 303


@pytest.mark.promise("browsers.cookie")
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", OWN, 200),  # fetch and EventSource of our own page
        ("GET", {"sec-fetch-site": "none"}, 200),  # an address that a person enters
        ("GET", {"origin": "{own}"}, 200),
        ("GET", {"origin": IDE}, 200),
        ("POST", {"origin": "{own}"}, 201),
        ("POST", {"origin": IDE}, 201),
        ("GET", {}, 401),  # no word on who asks
        ("GET", {"sec-fetch-site": "same-site"}, 401),  # <img> of a page on another port
        ("GET", {"sec-fetch-site": "cross-site"}, 401),  # a sandboxed frame without CORS
        ("POST", OWN, 401),  # what changes something needs the Origin itself
        ("POST", {}, 401),
        ("POST", {"origin": "http://127.0.0.1:1"} | OWN, 403),  # a page on another port
        ("POST", {"origin": "https://127.0.0.1:{port}"}, 403),
        ("POST", {"origin": "http://localhost:{port}"}, 403),  # another host than the one that is asked
        ("POST", {"origin": "null"}, 403),  # a sandboxed frame
        ("POST", {"origin": "https://evil.example"}, 403),
        ("GET", {"origin": "{own}", "host": "evil.example:{port}"}, 403),  # DNS rebinding
        ("GET", {"origin": "http://evil.example:{port}", "host": "evil.example:{port}"}, 403),
    ],
)
async def test_the_cookie_counts_only_for_our_page_and_listed_ones(
    open_server: Any, method: str, headers: dict[str, str], status: int
) -> None:
    async with open_server(host__origins=[IDE]) as server:
        filled = {name: value.format(own=server.url, port=server.port) for name, value in headers.items()}
        filled |= await signed_in(server)
        body = {"workspace": str(server.settings.data_dir)} if method == "POST" else None
        answer = await server.anyone.request(method, "/api/sessions", headers=filled, json=body)
        assert answer.status_code == status, answer.text


@pytest.mark.promise("browsers.cookie")
async def test_a_wrong_token_is_not_made_good_by_a_cookie(server: Any) -> None:
    headers = OWN | await signed_in(server) | {"authorization": "Bearer wrong"}
    assert (await server.anyone.get("/api/sessions", headers=headers)).status_code == 401


@pytest.mark.promise("browsers.sign_out")
async def test_after_signing_out_the_cookie_counts_no_more(server: Any) -> None:
    headers = OWN | await signed_in(server)
    other = OWN | await signed_in(server)
    answer = await server.anyone.post("/api/sign-out", headers=headers | {"origin": server.url})
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (204, True)
    assert (await server.anyone.get("/api/sessions", headers=headers)).status_code == 401
    assert (await server.anyone.get("/api/sessions", headers=other)).status_code == 200


@pytest.mark.promise("browsers.signed_out")
async def test_a_person_who_is_not_signed_in_is_told_how(server: Any) -> None:
    for path in ("/", "/sessions/x", "/open?code=old", "/api/sessions"):
        answer = await server.anyone.get(path, headers=PAGE)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert "pillion open" in answer.text and "<script" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert answer.headers["x-frame-options"] == "DENY"
    assert (await server.anyone.get("/", headers={"accept": "*/*"})).json()["code"] == "unauthorized"


class Pages:
    """Routes that send what a browser shows as a page."""

    @hookimpl
    def register_routes(self) -> list[Blueprint]:
        routes = Blueprint("pages", __name__)

        async def page(kind: str) -> Response:
            policy = {"content-security-policy": "script-src 'self'"} if kind == "own" else {}
            types = {"own": "text/html", "html": "text/html", "svg": "image/svg+xml", "json": "application/json"}
            return Response("<script>0</script>", 200, policy, content_type=types[kind])

        routes.get("/pages/<kind>")(page)
        return [routes]


@pytest.mark.promise("browsers.bare_pages")
async def test_a_page_that_brings_no_policy_runs_nothing(open_server: Any) -> None:
    async with open_server(plugins={"pages": Pages()}) as server:
        found = {kind: await server.client.get(f"/pages/{kind}") for kind in ("own", "html", "svg", "json")}
    policies = {kind: answer.headers.get("content-security-policy") for kind, answer in found.items()}
    bare = "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert policies == {"own": "script-src 'self'", "html": bare, "svg": bare, "json": None}


@pytest.mark.promise("browsers.cors")
async def test_a_listed_origin_gets_answers_for_itself_alone(open_server: Any) -> None:
    async with open_server(host__origins=["https://IDE.example:443/", "http://localhost:3000"]) as server:
        for path, status in (("/api/models", 200), ("/nothing", 404)):
            answer = await server.client.get(path, headers={"origin": IDE})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, IDE)
            assert answer.headers["vary"] == "Origin"
            assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        missing = await server.anyone.get("/api/models", headers={"origin": IDE})
        assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (401, IDE)
        plain = await server.client.get("/api/models")
        assert plain.headers["vary"] == "Origin" and "access-control-allow-origin" not in plain.headers


@pytest.mark.promise("browsers.cors")
async def test_a_preflight_is_answered_before_the_token(open_server: Any) -> None:
    async with open_server(host__origins=[IDE]) as server:
        asked = {"origin": IDE, "access-control-request-method": "POST"}
        answer = await server.anyone.options("/api/sessions", headers=asked)
        assert (answer.status_code, answer.content) == (204, b"")
        allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert {"authorization", "content-type", "idempotency-key", "if-match", "last-event-id"} <= allowed
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        assert int(answer.headers["access-control-max-age"]) > 0
        assert answer.headers["access-control-allow-origin"] == IDE
        for origin in ("null", "https://evil.example", "https://ide.example.evil.example", "http://ide.example"):
            refused = await server.anyone.options("/api/sessions", headers=asked | {"origin": origin})
            assert refused.status_code == 403
            assert not [name for name in refused.headers if name.startswith("access-control")]


@pytest.mark.promise("browsers.cookie")
async def test_behind_tls_the_name_is_listed_and_the_cookie_is_secure(open_server: Any) -> None:
    async with open_server(host__names=["pillion.example"], host__origins=["https://pillion.example"]) as server:
        host = {"host": "pillion.example"}
        made = (await server.client.post("/api/browser-codes", headers=host)).json()["url"]
        assert made.startswith("https://pillion.example/open?code=")
        answer = await server.anyone.get(made.removeprefix("https://pillion.example"), headers=host)
        assert answer.headers["set-cookie"].endswith("; Secure")
        cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        server.anyone.cookies.clear()
        for origin, status in (("https://pillion.example", 204), ("http://pillion.example", 403)):
            signed_out = await server.anyone.post("/api/sign-out", headers=host | cookie | {"origin": origin})
            assert signed_out.status_code == status
