"""`pillion serve` takes the flags of the Aide editor's sidecar."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pillion.settings import Settings
from pillion_runtime import hostsettings, server
from pillion_runtime.cli.main import pillion


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What the server would run with."""
    found: list[Settings] = []
    monkeypatch.setattr(server, "run", lambda settings, **_: found.append(settings))
    return found


def test_they_mean_what_they_meant(tmp_path: Path, served: list[Settings]) -> None:
    done = CliRunner().invoke(
        pillion, ["serve", "-i", str(tmp_path), "--host", "::1", "--port", "4242", "--apply-directly"]
    )
    assert (done.exit_code, done.output) == (0, "")
    (settings,) = served
    assert settings.data_dir == tmp_path and hostsettings.read(settings).bind == "[::1]:4242"
    assert settings.plugins["aide"].config["apply_directly"] is True


def test_those_without_a_meaning_are_taken_and_named(tmp_path: Path, served: list[Settings]) -> None:
    options = ["-m", "4", "-b", "100", "-c", "x", "--user-id", "me", "--directory", "d", "--enable-background-polling"]
    done = CliRunner().invoke(pillion, ["serve", "--data-dir", str(tmp_path), *options])
    assert done.exit_code == 0 and len(served) == 1
    assert "--max-threads, --buffer-size, --collection-name, --user-id, --enable-background-polling" in done.output
