"""Settings and registration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from pillion.contracts.policy import Policy
from pillion.contracts.provider import Provider
from pillion.errors import ConfigError
from pillion.hookspecs import TurnInfo, hookimpl
from pillion.kernel import Kernel

from .player import Player, ReplayedProvider
from .recorder import RecordedProvider
from .recording import read
from .sameness import Folders
from .tape import Tape


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.replay]`. `record` and `replay` are files, of which one may be given; "" is none.

    `lenient`: a request that differs gets the nearest answer there is. `pace`: answers come as fast as they came.
    """

    record: str = ""
    replay: str = ""
    lenient: bool = False
    pace: bool = False


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Keeps a run's model traffic in a file, or takes the models' answers from one."""

    Config = Config
    wrap_order = 10

    def __init__(self, config: Given) -> None:
        self._config = config
        self.only_source = bool(config.replay)
        """While a recording is replayed no other provider counts: nothing goes over the network."""
        self.hint = ""
        self._folders = Folders()
        self._player: Player | None = None
        self._providers: dict[str, ReplayedProvider] = {}
        self._tape = Tape(_path(config.record), self._folders) if config.record and not config.replay else None

    @hookimpl
    def register_providers(self) -> Sequence[Provider]:
        """Those of the recording. Where it can't be read there are none, and the way to a model says why."""
        if not self._config.replay:
            return []
        if self._config.record:
            self.hint = "plugins.replay.record and plugins.replay.replay are both set: a run is one or the other."
            return []
        try:
            recording = read(_path(self._config.replay))
        except ConfigError as error:
            self.hint = str(error)
            return []
        self.hint = f"The recording {recording.path} is replayed, and no other provider is asked."
        self._player = Player(recording, self._folders, lenient=self._config.lenient)
        self._providers = {
            name: ReplayedProvider(name, models, self._player, pace=self._config.pace)
            for name, models in recording.offered().items()
        }
        return list(self._providers.values())

    @hookimpl
    def wrap_provider(self, provider: Provider) -> Provider | None:
        """A replayed provider is put back in front of what others put round it: waits and limits are in the file."""
        if self._tape is not None:
            self._tape.offer(provider.name, tuple(provider.models()))
            return RecordedProvider(provider, self._tape)
        return self._providers.get(provider.name)

    @hookimpl
    def register_policies(self, turn: TurnInfo) -> Sequence[Policy]:
        """None; but here the folders of turns are heard of."""
        self._folders.add(str(turn.workspace.root))
        return []

    @hookimpl
    def register_checks(self) -> Mapping[str, Callable[[], Awaitable[str]]]:
        return {"recording": self._check} if self._tape is not None else {}

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        if self._player is not None:
            self._player.secrets = kernel.secrets
        if self._tape is not None:
            self._tape.open(kernel.secrets)
        try:
            yield
        finally:
            if self._tape is not None:
                self._tape.close()

    async def _check(self) -> str:
        return self._tape.fault if self._tape is not None else ""


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()
