"""Roles over HTTP: told, given, changed, and named when they are wrong."""

from __future__ import annotations

from typing import Any


async def test_roles_are_told_given_and_changed(server: Any) -> None:
    listed = (await server.client.get("/api/models")).json()
    assert listed["roles"]["title"] == listed["roles"]["default"] == ["auto"]
    body = {"workspace": str(server.settings.data_dir), "roles": {"fast": ["scripted/one", "scripted/two"]}}
    opened = (await server.client.post("/api/sessions", json=body)).json()
    assert opened["roles"] == {"fast": ["scripted/one", "scripted/two"]}
    path = f"/api/sessions/{opened['id']}"
    before = (await server.client.get(path)).headers["etag"]
    changed = await server.client.patch(path, json={"roles": {"fast": None, "slow": ["scripted/one"]}})
    assert changed.json()["roles"] == {"slow": ["scripted/one"]}
    assert changed.headers["etag"] != before


async def test_a_wrong_role_or_model_is_named_with_the_nearest(server: Any) -> None:
    body = {"workspace": str(server.settings.data_dir), "roles": {"fsat": ["scripted/one"], "slow": ["scirpted/one"]}}
    refused = await server.client.post("/api/sessions", json=body)
    assert refused.status_code == 422
    assert "Did you mean 'fast'?" in refused.text and "Did you mean 'scripted/one'?" in refused.text
