"""One list of files out of several: each says who comes first, and why.

Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), with weights: what is found by several ways goes before
what one of them is sure of, and no measure has to be compared with another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

SOON = 10
"""How slowly a place counts less: the eleventh counts a half of the first."""


class Ranking(Struct, frozen=True):
    """What one way found, by path: the first counts most. `reasons` are shown to people and models."""

    name: str
    weight: float
    order: Sequence[str]
    reasons: Mapping[str, str]


class Placed(Struct, frozen=True):
    """A file of the joint list. `score` is 1 for what is the first by one way whose weight is 1."""

    path: str
    score: float
    reasons: tuple[str, ...]


def joined(rankings: Iterable[Ranking], limit: int) -> list[Placed]:
    """The best first; of equal ones by name."""
    scores: dict[str, float] = defaultdict(float)
    reasons: dict[str, list[str]] = defaultdict(list)
    for ranking in rankings:
        for place, path in enumerate(ranking.order):
            scores[path] += ranking.weight * SOON / (SOON + place)
            if why := ranking.reasons[path]:
                reasons[path].append(why)
    best = sorted(scores, key=lambda path: (-scores[path], path))[:limit]
    return [Placed(path, round(scores[path], 4), tuple(reasons[path])) for path in best]


def ranking(name: str, weight: float, found: Mapping[str, tuple[float, str]]) -> Ranking:
    """Out of how much each file matters, and why."""
    order = sorted(found, key=lambda path: (-found[path][0], path))
    return Ranking(name, weight, order, {path: why for path, (_, why) in found.items()})
