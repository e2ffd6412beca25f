"""Who may do what: reads are allowed, the rest is asked for, and rules in the settings say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from pillion.contracts.policy import Policy
from pillion.contracts.tool import Effect
from pillion.hookspecs import TurnInfo, hookimpl

from .policy import Rules
from .rule import Rule, Word, check


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`rules`, and for each effect what happens to a call that no rule fits: allow, ask or deny. `sandboxed`: to a
    command in the sandbox, without network, where `execute` would have it asked for."""

    rules: tuple[Rule, ...] = ()
    read: Word = "allow"
    write: Word = "ask"
    execute: Word = "ask"
    network: Word = "ask"
    sandboxed: Literal["allow", "ask"] = "ask"


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Policy: allows reads, asks for the rest, follows the rules of the settings."""

    Config = Config

    def __init__(self, config: Given) -> None:
        for number, rule in enumerate(config.rules):
            check(rule, f"rules[{number}]")
        defaults: dict[Effect, Word] = {
            "read": config.read,
            "write": config.write,
            "execute": config.execute,
            "network": config.network,
        }
        self._policies = [Rules(config.rules, defaults, sandboxed=config.sandboxed)]

    @hookimpl
    def register_policies(self, turn: TurnInfo) -> Sequence[Policy]:
        return self._policies
