"""Who gets in without a token, what is decoded, and how refusals look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pillion_aide.plugin import TOKENLESS
from pillion_runtime.auth import Card, Gate
from pillion_runtime.browsers import Browsers
from pillion_runtime.hostsettings import Address
from pillion_runtime.problems import Refused
from pillion_runtime.testing import Reply, Status, replies

from .shared import Home
from .sidecar import models, sidecar

ROUTES = ("agent_session_chat", "agent_tool_use", "cancel_running_event", "user_feedback_on_exchange")


def refusal(body: bytes) -> dict[str, Any]:
    """A problem that the sidecar's clients can read, too."""
    problem: dict[str, Any] = json.loads(body)
    assert problem["message"] == problem["detail"] and problem["type"].startswith("urn:pillion:problem:")
    return problem


async def test_without_a_token_only_a_program_of_this_machine_comes_in(home: Home) -> None:
    async with home.sidecar(replies(Reply("never"))) as aide:
        greeted = await aide.ask("GET", "/api/reach_the_devs")
        assert greeted.status == 200 and list(json.loads(greeted.body)) == ["response"]
        bearer = await aide.ask("GET", "/api/reach_the_devs", headers=[("authorization", "Bearer of-the-editor")])
        assert bearer.status == 200
        stop: tuple[str, str, Any] = ("POST", "/api/agentic/probe_request_stop", {"request_id": "r"})
        assert json.loads((await aide.ask(*stop)).body) == {"done": True}
        valid = await aide.ask("POST", "/api/tree_sitter/valid_xml", {"input": "<a/>"})
        assert json.loads(valid.body) == {"valid": True}
        assert (await aide.ask(*stop, headers=[("origin", "https://evil.example")])).status == 403
        assert (await aide.ask(*stop, headers=[("origin", "null")])).status == 403
        assert (await aide.ask(*stop, headers=[("host", "evil.example")])).status == 403
        assert (await aide.ask(*stop, headers=[("sec-fetch-site", "cross-site")])).status == 401
        assert (await aide.ask(*stop, headers=[("content-type", "text/plain")])).status == 415
        assert (await aide.ask("GET", "/api/sessions")).status == 401
        assert (await aide.ask("GET", "/api/sessions", headers=[("authorization", "Bearer no")])).status == 401


@pytest.mark.parametrize(
    ("peer", "comes_in"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("10.0.0.5", False),
        ("192.0.2.2", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.5", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_whoever_comes_from_another_machine_needs_a_token_whatever_its_host_says(peer: str, comes_in: bool) -> None:
    gate = Gate(Address("0.0.0.0", 42424), "t", Browsers(42424))
    gate.tokenless = TOKENLESS
    for path in ("/api/agentic/agent_tool_use", "/api/reach_the_devs", "/api/tree_sitter/valid_xml"):
        card = Card("POST", path, "", peer, ["127.0.0.1:42424"], [], [], [], [], [], [])
        assert gate.further_origin(card) == ""
        if comes_in:
            assert gate.client(card) == ""
        else:
            with pytest.raises(Refused, match="A token is needed"):
                gate.client(card)
    other = Card("GET", "/api/sessions", "", "127.0.0.1", ["127.0.0.1:42424"], [], [], [], [], [], [])
    with pytest.raises(Refused):
        gate.client(other)


async def test_requests_are_decoded_leniently_and_refused_in_both_forms(home: Home) -> None:
    async with home.sidecar(replies(Reply("ok"))) as aide:
        for route in ROUTES:
            for session in ("../up", "a/b", "", ".hidden", "x" * 129):
                body = aide.message("hi", session=session) | {"accepted": True}
                answer = await aide.post(route, body)
                assert answer.status == 422 and refusal(answer.body)["kind"] == "user", (route, session)
        assert (await aide.post("agent_session_chat", b"{")).status == 400
        assert (await aide.post("agent_session_chat", {"session_id": "s"})).status == 422
        assert (await aide.post("agent_session_chat", aide.message("x", repo_ref="/work"))).status == 422
        up = aide.message("x", root_directory=f"{aide.folder}/../..")
        assert (await aide.post("agent_session_chat", up)).status == 422
        later = await aide.post("agent_session_plan", aide.message("x"))
        assert later.status == 501 and refusal(later.body)["kind"] == "unknown"
        missing = await aide.post("user_handle_session_undo", {"session_id": "no", "exchange_id": "no"})
        assert missing.status == 404 and refusal(missing.body)["kind"] == "not_found"
        least = aide.message("hi") | {"something": {"new": 1}}
        for name in ("codebase_search", "aide_rules", "reasoning", "project_labels", "all_files", "shell"):
            del least[name]
        least["user_context"] = {}
        assert "ChatEvent" in str((await aide.post("agent_session_chat", least)).told)


async def test_a_setting_demands_the_token_and_another_names_the_version(tmp_path: Path) -> None:
    more = 'demand_token = true\nreported_version = "0.1.35"'
    async with sidecar(tmp_path, replies(Reply("hi")), more) as aide:
        assert json.loads((await aide.ask("GET", "/api/version")).body)["package_version"] == "0.1.35"
        assert (await aide.post("agent_session_chat", aide.message("hi"))).status == 401
        token = [("authorization", f"Bearer {aide.server.found.token}")]
        answer = await aide.ask("POST", "/api/agentic/agent_session_chat", aide.message("hi"), token)
        assert answer.status == 200 and "ChatEvent" in str(answer.told)


async def test_a_configuration_is_verified_by_asking(home: Home) -> None:
    async with home.sidecar(replies(Reply("yes"), Reply(fault=Status(401)))) as aide:
        valid = await aide.post("verify_model_config", {"model_configuration": models()})
        assert json.loads(valid.body) == {"valid": True, "error": None}
        refused = json.loads((await aide.post("verify_model_config", {"model_configuration": models()})).body)
        assert refused["valid"] is False and "401" in refused["error"]
        gone = models({"CodeStory": {"llm_type": None}}, {"CodeStory": {"access_token": "t"}})
        assert "cloud is gone" in (await aide.post("verify_model_config", {"model_configuration": gone})).body.decode()
        assert len(aide.vendor.asked) == 2
