"""An answer of words and one fenced block, read while it comes."""

from __future__ import annotations

import re

OPENS = re.compile(r"\s*(`{3,})[^`]*")


class Block:
    """`words` stand before the block, `code` in it, None as long as none has begun; what comes behind is left out."""

    def __init__(self) -> None:
        self.words = ""
        self.code: str | None = None
        self.closed = False
        self._lines = 0
        self._rest = ""
        self._fence = ""
        self._begins = True
        """Does `_rest` begin a line?"""

    def feed(self, piece: str) -> None:
        *lines, self._rest = (self._rest + piece).split("\n")
        for line in lines:
            self._line(line, "\n")
        if self.code is None and self._rest and not (self._begins and self._rest.lstrip()[:1] in ("", "`")):
            self.words += self._rest  # words are shown as they come; a fence is known by its whole line
            self._rest, self._begins = "", False

    def finish(self) -> None:
        """Nothing more comes."""
        if self._rest:
            self._line(self._rest, "")
            self._rest = ""

    def _line(self, line: str, end: str) -> None:
        begins, self._begins = self._begins, True
        if self.closed:
            return
        if self.code is None:
            found = OPENS.fullmatch(line) if begins else None
            if found is None:
                self.words += line + end
            else:
                self._fence, self._lines, self.code = found[1], 0, ""
        elif line.strip() == self._fence:
            self.closed = True
        else:
            self.code += line if not self._lines else f"\n{line}"
            self._lines += 1
