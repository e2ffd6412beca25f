"""Each route says what it takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pillion.kernel import open_kernel
from pillion.settings import load
from pillion.testing.kit import plain_settings
from pillion_runtime.app import create_app
from pillion_runtime.described import Description, described, description
from pillion_runtime.hookspecs import HostHooks
from pillion_runtime.host import Host
from pillion_runtime.hostsettings import HostSettings


@pytest.fixture
async def views(tmp_path: Path) -> dict[str, Callable[..., Any]]:
    """The host's own, by their endpoints."""
    async with open_kernel(plain_settings(tmp_path), hookspecs=(HostHooks,)) as kernel:
        return dict(create_app(Host(kernel, HostSettings())).view_functions)


async def test_each_route_of_the_host_is_described(views: dict[str, Callable[..., Any]]) -> None:
    bare = [endpoint for endpoint, view in views.items() if description(view) is None or not view.__doc__]
    assert views and not bare, "decorate with @described(...) and write a docstring"


async def test_each_route_of_a_shipped_plugin_is_described(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, environ={}, flags={"plugins.embedded.enabled": False})
    async with open_kernel(settings, hookspecs=(HostHooks,)) as kernel:
        views = create_app(Host(kernel, HostSettings())).view_functions
    bare = [endpoint for endpoint, view in views.items() if description(view) is None or not view.__doc__]
    assert "web.web_page" in views and not bare, "set view.openapi, and write a docstring"


async def test_the_names_of_operations_are_unique(views: dict[str, Callable[..., Any]]) -> None:
    names = sorted(view.__name__ for view in views.values())
    assert names == sorted(set(names)), "the function's name is the operation's id"


def test_a_plugin_describes_its_route_by_a_plain_mapping() -> None:
    view = SimpleNamespace(openapi={"answers": {204: None}, "errors": (409,)})
    assert description(view) == described(answers={204: None}, errors=(409,))  # type: ignore[arg-type]


@pytest.mark.parametrize(("said", "why"), [({"anwsers": {}}, "known are body"), ([], "must be a mapping")])
def test_what_is_no_description_is_named(said: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        description(SimpleNamespace(openapi=said))  # type: ignore[arg-type]


def test_a_description_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Description().errors = (500,)  # type: ignore[misc]
