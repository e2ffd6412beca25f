"""Settings: layers, where each value came from, and what is refused with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.errors import ConfigError
from pillion.secrets import MASK
from pillion.settings import Settings, load


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "plugins.toml"
    file.write_text(text, "utf-8")
    return file


def read(tmp_path: Path, text: str, **options) -> Settings:
    return load(config=write(tmp_path, text), environ=options.pop("environ", {}), shipped=False, **options)


def refused(tmp_path: Path, text: str, **options) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **options)
    return str(caught.value)


def test_each_layer_lies_over_the_one_before(tmp_path: Path) -> None:
    file = write(tmp_path, '[deadlines]\ntool = 10\npolicy = 2\napproval = 3\n[defaults]\nmodel = "a/b"\n')
    environ = {"PILLION__DEADLINES__TOOL": "20", "PILLION__DEADLINES__POLICY": "4.5"}
    settings = load(config=file, environ=environ, flags={"deadlines.tool": 30})
    assert settings.defaults.model == "a/b"
    deadlines = settings.deadlines
    assert (deadlines.tool, deadlines.policy, deadlines.approval, deadlines.store) == (30, 4.5, 3, 30)
    shown = settings.masked()
    assert shown["deadlines.tool"] == {"value": 30, "from": "flag"}
    assert shown["deadlines.policy"]["from"] == "$PILLION__DEADLINES__POLICY"
    assert shown["deadlines.approval"]["from"] == str(file)
    assert shown["plugins.files.enabled"] == {"value": True, "from": "shipped"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("5", 5),
        ('["a", "b"]', ["a", "b"]),
        ('"5"', "5"),
        ("gpt-5", "gpt-5"),
        ("", ""),
        ("https://h/x#y", "https://h/x#y"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_an_environment_value_is_toml_or_itself(tmp_path: Path, text: str, value: object) -> None:
    settings = load(environ={"PILLION__PLUGINS__MINE__SERVERS__ONE__URL": text}, shipped=False)
    assert settings.plugins["mine"].config == {"servers": {"one": {"url": value}}}


def test_the_users_file_is_named_or_stands_in_its_directory(tmp_path: Path) -> None:
    named = write(tmp_path / "named", '[defaults]\nmodel = "named/x"\n')
    write(tmp_path / "home/pillion", '[defaults]\nmodel = "home/x"\n')
    home = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    assert load(environ=home).defaults.model == "home/x"
    assert load(environ=home | {"PILLION_CONFIG": str(named)}).defaults.model == "named/x"
    assert load(environ={}).defaults.model == "auto"
    with pytest.raises(ConfigError, match="PILLION_CONFIG"):
        load(environ={"PILLION_CONFIG": str(tmp_path / "none.toml")})


def test_the_process_environment_is_read_when_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "pillion", '[defaults]\nmodel = "home/x"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PILLION_DATA_DIR", str(tmp_path / "data"))
    settings = load()
    assert settings.defaults.model == "home/x"
    assert settings.data_dir == tmp_path / "data"


def test_a_plugins_file_is_looked_for_beside_the_file_that_names_it(tmp_path: Path) -> None:
    file = write(tmp_path, '[plugins.mine]\nuse = "./mine.py:Plugin"\ncolour = "red"\n')
    section = load(config=file, environ={"PILLION__PLUGINS__MINE__COLOUR": "blue"}).plugins["mine"]
    assert (section.use, section.folder, section.config) == ("./mine.py:Plugin", tmp_path, {"colour": "blue"})
    elsewhere = load(config=file, environ={"PILLION__PLUGINS__MINE__USE": "./other.py:Plugin"}).plugins["mine"]
    assert (elsewhere.use, elsewhere.folder) == ("./other.py:Plugin", Path())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[deadlines]\ntoool = 1\n", "Unknown setting deadlines.toool. Did you mean 'tool'?"),
        ("[deadlines]\ntool = 0\n", "Setting deadlines.tool: Expected `float` > 0.0."),
        ('[limits]\nsteps = "many"\n', "Setting limits.steps: Expected `int | null`, got `str`."),
        ("[defualts]\n", "Did you mean [defaults]?"),
        ("defaults = 3\n", "[defaults] must be a table"),
        ("[plugins]\nfiles = true\n", "[plugins.files] must be a table"),
        ('[plugins.files]\nenabled = "no"\n', "Setting plugins.files.enabled"),
        ("[plugins.files]\nuse = 3\n", "Setting plugins.files.use"),
        ('[guards]\napprovals = "write"\n', 'Write a list of effects: approvals = ["write", "execute", "network"].'),
        ('[guards]\napprovals = ["wirte"]\n', "Section [guards]: Invalid enum value 'wirte'."),
        ("a = = 1\n", "can't be read: Invalid value (at line 1, column 5)."),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="can't be read"):
        load(config=file, environ={})


def test_secrets_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    text = '[plugins.m]\ntoken = "s3cr3t-one"\napi_key = "s3cr3t-two"\nkey_env = "MY_KEY"\nurls = ["h?s3cr3t-one"]\n'
    settings = read(tmp_path, text, environ={"MY_KEY": "s3cr3t-three"})
    assert settings.environment.secret("MY_KEY") == "s3cr3t-three"
    shown = {key: entry["value"] for key, entry in settings.masked().items()}
    assert shown == {
        "plugins.m.token": MASK,
        "plugins.m.api_key": MASK,
        "plugins.m.key_env": "MY_KEY",
        "plugins.m.urls": [f"h?{MASK}"],
    }
    assert settings.secrets.redact("s3cr3t-two s3cr3t-three") == f"{MASK} {MASK}"


def test_started_programs_get_only_the_listed_variables(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "OPENAI_API_KEY": "sk-12345678", "HOMELY": "x"}
    settings = load(environ=environ, shipped=False)
    assert settings.environment.pick(settings.execution.environment) == {"PATH": "/bin", "LC_ALL": "C"}


def test_the_shipped_file_is_sound() -> None:
    settings = load(environ={})
    assert set(settings.guards) <= set(settings.plugins)
    assert all(section.use == name for name, section in settings.plugins.items())
    assert {name for name, section in settings.plugins.items() if not section.enabled} == {"aide"}
