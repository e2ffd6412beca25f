"""Roles: what a model is wanted for. Each has a list of models, the next of which is asked when one can't answer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from .errors import ConfigError

FALLS_TO: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "slow": ("default",),
    "fast": ("default",),
    "title": ("fast", "default"),
    "compact": ("fast", "default"),
    "edit": ("fast", "default"),
}
"""The roles there are, and where each falls to when nobody says a model for it."""
Line = Annotated[tuple[str, ...], Meta(min_length=1, max_length=16)]
Roles = Mapping[str, Line]


class Models(Struct, frozen=True, forbid_unknown_fields=True):
    """[models]. `roles`: for each the models to ask, in order: `{ fast = ["openai/gpt-6-luna", "local/qwen"] }`."""

    roles: Roles = {}


def check_roles(names: Iterable[str], *, at: str = "models.roles") -> None:
    """Raises ConfigError for a role that does not exist; it names the nearest."""
    for name in names:
        if name not in FALLS_TO:
            near = difflib.get_close_matches(name, FALLS_TO, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Roles are: {', '.join(FALLS_TO)}."
            raise ConfigError(f"There is no role {name!r}.", key=at, path=f"{at}.{name}", hint=hint)


def line_of(role: str, *layers: Roles) -> tuple[str, ...]:
    """The models of a role, as the first of `layers` has it that has any; `("auto",)` if none has.

    Raises ConfigError for a role that does not exist.
    """
    check_roles([role], at="role")
    for name in (role, *FALLS_TO[role]):
        for layer in layers:
            if layer.get(name):
                return tuple(layer[name])
    return ("auto",)


def near_models(name: str, known: Iterable[str]) -> str:
    """`Did you mean …? ` where a known model is called nearly like that, else ""."""
    whole = {model: model for model in known}
    bare = {model.partition("/")[2]: model for model in whole}
    near = difflib.get_close_matches(name, whole, 3) or difflib.get_close_matches(name.rpartition("/")[2], bare, 3)
    names = [bare.get(one, one) for one in near]
    return f"Did you mean {' or '.join(map(repr, names))}? " if names else ""


def said(model: str, roles: Roles) -> Roles:
    """What settings, a session or a prompt say: `model` is asked first for `default`, then those that `roles` has."""
    if model in ("", "auto"):
        return roles
    return {**roles, "default": tuple(dict.fromkeys((model, *roles.get("default", ()))))}
