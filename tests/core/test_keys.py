"""Where a provider's key comes from, and what is done to keep it to its owner."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import trio

from pillion.errors import ConfigError, NotFound, ProviderRefused
from pillion.keys import KeyFile, Keyring
from pillion.secrets import Secrets
from pillion.settings import load

FIRST, SECOND, THIRD = "sk-of-the-environment", "sk-of-the-command", "sk-of-the-key-file"


def prints(text: str, code: int = 0) -> list[str]:
    """A command that prints the text, and something else on stderr."""
    return [sys.executable, "-c", f"import sys; sys.stderr.write('warning: x'); print({text!r}); sys.exit({code})"]


def keyring(folder: Path, **variables: str) -> tuple[Keyring, Secrets]:
    secrets = Secrets()
    return Keyring({"PATH": "/usr/bin:/bin", **variables}, secrets, KeyFile(folder / "keys.json")), secrets


async def test_the_environment_is_asked_before_the_command_before_the_file(tmp_path: Path) -> None:
    KeyFile(tmp_path / "keys.json").put("acme", THIRD)
    ring, secrets = keyring(tmp_path, ACME_KEY=FIRST)
    with trio.fail_after(20):
        found = [
            await key.value()
            for key in (ring.key("acme", "ACME_KEY", prints(SECOND)), ring.key("acme", "", prints(SECOND)))
        ]
        found.append(await ring.key("acme", "UNSET").value())
    assert found == [FIRST, SECOND, THIRD]
    assert secrets.redact(" ".join(found)) == "[secret] [secret] [secret]"
    assert not ring.key("other", "UNSET")


async def test_a_command_is_asked_once_and_again_when_the_vendor_refuses(tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = (
        f"import pathlib; p = pathlib.Path({str(count)!r}); p.open('a').write('x'); print('sk-number-' + p.read_text())"
    )
    key = keyring(tmp_path)[0].key("acme", "", [sys.executable, "-c", program])
    with trio.fail_after(20):
        assert [await key.value(), await key.value()] == ["sk-number-x", "sk-number-x"]
        key.refused()
        assert await key.value() == "sk-number-xx"


@pytest.mark.parametrize(
    "command", [prints("sk-12345678", 3), prints(""), prints("two words here"), ["/no/such/program"]]
)
async def test_a_command_that_gives_no_key_is_a_refusal(tmp_path: Path, command: list[str]) -> None:
    with trio.fail_after(20), pytest.raises(ProviderRefused) as caught:
        await keyring(tmp_path)[0].key("acme", "", command).value()
    assert "sk-12345678" not in str(caught.value)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "pillion" / "keys.json")
    path = file.put("acme", THIRD)
    assert (path.stat().st_mode & 0o777, json.loads(path.read_text())) == (0o600, {"acme": THIRD})
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        file.read()
    with pytest.raises(ConfigError, match="chmod 600"):
        file.put("other", THIRD)
    key = Keyring({}, Secrets(), file).key("acme")
    assert not key and "chmod 600" in key.hint
    path.chmod(0o600)
    file.remove("acme")
    with pytest.raises(NotFound):
        file.remove("acme")


@pytest.mark.parametrize(
    ("name", "key"), [("a/b", THIRD), ("", THIRD), ("acme", "short"), ("acme", "two\nlines-of-it")]
)
def test_what_is_no_name_or_no_key_is_not_kept(tmp_path: Path, name: str, key: str) -> None:
    with pytest.raises(ConfigError):
        KeyFile(tmp_path / "keys.json").put(name, key)
    assert not (tmp_path / "keys.json").exists()


def test_the_file_is_found_in_the_config_directory(tmp_path: Path) -> None:
    settings = load(environ={"XDG_CONFIG_HOME": str(tmp_path)}, shipped=False)
    assert settings.environment.keyring.file.path == tmp_path / "pillion" / "keys.json"
    assert load(environ={}, shipped=False).environment.keyring.file.path is None
