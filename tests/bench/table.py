"""How a bench shows what it has found."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from statistics import median

Found = Mapping[tuple[str, str], Sequence[float]]
"""By figure and whose, its value in each round."""


def show(found: Found, whose: Sequence[str]) -> None:
    """Each figure as a JSON line, then a table of the medians."""
    load = os.getloadavg()[0]
    for (name, who), values in found.items():
        print(json.dumps({"figure": name, "of": who, "min": min(values), "median": median(values),
                          "max": max(values), "rounds": len(values), "load": load}))  # fmt: skip
    print(f"{'':64}" + "".join(f"{who:>11}" for who in whose))
    for name in dict.fromkeys(name for name, _ in found):
        shown = [f"{median(found[name, who]):,.2f}" if (name, who) in found else "" for who in whose]
        print(f"{name:64}" + "".join(f"{value:>11}" for value in shown))
