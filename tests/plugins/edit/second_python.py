r"""Cases of the second corpus in Python."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import ALREADY, REFUSED, Case, Either, blocks, editor, patch, swap, unified
from .second_files import PY

PYTHON = [
    Case("one line to the letter", PY, swap("watts: int = 40", "watts: int = 60"), PY.but("= 40", "= 60")),
    Case(
        "the whole search lost its indentation",
        PY,
        blocks(
            (
                "for lamp in lamps:\n    if lamp.lit:\n        result += lamp.watts\n",
                "for lamp in filter(is_lit, lamps):\n    result += lamp.watts\n",
            )
        ),
        PY.but(
            "    for lamp in lamps:\n        if lamp.lit:\n            result += lamp.watts\n",
            "    for lamp in filter(is_lit, lamps):\n        result += lamp.watts\n",
        ),
    ),
    Case(
        "the line is in two methods that are alike",
        PY,
        swap("            return False\n", "            raise LookupError(self.name)\n"),
        REFUSED,
    ),
    Case(
        "a block that is in two methods",
        PY,
        blocks(
            (
                '        if self.watts <= 0:\n            log.warning("no bulb in %s", self.name)\n            return False\n',
                "        self.check()\n",
            )
        ),
        REFUSED,
    ),
    Case(
        "two methods alike, told apart by the line behind",
        PY,
        blocks(
            (
                "            return False\n        self.lit = False\n",
                "            return False\n        self.lit = None\n",
            )
        ),
        PY.but("self.lit = False", "self.lit = None"),
    ),
    Case(
        "two methods alike, told apart by @@",
        PY,
        patch(
            '@@ class Lamp:\n@@     def off(self) -> bool:\n         if self.watts <= 0:\n-            log.warning("no bulb in %s", self.name)\n+            log.info("no bulb in %s", self.name)\n             return False\n'
        ),
        PY.but(
            "    def off(self) -> bool:\n        if self.watts <= 0:\n            log.warning(",
            "    def off(self) -> bool:\n        if self.watts <= 0:\n            log.info(",
        ),
    ),
    Case(
        "@@ of a function that is not there, of lines that are twice",
        PY,
        patch(
            '@@ def blink(self)\n         if self.watts <= 0:\n-            log.warning("no bulb in %s", self.name)\n+            log.info("no bulb in %s", self.name)\n'
        ),
        REFUSED,
    ),
    Case(
        "the removed line was renamed since",
        PY.now("result += lamp.watts", "result += lamp.power"),
        unified(
            "@@ -30,3 +30,3 @@\n     for lamp in lamps:\n         if lamp.lit:\n-            result += lamp.watts\n+            result += lamp.watts * 2\n"
        ),
        REFUSED,
    ),
    Case(
        "a name in context was renamed since",
        PY.now("def total(lamps: list[Lamp])", "def total_power(lamps: list[Lamp])"),
        unified(
            "@@ -26,6 +26,6 @@\n def total(lamps: list[Lamp]) -> int:\n     # Sums up the power of all lamps that are\n     # lit at this moment.\n-    result = 0\n+    result = 0.0\n     for lamp in lamps:\n         if lamp.lit:\n"
        ),
        Either(
            PY.now("def total(lamps: list[Lamp])", "def total_power(lamps: list[Lamp])").but(
                "    result = 0\n", "    result = 0.0\n"
            )
        ),
    ),
    Case(
        "a line came into the context since",
        PY.now("    result = 0\n", '    result = 0\n    log.debug("summing")\n'),
        patch(
            "@@ def total(lamps: list[Lamp]) -> int:\n     result = 0\n     for lamp in lamps:\n-        if lamp.lit:\n+        if lamp.lit and lamp.watts:\n             result += lamp.watts\n"
        ),
        Either(
            PY.now("    result = 0\n", '    result = 0\n    log.debug("summing")\n').but(
                "if lamp.lit:", "if lamp.lit and lamp.watts:"
            )
        ),
    ),
    Case(
        "the comment of the search is wrapped otherwise",
        PY,
        blocks(
            (
                "    # Sums up the power of all lamps that\n    # are lit at this moment.\n    result = 0\n",
                "    # Sums up the power of all lamps that\n    # are lit at this moment.\n    result = 0.0\n",
            )
        ),
        Either(PY.but("    result = 0\n", "    result = 0.0\n")),
    ),
    Case(
        "a method elided by ...",
        PY,
        blocks(
            (
                "    def on(self) -> bool:\n        ...\n        self.lit = True\n        return True\n",
                '    def on(self) -> bool:\n        ...\n        self.lit = True\n        log.info("on")\n        return True\n',
            )
        ),
        Either(PY.but("        self.lit = True\n", '        self.lit = True\n        log.info("on")\n')),
    ),
    Case(
        "elided in the new text alone",
        PY,
        blocks(
            (
                "    result = 0\n    for lamp in lamps:\n        if lamp.lit:\n            result += lamp.watts\n    return result\n",
                "    result = 0.0\n    # ... rest unchanged ...\n",
            )
        ),
        Either(PY.but("    result = 0\n", "    result = 0.0\n")),
    ),
    Case(
        "elided in the new text alone, as a bare ...",
        PY,
        swap(
            "    result = 0\n    for lamp in lamps:\n        if lamp.lit:\n            result += lamp.watts\n    return result\n",
            "    result = 0.0\n    ...\n    return result\n",
        ),
        Either(PY.but("    result = 0\n", "    result = 0.0\n")),
    ),
    Case(
        "a body becomes ..., which is Python",
        PY,
        swap(
            "    result = 0\n    for lamp in lamps:\n        if lamp.lit:\n            result += lamp.watts\n    return result\n",
            "    ...\n",
        ),
        Either(
            PY.but(
                "    result = 0\n    for lamp in lamps:\n        if lamp.lit:\n            result += lamp.watts\n    return result\n",
                "    ...\n",
            )
        ),
    ),
    Case(
        "tabs where the file has spaces",
        PY,
        blocks(
            (
                "\tfor lamp in lamps:\n\t\tif lamp.lit:\n\t\t\tresult += lamp.watts\n",
                "\tfor lamp in lamps:\n\t\tif lamp.lit:\n\t\t\tresult += lamp.watts\n\t\t\tcount += 1\n",
            )
        ),
        Either(
            PY.but("            result += lamp.watts\n", "            result += lamp.watts\n            count += 1\n")
        ),
    ),
    Case("applied before", PY.now("= 40", "= 60"), swap("    watts: int = 40\n", "    watts: int = 60\n"), ALREADY),
    Case(
        "a patch applied before",
        PY.now("    result = 0\n", "    result = 0.0\n"),
        patch("@@\n     # lit at this moment.\n-    result = 0\n+    result = 0.0\n     for lamp in lamps:\n"),
        ALREADY,
    ),
    Case(
        "the first of two hunks was applied before",
        PY.now("= 40", "= 60"),
        unified(
            "@@ -11,3 +11,3 @@\n class Lamp:\n     name: str\n-    watts: int = 40\n+    watts: int = 60\n@@ -28,3 +28,3 @@\n     # lit at this moment.\n-    result = 0\n+    result = 0.0\n     for lamp in lamps:\n"
        ),
        PY.now("= 40", "= 60").but("    result = 0\n", "    result = 0.0\n"),
    ),
    Case(
        "the second of two hunks is nowhere",
        PY,
        patch(
            "@@\n     name: str\n-    watts: int = 40\n+    watts: int = 60\n@@\n-    colour: str\n+    color: str\n"
        ),
        REFUSED,
    ),
    Case(
        "an import before the others",
        PY,
        patch('@@\n """Lamps of a house."""\n \n+import json\n import logging\n'),
        PY.but("import logging\n", "import json\nimport logging\n"),
    ),
    Case(
        "an import that is there already",
        PY,
        patch("@@\n+import logging\n from dataclasses import dataclass\n"),
        ALREADY,
    ),
    Case(
        "hunks out of order",
        PY,
        unified(
            "@@ -28,3 +28,3 @@\n     # lit at this moment.\n-    result = 0\n+    result = 0.0\n     for lamp in lamps:\n@@ -11,3 +11,3 @@\n     name: str\n-    watts: int = 40\n+    watts: int = 60\n"
        ),
        Either(PY.now("= 40", "= 60").but("    result = 0\n", "    result = 0.0\n")),
    ),
    Case(
        "blocks out of order",
        PY,
        blocks(("    result = 0\n", "    result = 0.0\n"), ("    watts: int = 40\n", "    watts: int = 60\n")),
        PY.now("= 40", "= 60").but("    result = 0\n", "    result = 0.0\n"),
    ),
    Case("a very short search that is there often", PY, swap("lit", "on"), REFUSED),
    Case(
        "part of one line, short and once",
        PY,
        swap(
            '%s", self.name)\n            return False\n        self.lit = True',
            '%s", self.name)\n            return None\n        self.lit = True',
        ),
        PY.but("return False\n        self.lit = True", "return None\n        self.lit = True"),
    ),
    Case(
        "all are meant",
        PY,
        swap("log.warning(", "log.error(", everywhere=True),
        PY.text.replace("log.warning(", "log.error("),
    ),
    Case(
        "a line that is not the same though alike", PY, swap("    watts: int = 45\n", "    watts: int = 60\n"), REFUSED
    ),
    Case(
        "an operator in the removed line differs",
        PY,
        blocks(
            (
                '        if self.watts < 0:\n            log.warning("no bulb in %s", self.name)\n            return False\n        self.lit = True\n',
                "        self.lit = True\n",
            )
        ),
        REFUSED,
    ),
    Case(
        "double quotes where the file has single ones",
        PY.now(
            '"no bulb in %s", self.name)\n            return False\n        self.lit = True',
            "'no bulb in %s', self.name)\n            return False\n        self.lit = True",
        ),
        editor(
            '            log.warning("no bulb in %s", self.name)\n            return False\n        self.lit = True\n',
            '            log.warning("no bulb in %s", self.name)\n            return False\n        self.lit = 1\n',
        ),
        Either(
            PY.now(
                '"no bulb in %s", self.name)\n            return False\n        self.lit = True',
                "'no bulb in %s', self.name)\n            return False\n        self.lit = True",
            ).but("self.lit = True", "self.lit = 1")
        ),
    ),
    Case(
        "a method is deleted",
        PY,
        editor(
            '\n    def off(self) -> bool:\n        if self.watts <= 0:\n            log.warning("no bulb in %s", self.name)\n            return False\n        self.lit = False\n        return True\n',
            "",
        ),
        PY.but(
            '\n    def off(self) -> bool:\n        if self.watts <= 0:\n            log.warning("no bulb in %s", self.name)\n            return False\n        self.lit = False\n        return True\n',
            "",
        ),
    ),
    Case(
        "only a blank line goes",
        PY,
        patch("@@\n log = logging.getLogger(__name__)\n \n-\n @dataclass\n"),
        PY.but("(__name__)\n\n\n", "(__name__)\n\n"),
    ),
    Case(
        "a blank line is missing in the search",
        PY,
        blocks(
            (
                "log = logging.getLogger(__name__)\n\n@dataclass\nclass Lamp:\n",
                'log = logging.getLogger("lamps")\n\n@dataclass\nclass Lamp:\n',
            )
        ),
        Either(PY.but("getLogger(__name__)", 'getLogger("lamps")')),
    ),
]
CASES = [*PYTHON]
