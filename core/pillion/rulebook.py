"""Rules that somebody said `always` to: written into the user's settings, and learned by the policy that asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import trio

from .asking import Offer
from .contracts.policy import Ask, Policy
from .contracts.workspace import Workspace
from .errors import ConfigError
from .plugins import PluginHost
from .settings import Settings
from .settingsfile import SettingsFile


class Rulebook:
    """The lists `rules` of the plugins' sections in the user's settings file."""

    def __init__(self, settings: Settings, host: PluginHost) -> None:
        self._file = settings.user_file
        self._writer = SettingsFile(settings.user_file, settings.secrets)
        self._seconds = settings.deadlines.store
        self._host = host

    def offer(self, plugin: str, policy: Policy, ask: Ask, workspace: Workspace) -> Offer | None:
        """What `always` would do, if anything. The file is never in the workspace: what works there could write it."""
        rule = ask.rule
        if self._file is None or not rule or not _is_flat(rule):
            return None
        if self._file.resolve().is_relative_to(workspace.root.resolve()):
            return None
        return Offer(plugin, policy, rule)

    async def write(self, offer: Offer) -> Path:
        """Returns when the rule is on the disk and counts; the file. Raises ConfigError."""
        keys = ("plugins", offer.plugin, "rules")
        with trio.move_on_after(self._seconds):
            path: Path = await trio.to_thread.run_sync(self._writer.add, keys, offer.rule, abandon_on_cancel=True)
            try:
                offer.policy.learn(offer.rule)
            except Exception as error:  # a plugin's fault is its own
                self._host.fault(offer.plugin, f"Its policy did not learn a rule: {error!r}.", error)
            return path
        said = f"The settings could not be written within {self._seconds:g} s."
        raise ConfigError(said, plugin=offer.plugin, key=".".join(keys))


def _is_flat(rule: object) -> bool:
    """A table of texts, numbers, true and false: what an event and a settings file both hold."""
    return isinstance(rule, Mapping) and all(
        isinstance(key, str) and isinstance(value, (str, int, float)) for key, value in rule.items()
    )
