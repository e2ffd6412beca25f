"""plugins.toml + the user's file + environment + flags -> frozen settings. The only reader of os.environ."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import msgspec
import platformdirs
from msgspec import Meta, Struct

from .contracts.tool import Effect
from .errors import ConfigError
from .keys import KeyFile, Keyring
from .protection import Protected
from .roles import Models, Roles, check_roles, said
from .secrets import MASK, Secrets
from .values import Limits

T = TypeVar("T", bound=Struct)
Seconds = Annotated[float, Meta(gt=0)]
PREFIX = "PILLION__"
SECRET_KEYS = ("token", "key", "secret", "password")
"""A text under one of these keys, or one that ends so (`api_key`), is a secret."""
_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
"""Of a URL, wherever one stands."""
SECTIONS = ("host", "defaults", "models", "limits", "deadlines", "execution", "trust", "protected", "guards", "plugins")


class Environment:
    """The environment as it was at start."""

    def __init__(self, variables: Mapping[str, str], secrets: Secrets, key_file: Path | None = None) -> None:
        self._variables = MappingProxyType(dict(variables))
        self._secrets = secrets
        self.keyring = Keyring(self._variables, secrets, KeyFile(key_file))
        """Where the keys of providers come from."""

    def get(self, name: str) -> str:
        """The variable's value, `""` when unset."""
        return self._variables.get(name, "")

    def secret(self, name: str) -> str:
        """Like get; from now on the value is masked wherever it would be shown or kept."""
        value = self.get(name)
        return self._secrets.register(value) if value else ""

    def pick(self, names: Sequence[str]) -> dict[str, str]:
        """The named variables that are set; a name that ends in `*` takes all that begin so."""
        return {
            key: value
            for key, value in self._variables.items()
            if any(key == name or (name.endswith("*") and key.startswith(name[:-1])) for name in names)
        }


class Defaults(Struct, frozen=True, forbid_unknown_fields=True):
    """[defaults]. `keep_requests`: what models are sent and answer is kept with the log, each message once."""

    model: str = "auto"
    strategy: str = "auto"
    store: str = "memory"
    context_tokens: int = 8_000
    keep_requests: bool = False
    tool_output: Annotated[int, Meta(ge=1_000)] = 30_000
    """Characters of one result that a model gets, where its window is large enough; the whole is kept."""
    rest_after: Seconds = 300.0
    """Seconds after which a session that nobody uses leaves memory; the next touch brings it back."""
    temperature_step: Annotated[float, Meta(ge=0, le=1)] = 0.2
    """What a model's temperature, where its settings say one, is raised by for the answer after one that could not be
    used: none of its calls was one of a tool that is there, with arguments that fit, or it did not fit the schema."""


class Deadlines(Struct, frozen=True, forbid_unknown_fields=True):
    """[deadlines], all in seconds. `first_byte`, `between` and `total` are of one model call.

    `blocking` is how long a plugin's code may hold up the event loop before it is interrupted.
    """

    first_byte: Seconds = 120.0
    between: Seconds = 60.0
    total: Seconds = 1800.0
    tool: Seconds = 120.0
    policy: Seconds = 5.0
    approval: Seconds = 300.0
    question: Seconds = 600.0
    store: Seconds = 30.0
    stopping: Seconds = 15.0
    blocking: Seconds = 30.0


class Execution(Struct, frozen=True, forbid_unknown_fields=True):
    """[execution]: what started programs get. `environment` lists variables that pass; `*` at a name's end matches."""

    environment: tuple[str, ...] = (
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "TMPDIR",
        "VIRTUAL_ENV", "PYENV_ROOT", "NVM_DIR", "CARGO_HOME", "RUSTUP_HOME", "GOPATH", "JAVA_HOME",
    )  # fmt: skip


class Trust(Struct, frozen=True, forbid_unknown_fields=True):
    """[trust]: folders whose rules and programs may be used."""

    folders: tuple[str, ...] = ()

    def includes(self, workspace: str) -> bool:
        """Is it one of the folders, or in one? Where both really are counts: neither `..` nor a link leads out."""
        path = Path(os.path.realpath(workspace))
        folders = [Path(os.path.realpath(Path(name).expanduser())) for name in self.folders]
        return any(path == folder or folder in path.parents for folder in folders)


class PluginSection(Struct, frozen=True):
    """One [plugins.<name>]: `use` names an entry point, `module:attr` or `./file.py:attr`; the rest is its Config."""

    name: str
    enabled: bool
    use: str
    folder: Path
    config: Mapping[str, Any]


class Layers(Struct, frozen=True):
    """Where settings come from, the later ones over the earlier: shipped file, user's file, environment, flags."""

    shipped: bool
    user: Path | None
    variables: Mapping[str, str]
    flags: Mapping[str, Any]
    environment: Environment
    secrets: Secrets
    data_dir: Path

    def read(self) -> Settings:
        """Raises ConfigError, which names what is wrong."""
        raw: dict[str, Any] = {}
        origins: dict[str, str] = {}
        folders: dict[str, Path] = {}
        for table, origin, folder in self._tables():
            _check_sections(table, origin)
            for name, section in table.get("plugins", {}).items():
                if "use" in section:
                    folders[name] = folder
            _lay(raw, table, origin, origins)
        return _frozen(raw, origins, folders, self)

    def _tables(self) -> Iterator[tuple[dict[str, Any], str, Path]]:
        if self.shipped:
            yield _read(shipped_file()), "shipped", shipped_file().parent
        if self.user is not None and self.user.is_file():
            yield _read(self.user), str(self.user.resolve()), self.user.resolve().parent
        for key, value in self.variables.items():
            if key.startswith(PREFIX):
                dotted = key[len(PREFIX) :].lower().replace("__", ".")
                yield _nested(dotted, _value(value)), f"${key}", Path()
        for dotted, value in self.flags.items():
            yield _nested(dotted, value), "flag", Path()


class Settings(Struct, frozen=True):
    """All settings in force. `origins` says of each dotted key which layer it came from."""

    defaults: Defaults
    models: Models
    limits: Limits
    deadlines: Deadlines
    execution: Execution
    trust: Trust
    protected: Protected
    guards: Mapping[str, tuple[str, ...]]
    plugins: Mapping[str, PluginSection]
    raw: Mapping[str, Any]
    origins: Mapping[str, str]
    environment: Environment
    secrets: Secrets
    data_dir: Path
    layers: Layers

    @property
    def roles(self) -> Roles:
        """The models to ask for each role that the settings say something of."""
        return said(self.defaults.model, self.models.roles)

    @property
    def user_file(self) -> Path | None:
        """The user's settings file, or where it would be; None: there is no place for one."""
        return self.layers.user

    def section(self, name: str, kind: type[T]) -> T:
        """The table [name] as a Struct; for sections that belong to the host."""
        return convert(self.raw.get(name, {}), kind, plugin="", prefix=name)

    def read_again(self) -> Settings:
        """What the next start would find: the files may say another thing now. Raises ConfigError."""
        return self.layers.read()

    def with_plugin(self, fresh: Settings, name: str, enabled: bool) -> Settings:
        """The same with one plugin's section as `fresh` has it, and on or off; one that is new stands last."""
        at = f"plugins.{name}"
        section = fresh.plugins.get(name) or PluginSection(name, enabled, name, Path(), {})
        table = {**fresh.raw.get("plugins", {}).get(name, {}), "enabled": enabled}
        origins = {key: origin for key, origin in self.origins.items() if not key.startswith(f"{at}.")}
        origins |= {key: origin for key, origin in fresh.origins.items() if key.startswith(f"{at}.")}
        if f"{at}.enabled" not in origins or section.enabled != enabled:
            origins[f"{at}.enabled"] = "live"
        return msgspec.structs.replace(
            self,
            plugins=MappingProxyType({**self.plugins, name: msgspec.structs.replace(section, enabled=enabled)}),
            raw=MappingProxyType({**self.raw, "plugins": {**self.raw.get("plugins", {}), name: table}}),
            origins=MappingProxyType(origins),
        )

    def masked(self) -> dict[str, Any]:
        """For people: every value with its origin, secrets masked."""
        return {
            key: {"value": MASK if is_secret(key, value) else self.secrets.redact_value(value), "from": origin}
            for key, value in sorted(_flat(self.raw).items())
            for origin in (self.origins[key],)
        }


def load(
    *,
    config: Path | None = None,
    data_dir: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    shipped: bool = True,
) -> Settings:
    """Reads all layers: shipped file, user's file, environment, flags (dotted keys). ConfigError names what is wrong.

    The user's file is `config`, else $PILLION_CONFIG, else `pillion/plugins.toml` in the user's config directory if
    present. `environ` stands for the environment; with it that directory is only its XDG_CONFIG_HOME.
    """
    variables = process_environment() if environ is None else dict(environ)
    secrets = Secrets()
    home = Path(variables.get("PILLION_DATA_DIR") or platformdirs.user_data_path("pillion"))
    return Layers(
        shipped=shipped,
        user=_users_file(config, variables, given=environ is not None),
        variables=variables,
        flags=flags or {},
        environment=Environment(variables, secrets, _users_own(variables, "keys.json", given=environ is not None)),
        secrets=secrets,
        data_dir=(data_dir or home).expanduser().resolve(),
    ).read()


def process_environment() -> dict[str, str]:
    """This process's variables, for those who load settings with more or fewer of them."""
    return dict(os.environ)


def shipped_file() -> Path:
    """The default plugins.toml: beside this package in a wheel, at the top of a source tree."""
    packaged = Path(__file__).with_name("plugins.toml")
    return packaged if packaged.exists() else Path(__file__).parents[2] / "plugins.toml"


def convert(value: Any, kind: type[T], *, plugin: str, prefix: str) -> T:
    """`value` as the Struct `kind`. ConfigError names the wrong key, and the nearest right one."""
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    if isinstance(value, Mapping):
        for key in value:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known) or 'none'}."
                path = f"{prefix}.{key}"
                raise ConfigError(f"Unknown setting {path}.", plugin=plugin, key=key, hint=hint, path=path)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        key = path.rstrip("`").lstrip(".")
        at = f"{prefix}.{key}" if key else prefix
        raise ConfigError(f"Setting {at}: {said}.", plugin=plugin, key=key, path=at) from None


def _users_file(config: Path | None, variables: Mapping[str, str], *, given: bool) -> Path | None:
    """The one that is named and exists, else the usual place, whether there is a file or not."""
    named = config or (Path(variables["PILLION_CONFIG"]) if variables.get("PILLION_CONFIG") else None)
    if named is not None and not named.is_file():
        raise ConfigError(f"There is no settings file {named}.", hint="Check --config or PILLION_CONFIG.")
    return named or _users_own(variables, "plugins.toml", given=given)


def _users_own(variables: Mapping[str, str], name: str, *, given: bool) -> Path | None:
    """The file of that name in the user's config directory; None: there is none."""
    home = variables.get("XDG_CONFIG_HOME") or ("" if given else str(platformdirs.user_config_path()))
    return Path(home) / "pillion" / name if home else None


def _check_sections(table: Mapping[str, Any], origin: str) -> None:
    """Each section is known and a table, and so is each plugin's; `enabled` is true or false, so nobody must guess."""
    for name, section in table.items():
        if name not in SECTIONS:
            near = difflib.get_close_matches(name, SECTIONS, 1)
            hint = f"Did you mean [{near[0]}]?" if near else f"Known are: {', '.join(SECTIONS)}."
            raise ConfigError(f"Unknown section [{name}], from {origin}.", key=name, hint=hint)
        if not isinstance(section, Mapping):
            raise ConfigError(f"[{name}] must be a table, but {origin} gives one value.", key=name)
    for name, section in table.get("plugins", {}).items():
        if not isinstance(section, Mapping):
            raise ConfigError(f"[plugins.{name}] must be a table, but {origin} gives one value.", plugin=name)
        if not isinstance(section.get("enabled", True), bool):
            key, hint = f"plugins.{name}.enabled", "Write true or false, without quotes."
            raise ConfigError(
                f"Setting {key}, from {origin}, is neither true nor false.", plugin=name, key=key, hint=hint
            )
        if not isinstance(section.get("use", ""), str):
            raise ConfigError(f"Setting plugins.{name}.use, from {origin}, is no text.", plugin=name, key="use")


def _frozen(
    raw: dict[str, Any],
    origins: dict[str, str],
    folders: dict[str, Path],
    layers: Layers,
) -> Settings:
    plugins = {}
    for name, section in raw.get("plugins", {}).items():
        rest = {key: value for key, value in section.items() if key not in ("enabled", "use")}
        plugins[name] = PluginSection(
            name=name,
            enabled=section.get("enabled", True),
            use=section.get("use", name),
            folder=folders.get(name, Path()),
            config=rest,
        )
    for key, value in _flat(raw).items():
        for secret in [value] if is_secret(key, value) else _PASSWORD.findall(str(value)):
            layers.secrets.register(secret)
    models = convert(raw.get("models", {}), Models, plugin="", prefix="models")
    check_roles(models.roles)
    return Settings(
        models=models,
        defaults=convert(raw.get("defaults", {}), Defaults, plugin="", prefix="defaults"),
        limits=convert(raw.get("limits", {}), Limits, plugin="", prefix="limits"),
        deadlines=convert(raw.get("deadlines", {}), Deadlines, plugin="", prefix="deadlines"),
        execution=convert(raw.get("execution", {}), Execution, plugin="", prefix="execution"),
        trust=convert(raw.get("trust", {}), Trust, plugin="", prefix="trust"),
        protected=convert(raw.get("protected", {}), Protected, plugin="", prefix="protected"),
        guards=MappingProxyType(_guards(raw.get("guards", {}))),
        plugins=MappingProxyType(plugins),
        raw=MappingProxyType(raw),
        origins=MappingProxyType(origins),
        environment=layers.environment,
        secrets=layers.secrets,
        data_dir=layers.data_dir,
        layers=layers,
    )


def _guards(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    try:
        guards: dict[str, tuple[str, ...]] = msgspec.convert(dict(table), dict[str, tuple[Effect, ...]])
    except msgspec.ValidationError as error:
        said = str(error).partition(" - at `$")[0]
        hint = 'Write a list of effects: approvals = ["write", "execute", "network"].'
        raise ConfigError(f"Section [guards]: {said}.", key="guards", hint=hint) from None
    return guards


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}.", hint="Mend the file and start again.") from None


def _lay(under: dict[str, Any], over: Mapping[str, Any], origin: str, origins: dict[str, str], at: str = "") -> None:
    for key, value in over.items():
        dotted = f"{at}.{key}" if at else key
        if isinstance(value, Mapping):
            below = under.get(key)
            if not isinstance(below, dict):
                below = under[key] = {}
            _lay(below, value, origin, origins, dotted)
        else:
            under[key] = list(value) if isinstance(value, tuple) else value
            origins[dotted] = origin


def _nested(dotted: str, value: Any) -> dict[str, Any]:
    for part in reversed(dotted.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def _value(text: str) -> Any:
    """An environment value is TOML where it parses as such, else the text itself."""
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text


def _flat(table: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        dotted = f"{at}.{key}" if at else key
        flat |= _flat(value, dotted) if isinstance(value, Mapping) else {dotted: value}
    return flat


def is_secret(key: str, value: Any) -> bool:
    """Is a text under this dotted key a secret, by the key's name?"""
    last = key.rpartition(".")[2]
    return isinstance(value, str) and any(last == name or last.endswith(f"_{name}") for name in SECRET_KEYS)
