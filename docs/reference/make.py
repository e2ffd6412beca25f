"""Writes the reference pages that follow from the code: `python docs/reference/make.py`. A test keeps them equal."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pillion import events as e
from pillion.errors import PillionError
from pillion.home import Home, Values
from pillion.hookspecs import Kernelhooks
from pillion.protection import Protected
from pillion.roles import Models
from pillion.session import Session
from pillion.settings import Deadlines, Defaults, Execution, Trust
from pillion.values import Limits
from pillion_aide.hookspecs import AideHooks
from pillion_edit.hookspecs import EditHooks
from pillion_index.hookspecs import IndexHooks
from pillion_runtime.hookspecs import HostHooks
from pillion_runtime.hostsettings import HostSettings
from pillion_syntax.hookspecs import SyntaxHooks

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "plugins.toml"
SPECS = {
    "The kernel's": Kernelhooks,
    "The host's": HostHooks,
    "The plugin edit's": EditHooks,
    "The plugin syntax's": SyntaxHooks,
    "The plugin index's": IndexHooks,
    "The plugin aide's": AideHooks,
}

EVENTS = """\
# Events

A session's log is a row of events, numbered 1, 2, 3, … without a gap. Each is a JSON object with `type`, `id`, `time`
(UTC), `session`, `turn` (where there is one), `step` (from 1; left out outside any step) and the fields below. A field
that has its default is left out. Fields are only ever added; a new meaning is a new type.

Text that grows is an *item*. One event opens it, and that event's number names the item. Then come deltas:
`{item, at, text}`, with ids like `41.7`, the 7th since event 41. A client's whole rule is
`text = text[:at] + delta`, where `at` counts characters (code points). One event closes the item: `….finished` and
`….interrupted` hold its whole text, `….voided` takes it back. Deltas are `text.delta`, `thinking.delta`, `call.delta`
(a call's arguments) and `tool.output`. They are not kept: a reader that comes late gets the whole text at the end.

Two things a stream says of itself, without an id. A reader that names an id which this log never had gets one `resync`
with the `head`, then everything from the start. `session.cursor` tells a place that no event tells: what follows is
behind its `cursor`.

Plugins bring events of their own; their pages say which: [notes](../howto/notes.md#scratchpadwritten),
[usage](../howto/usage.md#budgetreached), [terminal](../howto/shells.md#what-is-kept),
[checkpoints](../howto/undo.md#in-the-log), [forks](../howto/fork.md#in-the-log), [git](../howto/git.md#gitcounted),
[index](../howto/code.md#a-model-that-judges), [aide](../howto/aide.md#in-the-log).
"""
HOOKS = """\
# Hooks

A plugin is a class with methods marked `@hookimpl`. A hook is a plain function: it is called at a known moment and
returns objects; all waiting happens in the async methods of those. A plugin takes only the arguments it wants. One
that raises loses only its own answer, and `pillion plugins list` says so.

A plugin comes when Pillion starts, or when somebody [switches it on](../howto/live_plugins.md); then its class is made
into an object. A class with an attribute `Config`, a msgspec Struct, is given its section of the settings as that. One
whose constructor has a parameter named `home` is given a `Home`:

```python
from pillion import Home


class Plugin:
    def __init__(self, home: Home) -> None:
        self.home = home
```

"""
KEEPING = """\
## What lives beside turns

A tool's processes end with its call. What is to live on (a shell, a server, a language server) belongs to its session,
which `await kernel.session(call.session)` gives.
"""
ERRORS = """\
# Errors

Every error of Pillion is a `PillionError`. Over HTTP it is `application/problem+json` with its `code` and status;
`retryable` says whether the same request may work later. A plugin's own errors say the same three things.

"""
SETTINGS = """\
# Settings

One file, `plugins.toml`, switches features on and off and sets them. Four layers lie over each other: the shipped file,
yours (`--config FILE`, else `$PILLION_CONFIG`, else `pillion/plugins.toml` in your config directory), the environment,
flags. An environment variable is the key in capitals with two underscores for each dot, after `PILLION__`:
`PILLION__LIMITS__STEPS=10`. Its value is read as TOML where it can be, else as text.

A key that nobody knows is an error that names the nearest one. Texts under keys named `token`, `key`, `secret` or
`password`, or ending so (`api_key`), are secrets: they are masked wherever they would be shown or kept. Better, name
the environment variable that holds the secret, as `key_env` does.

A plugin's section also has `enabled` (true by default) and `use`, where the plugin is: the name of an installed one
(by default the section's own name), `package.module:Class`, or `./file.py:Class` beside the settings file. Nothing runs
that no section lists.
"""


def pages() -> dict[str, str]:
    """Each page's text by its file name."""
    return {"events.md": events(), "hooks.md": hooks(), "errors.md": errors(), "settings.md": settings()}


def events() -> str:
    parts = [EVENTS, "## Events that last\n"]
    parts += [_event(kind) for kind in e.LASTING]
    parts.append(
        "## Facts that pass\n\nShown to those who watch at that moment, with an id like a delta's; never kept.\n"
    )
    parts += [_event(kind) for kind in e.PASSING]
    parts.append("## Objects in fields\n")
    parts += _objects(e.LASTING, "###")
    return "\n".join(parts)


def _event(kind: type[e.Event]) -> str:
    notes = [_flat(inspect.getdoc(kind) or "")]
    if kind.opens:
        notes.append(f"Opens an item that grows by `{kind.opens}`.")
    if kind.closes:
        notes.append("Closes the item.")
    rows = _rows(kind, skip=("type", "step"))
    return f"### `{e.type_of(kind)}`\n\n{' '.join(notes)}\n" + (f"\n{_table('field', rows)}" if rows else "")


def hooks() -> str:
    parts = [HOOKS + home()]
    for title, specs in SPECS.items():
        parts.append(f"## {title}\n\n{_paragraphs(specs)}\n")
        for name, hook in vars(specs).items():
            if not name.startswith("_"):
                wanted = [argument for argument in inspect.signature(hook).parameters if argument != "self"]
                parts.append(f"### `{name}({', '.join(wanted)})`\n\n{_paragraphs(hook)}\n")
    parts.append(KEEPING)
    for method in (Session.keep, Session.record):
        parts.append(f"### `await session.{_call(method)}`\n\n{_paragraphs(method)}\n")
    return "\n".join(parts)


def home() -> str:
    """What the object `home` has."""
    rows = [("`home.name`", "its section in the settings"), ("`home.log`", "its logger, `pillion.plugin.NAME`")]
    rows += [(f"`home.{_call(method)}`", _flat(inspect.getdoc(method) or "")) for method in _methods(Home)]
    rows += [(f"`await home.values.{_call(each)}`", _flat(inspect.getdoc(each) or "")) for each in _methods(Values)]
    table = "\n".join(f"| {what} | {said} |" for what, said in rows)
    return f"| its own | |\n|---|---|\n{table}\n\n{_paragraphs(Values)}\n"


def _methods(kind: type) -> list[Any]:
    return [member for name, member in vars(kind).items() if not name.startswith("_")]


def _call(method: Any) -> str:
    return f"{method.__name__}({', '.join(name for name in inspect.signature(method).parameters if name != 'self')})"


def errors() -> str:
    rows = ["| error | code | status | retryable | what it says |", "|---|---|---|---|---|"]
    for kind, depth in _tree(PillionError, 0):
        name = f"{'&nbsp;' * 4 * depth}`{kind.__name__}`"
        said = _flat((inspect.getdoc(kind) if "__doc__" in vars(kind) else "") or "").replace("|", "\\|")
        rows.append(f"| {name} | `{kind.code}` | {kind.status} | {'yes' if kind.retryable else 'no'} | {said} |")
    return ERRORS + "\n".join(rows) + "\n"


def _tree(kind: type[PillionError], depth: int) -> Iterator[tuple[type[PillionError], int]]:
    yield kind, depth
    for below in kind.__subclasses__():
        if below.__module__.partition(".")[0] == "pillion":
            yield from _tree(below, depth + 1)


def settings() -> str:
    said = _comments()
    parts = [SETTINGS]
    sections: list[tuple[str, Any]] = [
        ("host", HostSettings),
        ("defaults", Defaults),
        ("models", Models),
        ("limits", Limits),
        ("deadlines", Deadlines),
        ("execution", Execution),
        ("trust", Trust),
        ("protected", Protected),
    ]
    for name, kind in sections:
        parts.append(_section(name, kind, said))
    guards = "Effects that are denied while the plugin that guards them can't run: a list of effects by plugin.\n"
    parts.append(f"## `[guards]`\n\n{guards}")
    for plugin in tomllib.loads(SHIPPED.read_text("utf-8"))["plugins"]:
        module = importlib.import_module(f"pillion_{plugin}.plugin")
        summary = _flat(inspect.getdoc(module.Plugin) or "")
        parts.append(_section(f"plugins.{plugin}", getattr(module.Plugin, "Config", None), said, summary))
    return "\n".join(parts)


def _section(name: str, kind: Any, said: dict[str, str], summary: str = "") -> str:
    text = summary or _flat(inspect.getdoc(kind) or "").removeprefix(f"[{name}]").lstrip(",.: ")
    rows = _rows(kind, said={key.removeprefix(f"{name}."): value for key, value in said.items()}) if kind else []
    set_there = tomllib.loads(SHIPPED.read_text("utf-8")).get(name, {})
    for at, (key, kind_, default, note) in enumerate(rows):
        if key.strip("`") in set_there:
            shipped = _plain(set_there[key.strip("`")])
            rows[at] = (key, kind_, f"{shipped}; without the shipped file {default}", note)
    table = _table("key", rows) if rows else "No settings of its own.\n"
    below = "".join(f"\n{part}" for part in _objects((kind,), "###", of=f" (`[{name}]`)")) if kind else ""
    return f"## `[{name}]`\n\n" + (f"{text[0].upper()}{text[1:]}\n\n" if text else "") + table + below


# ── a Struct as rows ──


def _rows(kind: Any, *, skip: tuple[str, ...] = (), said: dict[str, str] | None = None) -> list[tuple[str, ...]]:
    (top,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    return _columns(parts[top["$ref"]], parts, _field_notes(kind) | (said or {}), skip)


def _columns(
    schema: dict[str, Any], parts: dict[str, Any], notes: dict[str, str], skip: tuple[str, ...] = ()
) -> list[tuple[str, ...]]:
    return [
        (f"`{name}`", _kind(part, parts), _default(part, name in schema.get("required", ())), notes.get(name, ""))
        for name, part in schema["properties"].items()
        if name not in skip
    ]


def _objects(kinds: tuple[Any, ...], level: str, *, of: str = "") -> list[str]:
    """What the kinds' fields hold, each once."""
    tops, parts = msgspec.json.schema_components(kinds, ref_template="{name}")
    names = [name for name in parts if {"$ref": name} not in tops and "properties" in parts[name]]
    return [
        f"{level} {_words(name)[0].upper()}{_words(name)[1:]} object{of}\n\n"
        + (f"{_flat(parts[name]['description'])}\n\n" if parts[name].get("description") else "")
        + _table("field", _columns(parts[name], parts, {}))
        for name in names
    ]


def _table(first: str, rows: list[tuple[str, ...]]) -> str:
    noted = any(row[3] for row in rows)
    lines = [f"| {first} | type | default |{' |' if noted else ''}", "|---|---|---|" + ("---|" if noted else "")]
    lines += [f"| {' | '.join(row if noted else row[:3])} |" for row in rows]
    return "\n".join(lines) + "\n"


def _kind(part: dict[str, Any], parts: dict[str, Any]) -> str:
    match part:
        case {"$ref": name}:
            target = parts[name]
            return " or ".join(map(_plain, target["enum"])) if "enum" in target else f"{_words(name)} object"
        case {"anyOf": choices}:
            return " or ".join(dict.fromkeys(_kind(choice, parts) for choice in choices))
        case {"enum": values}:
            return " or ".join(map(_plain, values))
        case {"type": "array"}:
            return f"list of {_kind(part.get('items') or {}, parts)}"
        case {"type": "object"}:
            return f"table of {_kind(part.get('additionalProperties') or {}, parts)}"
        case {"type": name}:
            bounds = [("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤")]
            return " ".join([str(name), *(f"{sign} {part[key]:g}" for key, sign in bounds if key in part)])
        case _:
            return "anything"


def _default(part: dict[str, Any], required: bool) -> str:
    return "" if required else _plain(part["default"]) if "default" in part else "empty"


def _plain(value: Any) -> str:
    return f"`{msgspec.json.encode(value).decode()}`"


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _field_notes(kind: Any) -> dict[str, str]:
    """The texts that stand below fields in the source."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    notes: dict[str, str] = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                notes[name] = _flat(text)
    return notes


def _comments() -> dict[str, str]:
    """What plugins.toml says behind its keys, by dotted name."""
    said: dict[str, str] = {}
    section = ""
    for line in SHIPPED.read_text("utf-8").splitlines():
        if head := re.match(r"(?:# )?\[+([\w.]+)\]", line):
            section = head[1]
        elif entry := re.match(r"(?:# )?(\w+) = .*?\s# (.+)$", line):
            said[f"{section}.{entry[1]}"] = entry[2].replace("|", "\\|")
    return said


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("*Turn*: ", "At the start of each turn: ")


def _paragraphs(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").replace("*Turn*: ", "At the start of each turn: ")


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, "utf-8")
