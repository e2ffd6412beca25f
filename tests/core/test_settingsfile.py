"""The user's file after a change: what it says, what stood round it, and what is refused."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.errors import ConfigError
from pillion.secrets import Secrets
from pillion.settingsfile import SettingsFile, literal

RULES = ("plugins", "approvals", "rules")
RULE = {"tool": "run_command", "command": "git status", "verdict": "allow"}
FILE = """\
# my settings
[host]
bind = "127.0.0.1:1"  # here
note = '''
[plugins.web]
'''

[plugins.approvals]  # rules
# read = "allow"
[[plugins.approvals.rules]] # the first
tool = "a"  # t
verdict = "deny"

# before web
[plugins.web]
enabled = true   # yes
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "plugins.toml"
    path.write_text(FILE)
    return path


def changed(path: Path) -> SettingsFile:
    return SettingsFile(path, Secrets())


def said(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def test_one_line_changes_and_its_comment_stays(path: Path) -> None:
    changed(path).put(("plugins", "web", "enabled"), False)
    assert path.read_text() == FILE.replace("enabled = true   # yes", "enabled = false   # yes")


def test_a_key_and_a_section_that_are_not_there_are_made(path: Path) -> None:
    changed(path).put(("plugins", "approvals", "read"), "ask")
    changed(path).put(("plugins", "open ai", "enabled"), False)
    assert '[plugins.approvals]  # rules\nread = "ask"\n# read = "allow"\n' in path.read_text()
    assert path.read_text().endswith('enabled = true   # yes\n\n[plugins."open ai"]\nenabled = false\n')


def test_a_rule_goes_behind_the_last_one(path: Path) -> None:
    changed(path).add(RULES, RULE)
    added = '\n[[plugins.approvals.rules]]\ntool = "run_command"\ncommand = "git status"\nverdict = "allow"\n'
    assert path.read_text() == FILE.replace('verdict = "deny"\n', f'verdict = "deny"\n{added}')


def test_the_same_rule_is_written_once(path: Path) -> None:
    changed(path).add(RULES, RULE)
    once = path.read_text()
    changed(path).add(RULES, RULE)
    assert path.read_text() == once


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet",
        "[plugins.approvals]\nenabled = true",
        'plugins.approvals.rules = [{ tool = "x", verdict = "deny" }]\n',
        '[plugins.approvals]\nrules = [ { tool = "x", verdict = "deny" }, ] # c ]\nread = "ask"\n',
        '[plugins.approvals]\nrules = [\n  { tool = "x", verdict = "deny" }, # c\n  # d\n]\n',
        '[plugins.approvals]\nrules = [\n  { tool = "x", verdict = "deny" } # c\n]\n',
        '[[plugins.approvals.rules]]\r\ntool = "x"\r\nverdict = "deny"\r\n\r\n[host]\r\n',
    ],
)
def test_however_the_list_is_written_it_grows_by_one(path: Path, text: str) -> None:
    path.write_text(text, newline="")
    old = tomllib.loads(text).get("plugins", {}).get("approvals", {}).get("rules", [])
    changed(path).add(RULES, RULE)
    assert said(path)["plugins"]["approvals"]["rules"] == [*old, RULE]
    assert [
        comment for comment in ("# c", "# d", "# nothing yet") if (comment in text) != (comment in path.read_text())
    ] == []
    assert path.read_bytes().count(b"\r") in (0, path.read_bytes().count(b"\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[plugins", "can't be read"),
        ("plugins = 3", "is no table"),
        ("plugins = { web = { enabled = true, a = 1 } }", "by hand: plugins.web.enabled = false"),
    ],
)
def test_what_it_can_not_follow_it_leaves_alone(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        changed(path).put(("plugins", "web", "enabled"), False)
    assert path.read_text() == text


def test_a_new_file_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "pillion" / "plugins.toml"
    assert changed(path).add(RULES, RULE) == path
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert said(path)["plugins"]["approvals"]["rules"] == [RULE]


def test_mode_and_link_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    assert changed(link).put(("plugins", "web", "enabled"), False) == path
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.toml", "plugins.toml"]


def test_a_secret_is_never_written(path: Path) -> None:
    secrets = Secrets()
    secrets.register("sk-canary-0123456789")
    for keys, value in ((RULES, {"command": "x sk-canary-0123456789"}), (("host", "token"), "anything")):
        with pytest.raises(ConfigError, match="secret"):
            SettingsFile(path, secrets).put(keys, value)
    assert path.read_text() == FILE


def test_without_a_place_or_leave_to_write_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no place"):
        SettingsFile(None, Secrets()).put(("limits", "steps"), 3)
    with pytest.raises(ConfigError, match="can't be changed"):
        changed(tmp_path).put(("limits", "steps"), 3)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_is_a_literal(text: str) -> None:
    assert tomllib.loads(f"a = {literal({'b': [text, 1, True]})}") == {"a": {"b": [text, 1, True]}}
