"""A process of its own that makes vectors: products of tables would hold up everybody else.

It gets lines of JSON, lists of texts, and writes for each of these the numbers of its vector, 32 bits each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from .model import MiniLM

PIECES = 128
"""Of a text, half of what the model takes: the head of a piece says what it is, and twice as many cost twice."""


def main() -> None:
    os.nice(10)
    model = MiniLM(Path(sys.argv[1]))
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(model.vectors(json.loads(line), PIECES).astype("<f4").tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
