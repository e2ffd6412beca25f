"""`pillion config`: in force, right or wrong, possible."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from pillion.errors import ConfigError
from pillion.settings import load, shipped_file
from pillion_runtime.cli.checking import Wrong, line_of, problems

from ...canaries import canary

KEY = canary()
PASSWORD = "canary-of-the-database"
WRONG = [
    ('[defaults]\nmodle = "x"\n', 2, "Did you mean 'model'?"),
    ("[plugins.files]\nenabled = true\nripgrp = 1\n", 3, "Did you mean 'ripgrep'?"),
    ("[plugins.terminal]\nseconds = 9\n[host]\nbind = 5\n", 4, "host.bind"),
    ('[plugins.openai]\n[plugins.openai.servers.x]\nbase_url = "http://x"\napi = "chatt"\n', 4, "'chatt'"),
    ('[[plugins.approvals.rules]]\nverdict = "allow"\n[[plugins.approvals.rules]]\nverdict = "alow"\n', 4, "'alow'"),
    ("[plugins.nobody]\n", 1, "'nobody'"),
    ('[plugins.files]\nenabled = "yes"\n', 2, "true nor false"),
    ("[pluggins]\n", 1, "Did you mean [plugins]?"),
    ('[defaults]\nstore = "storag"\n', 2, "Did you mean 'storage'?"),
    ('[defaults]\nstrategy = "guess"\n', 2, "There are: auto, "),
    ("[limits]\nsteps = 5\ntokens = = 4\n", 3, "can't be read"),
    ("plugins.files.ripgrep = 5\n", 1, "ripgrep"),
]


async def _config(cli: Any, *words: str, **variables: str) -> Any:
    return await cli.run("config", *words, **variables)


@pytest.mark.promise("cli.config")
async def test_each_value_says_where_it_comes_from_and_no_secret_shows(cli: Any) -> None:
    given = {
        "PILLION__LIMITS__STEPS": "7",
        "PILLION__PLUGINS__STORAGE__URL": f"postgresql://me:{PASSWORD}@db/x",
        "PILLION__PLUGINS__OPENAI__API_KEY": KEY,
    }
    said = await _config(cli, "show", "--origin", "--json", **given)
    told = json.loads(said.out)
    assert told["limits.steps"] == {"value": 7, "from": "$PILLION__LIMITS__STEPS"}
    assert told["defaults.model"] == {"value": "local/scripted", "from": str(cli.folder / "plugins.toml")}
    assert told["plugins.web.enabled"]["from"] == "shipped"
    assert told["plugins.storage.url"]["value"] == "postgresql://me:[secret]@db/x"
    assert "deadlines.tool" not in told
    lines = await _config(cli, "show", "--origin", "--all", **given)
    assert [line.split() for line in lines.out.splitlines() if line.startswith(("limits.steps", "deadlines.tool"))] == [
        ["deadlines.tool", "=", "120.0", "#", "default"],
        ["limits.steps", "=", "7", "#", "$PILLION__LIMITS__STEPS"],
    ]
    plain = await _config(cli, "show", **given)
    assert 'defaults.model = "local/scripted"\n' in plain.out
    assert not any(secret in said.out + lines.out + plain.out for secret in (KEY, PASSWORD))


@pytest.mark.promise("cli.config")
async def test_a_wrong_file_is_told_by_line(cli: Any) -> None:
    file = cli.folder / "wrong.toml"
    file.write_text("[limits]\nstepps = 4\n")
    ended = await _config(cli, "validate", str(file))
    assert (ended.code, ended.out) == (2, ""), ended
    assert ended.err == f"{file}:2: Unknown setting limits.stepps. Did you mean 'steps'?\n"
    told = json.loads((await _config(cli, "validate", "--json", str(file))).out)
    assert (told["ok"], told["file"]) == (False, str(file))
    assert (told["problems"][0]["key"], told["problems"][0]["line"]) == ("limits.stepps", 2)
    missing = await _config(cli, "validate", "nowhere.toml")
    assert missing.code == 2 and "nowhere.toml" in missing.err, missing
    well = await _config(cli, "validate")
    assert (well.code, well.out) == (0, f"{cli.folder / 'plugins.toml'} is fine.\n"), well


@pytest.mark.promise("cli.config")
@pytest.mark.parametrize(("text", "line", "words"), WRONG)
def test_each_fault_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    try:
        wrong = problems(load(config=file, data_dir=tmp_path, environ={}))
    except ConfigError as error:
        wrong = [Wrong.of(error)]
    (placed,) = [one.placed(file) for one in wrong]
    assert (placed.line, words in placed.message) == (line, True), placed


def test_a_line_is_that_of_the_innermost_table_there_is(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text('steps = 1\n[plugins.a] # here\nx = { y = 1 }\n[ limits ]\n"steps" = 2\nlong = """\n"""\n')
    places = ("plugins.a.x.y", "plugins.a.z", "limits.steps", "steps", "nothing.at.all")
    assert [line_of(file, path) for path in places] == [3, 2, 5, 1, 0]
    assert line_of(tmp_path / "none.toml", "steps") == 0


@pytest.mark.promise("cli.config")
async def test_the_schema_takes_what_is_right_and_refuses_slips(cli: Any) -> None:
    schema = json.loads((await _config(cli, "schema")).out)
    fits = jsonschema_rs.Draft202012Validator(schema)
    for right in (shipped_file(), cli.folder / "plugins.toml"):
        fits.validate(tomllib.loads(right.read_text()))
    for slip in (
        {"plugins": {"openai": {"base_ulr": ""}}},
        {"plugins": {"openai": {"servers": {"local": {"base_url": "http://x", "api": "chatt"}}}}},
        {"defaults": {"modle": ""}},
        {"pluggins": {}},
        {"guards": {"approvals": ["wrte"]}},
        {"plugins": {"stranger": {"enabled": "yes"}}},
    ):
        assert not fits.is_valid(slip), slip
