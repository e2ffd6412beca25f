"""A model call that a vendor refuses leaves a row that says so."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pillion_runtime.testing import Asked, Reply, vendor_server
from pillion_runtime.testing.script import Status

from ...scenarios.serverprocess import MODELS, server_process

SETTINGS = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')


def refuses(asked: Asked) -> Reply:
    return Reply(fault=Status(401))


async def test_a_refused_call_of_a_real_server_has_its_error_in_its_row_and_in_the_days_sum(tmp_path: Path) -> None:
    async with vendor_server(refuses) as vendor, server_process(tmp_path, SETTINGS.format(url=vendor.url)) as server:
        session = await server.session(tmp_path, strategy="chat")
        assert (await server.ride(session, "with a bad key"))[-1]["type"] == "turn.failed"
    rows = sqlite3.connect(tmp_path / "data" / "pillion.sqlite")
    calls = rows.execute("SELECT session, step, error, finish, input, output, first FROM llm_data").fetchall()
    days = rows.execute("SELECT session, calls, errors, cost FROM llm_day").fetchall()
    rows.close()
    assert calls == [(session, 1, "provider_refused", "", 0, 0, 0.0)]
    assert days == [(session, 1, 1, 0.0)]
