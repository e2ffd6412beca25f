"""An outline as text: the head of each definition with the number of its line, bodies left out."""

from __future__ import annotations

from collections.abc import Iterator

from .outline import OutlineNode
from .reading import Outlined

WIDEST = 160
"""Characters of a head."""


def compressed(outlined: Outlined, *, imports: bool = True) -> list[str]:
    """One line for each definition, indented by what it stands in."""
    width = len(str(max((node.span.last for node in outlined.nodes), default=1)))
    return [
        f"{node.span.first:>{width}} {'  ' * depth}{head(outlined.text, node)}"
        for node, depth in _deep(outlined)
        if imports or node.kind != "import"
    ]


def head(text: bytes, node: OutlineNode) -> str:
    """What a definition begins with, in one line."""
    end = node.span.end
    if node.body is not None:
        end = node.body.start if node.body.start >= node.naming.end else node.naming.end
    elif node.kind in ("variable", "constant", "field"):
        end = min(end, max(node.naming.end, text.find(b"\n", node.naming.end) % (len(text) + 1)))
    begin = text[node.span.start : end][: WIDEST * 8].decode("utf-8", "replace")
    line = " ".join(begin.split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"


def _deep(outlined: Outlined) -> Iterator[tuple[OutlineNode, int]]:
    depths: list[int] = []
    for number, node in enumerate(outlined.nodes):
        depths.append(depths[node.parent] + 1 if 0 <= node.parent < number else 0)
        yield node, depths[-1]
