"""The short form of the corpus: edits of the project's history and a generated one, in five formats and many drifts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .corpus import SEED, Tally, tallied
from .drifts import DRIFTS
from .histories import OWN, generated, has_git

PAIRS = 14
"""Changed files of each history; `python -m tests.plugins.edit.corpus` takes more, and released packages besides."""


@pytest.mark.skipif(not has_git(), reason="no git, and so no history to take edits from")
async def test_no_edit_is_applied_wrongly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = {"the project's history": OWN, "a generated history": generated(tmp_path / "g", random.Random(SEED), 60)}
    total = Tally("")
    for name, repository in sources.items():
        total += await tallied(name, repository, PAIRS)
    with capsys.disabled():
        print(f"\n{total.table()}")
    assert not total.wrong, total.wrong[:20]
    assert total.count("refused") >= 0.15 * total.count() > 0
    assert not [key for key in total.found if key[0] == "none" and key[2] == "lost"]  # what has not drifted is applied
    assert {drift for drift, _, _ in total.found} >= {drift.__name__ for drift in DRIFTS}
    assert {format for _, format, _ in total.found} == {"blocks", "replace", "patch", "unified", "whole"}
