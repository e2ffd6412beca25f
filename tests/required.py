"""Programs of the system that some tests need: where one is missing they are skipped, unless it has to be there.

`PILLION_REQUIRE=tsc,node` names those that have to be, so that nothing is skipped by mistake.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def required(program: str, *, hint: str) -> str:
    """Its path: what PILLION_<PROGRAM> says, else the one on PATH. `hint` says how to get it."""
    named = os.environ.get(f"PILLION_{program.upper()}", program)
    path = shutil.which(named)
    if path is None:
        missing(program, f"there is no {named}: {hint}", named != program)
    return path


def missing(program: str, said: str, needed: bool = False) -> NoReturn:
    """Skips, and says why; fails where the program has to be there."""
    if needed or program in os.environ.get("PILLION_REQUIRE", "").split(","):
        pytest.fail(said)
    pytest.skip(said)
