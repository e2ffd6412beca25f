"""A session file of the sidecar's, read leniently: what is not known is kept as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from .asked import ID, LOCAL, UserContext, is_plain

T = TypeVar("T")
PEOPLE = ("HumanChat", "Edit", "Plan")


class Unreadable(Exception):
    """The file is no session of the sidecar's: one sentence."""


class OldExchange(Struct, frozen=True):
    """`exchange_type` is an object whose one key is its kind."""

    exchange_id: str
    exchange_type: Any
    exchange_state: str = "Running"
    is_compressed: bool = False
    is_hidden: bool = False

    @property
    def kind(self) -> str:
        return tagged(self.exchange_type)[0]

    @property
    def payload(self) -> Mapping[str, Any]:
        return tagged(self.exchange_type)[1]

    @property
    def person(self) -> bool:
        """Is it a message of the person's?"""
        return self.kind in PEOPLE

    @property
    def query(self) -> str:
        """The person's words."""
        said = self.payload
        information = tagged(said.get("information"))[1]
        return text(said.get("query")) or text(information.get("query"))

    @property
    def context(self) -> UserContext:
        """What the person had pointed at; as much of it as can be read."""
        return convert(self.payload.get("user_context"), UserContext) or UserContext()


class OldSession(Struct, frozen=True):
    """`folder` is where it worked, `action_nodes` are steps of attempts, which have no place here."""

    session_id: str
    repo_ref: str = ""
    project_labels: tuple[str, ...] = ()
    exchanges: tuple[OldExchange, ...] = ()
    action_nodes: Any = None

    @property
    def nodes(self) -> int:
        return len(self.action_nodes) if isinstance(self.action_nodes, list) else 0

    @property
    def folder(self) -> str:
        return self.repo_ref.removeprefix(LOCAL)


def read(data: bytes) -> OldSession:
    """Raises Unreadable."""
    try:
        session = msgspec.json.decode(data, type=OldSession)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"It is no session of the sidecar's: {error}.") from None
    if not ID.fullmatch(session.session_id):
        raise Unreadable("Its session_id is no id.")
    if not session.repo_ref.startswith(LOCAL) or not is_plain(session.folder):
        raise Unreadable("Its repo_ref is no `local/` and an absolute path without . and ..")
    for number, exchange in enumerate(session.exchanges, 1):
        if not ID.fullmatch(exchange.exchange_id):
            raise Unreadable(f"The exchange_id of exchange {number} is no id.")
    if not session.exchanges:
        raise Unreadable("It has no exchanges.")
    return session


def tagged(value: Any) -> tuple[str, Mapping[str, Any]]:
    """The one key of an object, and what stands there."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        return str(name), inner if isinstance(inner, dict) else {}
    return (value, {}) if isinstance(value, str) else ("", {})


def convert(value: Any, kind: type[T]) -> T | None:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        return None


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""
