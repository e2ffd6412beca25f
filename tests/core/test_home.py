"""What a plugin has of its own: who gets it, and that its values last, whoever else writes them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion import Home, KeyValues, StoreFailed, TooLarge
from pillion.home import LARGEST_VALUE
from pillion.keyvalues import FileValues
from pillion.secrets import Secrets
from pillion.testing.kit import kernel_host

PLUGIN = """
from msgspec import Struct
from pillion import Home, hookimpl
class Config(Struct, frozen=True):
    colour: str = "red"
class Plugin:
    Config = Config
    def __init__(self, config: Config, home: Home):
        self.home, self.colour = home, config.colour
class Bare:
    def __init__(self, home: Home):
        self.home = home
class Plain:
    pass
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home("lamp", tmp_path / "data")


@pytest.mark.promise("plugins.home")
async def test_a_plugin_that_names_a_home_gets_one(tmp_path: Path) -> None:
    (tmp_path / "lamp.py").write_text(PLUGIN)
    flags = {f"plugins__{kind.lower()}__use": f"{tmp_path}/lamp.py:{kind}" for kind in ("Plugin", "Bare", "Plain")}
    async with kernel_host(tmp_path, **flags) as host:
        plugins = host.kernel.host.plugins()
        assert plugins["plugin"].colour == "red"
        assert [plugins[name].home.name for name in ("plugin", "bare")] == ["plugin", "bare"]
        assert type(plugins["plain"]).__name__ == "Plain"
        assert plugins["bare"].home.folder() == host.kernel.settings.data_dir / "plugins" / "bare"


@pytest.mark.promise("plugins.home")
def test_the_folder_is_made_when_it_is_asked_for_and_is_the_owners_alone(tmp_path: Path, home: Home) -> None:
    assert not (tmp_path / "data").exists()
    before = os.umask(0)
    try:
        folder = home.folder()
    finally:
        os.umask(before)
    assert folder == home.folder() == tmp_path / "data" / "plugins" / "lamp"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3


@pytest.mark.parametrize("name", ["..", ".", "../../etc", "a/b", "Ünï", "a b"])
def test_any_name_of_a_plugin_is_one_folder_inside(tmp_path: Path, name: str) -> None:
    assert Home(name, tmp_path).folder().resolve().parent == tmp_path / "plugins"


def test_its_lines_name_the_plugin(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        home.log.info("lit")
    assert [(record.name, record.message) for record in caplog.records] == [("pillion.plugin.lamp", "lit")]


class Oil(msgspec.Struct):
    left: float


@pytest.mark.promise("plugins.values")
async def test_values_last(tmp_path: Path, home: Home) -> None:
    values = home.values
    assert (await values.get("oil", Oil), await values.keys(), await values.delete("oil")) == (None, [], False)
    await values.put("oil", Oil(0.5))
    await values.put("bytes", b"\x00\xff")
    await values.put("seen/a%", ["x"])
    again = Home("lamp", tmp_path / "data").values
    assert await again.get("oil", Oil) == Oil(0.5)
    assert await again.get("oil", bytes) == b'{"left":0.5}'
    assert await again.get("bytes", bytes) == b"\x00\xff"
    assert (await again.keys(), await again.keys("seen/a%"), await again.keys("_")) == (
        ["bytes", "oil", "seen/a%"],
        ["seen/a%"],
        [],
    )
    assert await again.delete("oil") and await values.get("oil", Oil) is None
    assert await Home("other", tmp_path / "data").values.keys() == [], "each has its own"
    with pytest.raises(msgspec.ValidationError):
        await again.get("seen/a%", int)


@pytest.mark.promise("plugins.values")
async def test_no_change_gets_lost(tmp_path: Path) -> None:
    """Two processes' homes, and eight tasks in each."""
    homes = [Home("lamp", tmp_path), Home("lamp", tmp_path)]
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for home in homes * 8:
                nursery.start_soon(home.values.change, "count", int, lambda count: (count or 0) + 1)
    assert await homes[0].values.get("count", int) == 16
    assert await homes[0].values.change("count", int, lambda count: None) is None
    assert await homes[0].values.keys() == []


@pytest.mark.promise("plugins.values_bounded")
async def test_values_are_bounded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in (("", 1), ("k" * 201, 1), ("k", b"x" * (LARGEST_VALUE + 1)), ("k", "x" * LARGEST_VALUE)):
        with pytest.raises(TooLarge):
            await home.values.put(key, value)
    monkeypatch.setattr("pillion.keyvalues.LARGEST", 64 * 1024)
    await home.values.put("first", "it stays")
    with pytest.raises(TooLarge, match=r"values.sqlite3 is full"):
        await home.values.put("more", b"x" * 64 * 1024)
    assert await home.values.get("first", str) == "it stays"


async def test_a_file_that_is_none_says_so(home: Home) -> None:
    (home.folder() / "values.sqlite3").write_text("no database" * 100)
    with pytest.raises(StoreFailed, match=r"values.sqlite3 can't be used: file is not a database"):
        await home.values.get("key", str)


async def test_no_secret_is_kept(tmp_path: Path) -> None:
    secrets = Secrets()
    secrets.register("s3cr3t-value")
    values = Home("lamp", tmp_path, secrets).values
    await values.put("key", {"a": "it is s3cr3t-value"})
    assert await values.get("key", Any) == {"a": "it is [secret]"}


@pytest.mark.promise("plugins.values")
def test_a_process_that_is_killed_leaves_old_or_new(tmp_path: Path) -> None:
    """It writes until it is killed; what is read then is whole, and the last that it told of or one later."""
    code = (
        "import sys, trio, pathlib\nfrom pillion import Home\n"
        "async def main():\n"
        "    values, n = Home('lamp', pathlib.Path(sys.argv[1])).values, 0\n"
        "    while True:\n"
        "        n += 1\n"
        "        await values.put('n', [n] * 1000)\n"
        "        print(n, flush=True)\n"
        "trio.run(main)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(20)]
        process.kill()
        told += process.stdout.readlines()
    last = int([line for line in told if line.endswith("\n")][-1])
    kept = trio.run(Home("lamp", tmp_path).values.get, "n", list)
    assert kept is not None and len(set(kept)) == 1 and len(kept) == 1000 and kept[0] in (last, last + 1)


def test_the_file_fits_the_contract(tmp_path: Path) -> None:
    assert isinstance(FileValues(tmp_path / "v", lambda: tmp_path), KeyValues)
