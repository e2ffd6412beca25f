"""The models that can answer, what they are counted by, and who is asked for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion.roles import FALLS_TO, line_of
from pillion.values import ModelInfo

if TYPE_CHECKING:
    from pillion.kernel import Kernel


class ModelList(Struct, frozen=True):
    """`roles`: the models that are asked for each, in order, where a session or prompt says no others; `auto` is the
    first that can answer. `counters`: by model, what its tokens are counted by."""

    data: Sequence[ModelInfo]
    roles: Mapping[str, Sequence[str]]
    counters: Mapping[str, str]


def model_list(kernel: Kernel) -> ModelList:
    """Those that there are now; the first is what `auto` takes."""
    catalog, settings = kernel.catalog, kernel.settings
    known = catalog.models()
    return ModelList(
        known,
        {role: line_of(role, settings.roles) for role in FALLS_TO},
        {model.name: catalog.counter(model).by for model in known},
    )
