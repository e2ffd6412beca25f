"""The web page, as routes of the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion.hookspecs import hookimpl

if TYPE_CHECKING:
    from quart import Blueprint


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Routes: the web page, at `/`."""

    Config = Config

    def __init__(self, config: Given) -> None:
        pass

    @hookimpl
    def register_routes(self) -> Sequence[Blueprint]:
        from .page import blueprint  # quart; a run without a server does not need it

        return [blueprint()]
