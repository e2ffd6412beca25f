"""The page's files over HTTP: what is sent, with which headers, and what the scripts know of the kernel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from quart_trio import QuartTrio

from pillion import events as e
from pillion_web.page import FILES, TYPES, blueprint

MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|\.srcdoc")


@pytest.fixture
def client() -> Any:
    app = QuartTrio("test", static_folder=None)
    app.register_blueprint(blueprint())
    return app.test_client()


def scripts() -> list[Path]:
    return sorted(FILES.glob("*.js"))


@pytest.mark.promise("web.hostile")
@pytest.mark.parametrize("path", ["/", "/sessions/x", "/web/app.js", "/web/style.css", "/web/icon.svg"])
async def test_each_file_comes_with_a_strict_policy(client: Any, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.content_type) == (200, TYPES[Path(path).suffix or ".html"])
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy and "http" not in policy and "trusted-types 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY" and answer.headers["referrer-policy"] == "no-referrer"


async def test_what_the_browser_has_is_not_sent_again(client: Any) -> None:
    first = await client.get("/web/app.js")
    again = await client.get("/web/app.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, await again.get_data()) == (304, b"")
    assert (await client.get("/web/app.js", headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    "name", ["page.py", "index.html", "..%2fpage.py", "../page.py", "%2e%2e%2fpage.py", "app.js%00"]
)
async def test_nothing_else_is_served(client: Any, name: str) -> None:
    assert (await client.get(f"/web/{name}")).status_code == 404


def test_all_that_the_files_name_is_there() -> None:
    named = set(re.findall(r'"/web/([^"]+)"', (FILES / "index.html").read_text()))
    for script in scripts():
        named |= set(re.findall(r'from "\./([^"]+)"', script.read_text()))
    assert named == {path.name for path in FILES.iterdir()} - {"index.html"}


@pytest.mark.promise("web.hostile")
def test_no_script_makes_markup_of_text() -> None:
    assert [(script.name, found) for script in scripts() for found in MARKUP.findall(script.read_text())] == []
    assert not re.search(r"<script(?! type=\"module\" src=)|\son\w+=|style=", (FILES / "index.html").read_text())


def test_the_page_listens_for_types_that_there_are() -> None:
    types = set(re.findall(r'^  "([\w.]+)"[(:]', (FILES / "transcript.js").read_text(), re.M))
    known = {e.type_of(kind) for kind in e.LASTING + e.PASSING} | {kind.opens for kind in e.LASTING if kind.opens}
    assert {"text.delta", "approval.wanted", "turn.failed"} <= types <= known
