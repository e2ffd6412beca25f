"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
from functools import cache
from types import ModuleType

import pytest

from pillion import events as e
from pillion.errors import PillionError
from pillion.hookspecs import Kernelhooks
from pillion.settings import Deadlines, Defaults, load
from pillion.values import Limits
from pillion_runtime.hookspecs import HostHooks
from pillion_runtime.hostsettings import HostSettings

from .source import TOP

REFERENCE = TOP / "docs/reference"


@cache
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_make", REFERENCE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["events.md", "hooks.md", "errors.md", "settings.md"])
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert make().pages()[name] == page(name), "run: python docs/reference/make.py"


def test_every_event_has_a_heading_and_says_what_it_is() -> None:
    for kind in e.LASTING + e.PASSING:
        assert f"### `{e.type_of(kind)}`\n" in page("events.md")
        assert kind.__doc__, kind
    deltas = {kind.opens for kind in e.LASTING if kind.opens}
    assert all(f"`{delta}`" in page("events.md") for delta in deltas)


def test_every_hook_has_a_heading() -> None:
    for specs in (Kernelhooks, HostHooks):
        for name in vars(specs):
            assert name.startswith("_") or f"### `{name}(" in page("hooks.md"), name


def test_every_error_has_a_line_and_a_code_of_its_own() -> None:
    kinds = [kind for kind, _ in make()._tree(PillionError, 0)]
    assert all(f"`{kind.__name__}` | `{kind.code}` | {kind.status}" in page("errors.md") for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_every_setting_has_a_line() -> None:
    text = page("settings.md")
    for section, kind in {"host": HostSettings, "defaults": Defaults, "limits": Limits, "deadlines": Deadlines}.items():
        part = text.partition(f"## `[{section}]`")[2].partition("\n## ")[0]
        assert all(f"| `{name}` |" in part for name in kind.__struct_fields__), section
    assert all(f"## `[plugins.{name}]`" in text for name in load(environ={}).plugins)
