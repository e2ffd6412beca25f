"""A plugin is switched on or off: at once where a server runs, and in the user's settings file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import trio
from msgspec import Struct

from pillion.errors import ConfigError, NeedsRestart
from pillion.plugins import PluginState
from pillion.settings import Settings
from pillion.settingsfile import SettingsFile

if TYPE_CHECKING:
    from pillion.kernel import Kernel


class Switched(Struct, frozen=True):
    """What came of it. `written` is the settings file that says so now, null where none was changed; `note` is a
    sentence about what may surprise, else `""`."""

    plugin: PluginState
    takes_effect: Literal["next_turn", "restart"]
    written: str | None
    note: str


async def switch(kernel: Kernel, name: str, enabled: bool, persist: bool) -> Switched:
    """Switches a plugin of a running kernel. Nothing is written for one that can't be switched on.

    Raises NotFound, Conflict, Busy; NeedsRestart where nothing is to be written.
    """
    effect: Literal["next_turn", "restart"] = "next_turn"
    try:
        await kernel.switchboard.switch(name, enabled)
    except NeedsRestart:
        if not persist:
            raise
        effect = "restart"
    written, note = None, ""
    works = kernel.host.told(name).state in ("on", "off")
    if persist and works:
        written, note = await keep(kernel.settings, name, enabled)
    elif persist:
        note = "Your settings were left as they are."
    with suppress(ConfigError):
        kernel.host.look_again()
    return Switched(kernel.host.told(name), effect, written, note)


async def keep(settings: Settings, name: str, enabled: bool) -> tuple[str | None, str]:
    """Writes it into the user's settings file: the file, and a note. Never raises: what was switched is switched."""
    file = SettingsFile(settings.user_file, settings.secrets)
    seconds = settings.deadlines.store
    try:
        with trio.fail_after(seconds):
            keys = ("plugins", name, "enabled")
            path: Path = await trio.to_thread.run_sync(file.put, keys, enabled, abandon_on_cancel=True)
        return str(path), _overruled(settings.read_again(), name, enabled)
    except ConfigError as error:
        return None, str(error)
    except trio.TooSlowError:
        return None, f"The settings could not be written within {seconds:g} s."


def _overruled(fresh: Settings, name: str, enabled: bool) -> str:
    """Says which layer above the user's file wants it otherwise; "" when none does."""
    section = fresh.plugins.get(name)
    if section is None or section.enabled == enabled:
        return ""
    origin = fresh.origins.get(f"plugins.{name}.enabled", "")
    what = "a flag" if origin == "flag" else origin
    return f"At the next start {what} wins over your file: the plugin is {'off' if enabled else 'on'} then."
