r"""Cases of the second corpus: edits that fit somewhere, and are meant for somewhere else, or are not sure where they end."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import REFUSED, Case, Edit, Either, blocks, patch, swap, unified
from .second_files import File

GUIDE = File("docs/guide.rst", "Guide\n=====\n\nHow lamps are hung.\n\nTools\n=======\n\nA ladder.\n")
CONFLICT = File("a.txt", "top\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\nend\n")
README = File("README.md", "# Lamps\n\nHang them.\n\n```sh\nmake hang\n```\n\n## Care\n\nDust them.\n")
TWO = File(
    "two.py",
    "class Bulb:\n    def watts(self):\n        return 40\n\n\nclass Tube:\n    def watts(self):\n        return 18\n",
)
JS = File(
    "two.js",
    "function up() {\n  const step = 1;\n  move(step);\n}\nfunction down() {\n  const step = -1;\n  move(step);\n}\n",
)
NOTES = File("NOTES.md", "# All\n\n## North\n\ncold\n\n## South\n\nwarm\n")
CSS = File("a.css", ".lamp .shade {\n  color: green;\n}\n.lamp.shade {\n  color: red;\n}\n")
CLEAN = File("clean.sh", "set -e\nrm -rf out/*\necho '$DONE'\necho 2>log\n")
PLAIN = File("plain.py", 'if key == "nightlamp":\n    glow(1)\nrest = a--b\n')
VALUES = File("values.yaml", "hall:\n  timeout: 30\n  retries: 2\n  attic:\n    timeout: 40\n    retries: 2\n")
LONG = File(
    "long.py",
    "import os\nimport re\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef three():\n    return 3\n",
)
TWINS = File(
    "twins.txt", "".join(f"row {n}\n" for n in range(4)) + "start\nlevel 1\nstop\nmiddle\nother\nstart\nlevel 1\nstop\n"
)


def _whole(path: str, content: str, fence: str = "```") -> Edit:
    return Edit("whole", {"text": f"{path}\n{fence}\n{content}{fence}\n"})


def _sibling(path: str, there: str, old: str, new: str) -> Case:
    return Case(f"a sibling of what is gone: {path}", File(path, there), blocks((old, new)), REFUSED)


HEADINGS = [
    Case(
        "a heading of five signs in a block",
        GUIDE,
        blocks(("Guide\n=====\n\nHow lamps are hung.\n", "Guide\n=====\n\nHow lamps hang.\n")),
        GUIDE.but("are hung", "hang"),
    ),
    Case(
        "a heading as long as the divider",
        GUIDE,
        blocks(("Tools\n=======\n\nA ladder.\n", "Tools\n=======\n\nTwo ladders.\n")),
        Either(GUIDE.but("A ladder", "Two ladders")),
    ),
    Case(
        "a heading that comes",
        GUIDE,
        blocks(("A ladder.\n", "A ladder.\n\nMore\n=======\n")),
        GUIDE.text + "\nMore\n=======\n",
    ),
    Case(
        "a conflict that is resolved",
        CONFLICT,
        blocks(("<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\n", "both\n")),
        "top\nboth\nend\n",
    ),
    Case(
        "a block within a block",
        File("a.txt", "b\n"),
        blocks(("b\n", "<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n")),
        REFUSED,
    ),
    Case("a block that ends twice", File("a.txt", "b\n"), blocks(("b\n", "c\n>>>>>>> REPLACE\n")), REFUSED),
]
FENCES = [
    Case(
        "fences that name a language",
        README,
        _whole("README.md", README.text.replace("Hang", "Hook")),
        README.but("Hang", "Hook"),
    ),
    Case("fences that name none", README, _whole("README.md", README.text.replace("```sh", "```")), REFUSED),
    Case(
        "longer fences",
        README,
        _whole("README.md", README.text.replace("```sh", "```"), "````"),
        README.but("```sh", "```"),
    ),
    Case("a fence in a docstring", PLAIN, _whole("plain.py", '"""\n```\nrun\n```\n"""\nx = 1\n'), REFUSED),
    Case(
        "a path within the content",
        README,
        _whole("README.md", "# Lamps\n\n```\n# first\n\n./run.sh\n```\n\nThat is all.\n"),
        REFUSED,
    ),
    Case(
        "a fence that is not closed before the next file",
        PLAIN,
        Edit("whole", {"text": "plain.py\n```python\na = 1\n\nb.py\n```python\nb = 2\n```\n"}),
        REFUSED,
    ),
]
LAZY = [
    Case(f"a file with {said}", LONG, _whole("long.py", f"import os\nimport io\n\n{said}\n\n\ndef three():\n    return 4\n"), REFUSED)
    for said in (
        "# Rest of the file", "# The other functions remain unchanged", "# ... leave as is ...", "# [...]", "# existing functions",
        "# --- snipped ---", "# {{ rest }}", "[rest of the module]", "# No changes here", "# everything else as before",
        "# one and two stay as they are", "# as above", "# (previous code)", "# etc.", "/* … */", "# more functions here",
        "# continue with the rest", "# no other modifications", "# and so on", "# ⋮",
    )
]  # fmt: skip
SCOPES = [
    Case(
        "@@ a class whose lines stand in the other",
        TWO,
        patch("@@ class Tube:\n     def watts(self):\n-        return 40\n+        return 41\n"),
        REFUSED,
    ),
    Case(
        "@@ a class that is not there",
        TWO,
        patch("@@ class Led:\n     def watts(self):\n-        return 40\n+        return 41\n"),
        REFUSED,
    ),
    Case(
        "@@ a class without its colon",
        TWO,
        patch("@@ class Tube\n-        return 18\n+        return 19\n"),
        TWO.but("18", "19"),
    ),
    Case(
        "@@ the beginning of another name",
        TWO,
        patch("@@ class Tub\n-        return 18\n+        return 19\n"),
        REFUSED,
    ),
    Case(
        "@@ a function whose line stands in the other",
        JS,
        patch("@@ function down() {\n-  const step = 1;\n+  const step = 2;\n   move(step);\n"),
        REFUSED,
    ),
    Case("@@ a heading whose line stands below the other", NOTES, patch("@@ ## North\n-warm\n+hot\n"), REFUSED),
    Case("@@ a heading", NOTES, patch("@@ ## South\n-warm\n+hot\n"), NOTES.but("warm", "hot")),
    Case(
        "lines between, and another scope",
        File("a.py", "class A:\n    x = 1\n    zz()\n    y = 2\n    z = 3\n"),
        patch("@@ class B:\n     x = 1\n     y = 2\n-    z = 3\n+    z = 4\n"),
        REFUSED,
    ),
    Case(
        "the end of the file, and it is not",
        TWO,
        patch("@@\n-        return 40\n+        return 41\n*** End of File\n"),
        REFUSED,
    ),
    Case(
        "a diff that names what comes behind",
        TWO,
        unified("@@ -6,2 +6,2 @@ class Tube:\n-        return 40\n+        return 41\n"),
        REFUSED,
    ),
    Case(
        "dots from one class into the next",
        TWO.now("    def watts(self):\n        return 40\n", "    pass\n"),
        blocks(("class Bulb:\n    ...\n        return 18\n", "class Bulb:\n    ...\n        return 19\n")),
        REFUSED,
    ),
]
SIBLINGS = [
    _sibling(
        "a.ini",
        "[lamp.attic]\nhost = a\nport = 1\nwatts = 40\n",
        "[lamp.hall]\nhost = a\nport = 1\nwatts = 40\n",
        "[lamp.hall]\nhost = a\nport = 1\nwatts = 60\n",
    ),
    _sibling(
        "a.toml",
        '[[lamp]]\nname = "attic"\nroom = 1\nwatts = 40\n',
        '[[lamp]]\nname = "hall"\nroom = 1\nwatts = 40\n',
        '[[lamp]]\nname = "hall"\nroom = 1\nwatts = 60\n',
    ),
    _sibling(
        "a.json",
        '{\n  "room": 1,\n  "watts": 40,\n  "on": true,\n  "name": "attic"\n}\n',
        '  "room": 1,\n  "watts": 40,\n  "on": true,\n  "name": "hall"\n',
        '  "room": 2,\n  "watts": 40,\n  "on": true,\n  "name": "hall"\n',
    ),
    _sibling(
        "Dockerfile",
        "FROM node AS attic\nWORKDIR /app\nCOPY . .\nCMD run\n",
        "FROM node AS hall\nWORKDIR /app\nCOPY . .\nCMD run\n",
        "FROM node AS hall\nWORKDIR /app\nCOPY . .\nCMD go\n",
    ),
    _sibling(
        "a.md",
        "## Attic\n\n1. Climb\n2. Screw\n3. Leave\n",
        "## Hall\n\n1. Climb\n2. Screw\n3. Leave\n",
        "## Hall\n\n1. Climb\n2. Turn\n3. Leave\n",
    ),
    _sibling(
        "a.py",
        "ATTIC = {\n    'red': 1,\n    'size': 2,\n    'kind': 3,\n}\n",
        "HALL = {\n    'red': 1,\n    'size': 2,\n    'kind': 3,\n}\n",
        "HALL = {\n    'red': 1,\n    'size': 2,\n    'kind': 4,\n}\n",
    ),
    _sibling(
        "a.html",
        '<p id="attic">\n<b>one</b>\n<b>two</b>\n<b>six</b>\n</p>\n',
        '<p id="hall">\n<b>one</b>\n<b>two</b>\n<b>six</b>\n</p>\n',
        '<p id="hall">\n<b>one</b>\n<b>2</b>\n<b>six</b>\n</p>\n',
    ),
    _sibling(
        "config",
        "Host hall\nHost attic\nUser me\nPort 22\n",
        "Host hall\nUser me\nPort 22\n",
        "Host hall\nUser me\nPort 23\n",
    ),
]
SIGNS = [
    Case(
        "inside or both, of CSS",
        CSS,
        blocks((".lamp .shade {\n  color: red;\n}\n", ".lamp .shade {\n  color: blue;\n}\n")),
        REFUSED,
    ),
    Case("all, or all in a folder", CLEAN, swap("rm -rf out /*\n", "rm -rf out\n"), REFUSED),
    Case("a shell's quotes", CLEAN, swap('echo "$DONE"\n', 'echo "done"\n'), REFUSED),
    Case("where a shell's errors go", CLEAN, swap("echo 2 >log\n", "echo 3 >log\n"), REFUSED),
    Case(
        "a space in a string",
        PLAIN,
        blocks(('if key == "night lamp":\n    glow(1)\n', 'if key == "night lamp":\n    glow(2)\n')),
        REFUSED,
    ),
    Case("a key of YAML, and no key", File("a.yaml", "a:b\nc: 1\n"), blocks(("a: b\nc: 1\n", "a: b\nc: 2\n")), REFUSED),
    Case("minus minus", PLAIN, swap("rest = a - -b\n", "rest = a - -c\n"), REFUSED),
    Case(
        "a template of JavaScript",
        File("a.js", "log('${watts}');\n"),
        swap("log(`${watts}`);\n", "log(`${watts} W`);\n"),
        REFUSED,
    ),
    Case(
        "names of SQL",
        File("a.sql", "SELECT 'name' FROM t;\n"),
        swap('SELECT "name" FROM t;\n', 'SELECT "id" FROM t;\n'),
        REFUSED,
    ),
    Case(
        "spaces about an operator",
        File("a.c", "watts=40;\nend();\n"),
        blocks(("watts = 40;\nend();\n", "watts = 40;\nstop();\n")),
        "watts=40;\nstop();\n",
    ),
]
DEPTHS = [
    Case(
        "the same keys, one deeper",
        VALUES,
        blocks(("  timeout: 40\n  retries: 2\n", "  timeout: 50\n  retries: 2\n")),
        REFUSED,
    ),
    Case(
        "the same key, one deeper alone",
        File("a.yaml", "a:\n  b:\n    port: 81\n"),
        swap("\n  port: 81\n", "\n  port: 82\n"),
        REFUSED,
    ),
    Case(
        "a function's lines in a method",
        File("a.py", "class A:\n    def f(self):\n        x = load()\n        return x\n"),
        blocks(("    x = load()\n    return x\n", "    x = load()\n    return 2\n")),
        REFUSED,
    ),
    Case(
        "lines of a text",
        File("a.py", 'A = 1\nT = """\n    y = 2\n    z = 3\n"""\n'),
        blocks(("y = 2\nz = 3\n", "y = 2\nz = 4\n")),
        REFUSED,
    ),
    Case(
        "a text that is indented otherwise",
        File("a.py", 'def f():\n    t = """\n  one\n    two\n"""\n'),
        blocks(('    t = """\n      one\n    two\n"""\n', '    t = """\n      one\n    three\n"""\n')),
        REFUSED,
    ),
]
ORDER = [
    Case(
        "hunks in another order, and twins",
        TWINS,
        unified("@@ -8,2 +8,2 @@\n middle\n-other\n+another\n@@ -5,3 +5,3 @@\n start\n-level 1\n+level 2\n stop\n"),
        REFUSED,
    ),
    Case(
        "hunks in another order",
        TWINS,
        unified("@@ -8,2 +8,2 @@\n middle\n-other\n+another\n@@ -1,2 +1,2 @@\n-row 0\n+row zero\n row 1\n"),
        TWINS.but("row 0", "row zero").replace("other", "another"),
    ),
    Case(
        "a line that the block before has written",
        File("a.txt", "x = 1\ny = 0\nx  =  2\n"),
        blocks(("x = 1\n", "x = 2\n"), ("x = 2\n", "x = 3\n")),
        REFUSED,
    ),
    Case(
        "a line that was there otherwise, and is there still",
        File("a.py", "a = 1\nretries=3\nb_retries = 5\n"),
        swap("retries = 3", "retries = 5"),
        Either("a = 1\nretries = 5\nb_retries = 5\n"),
    ),
    Case(
        "a part of a line that was there otherwise",
        File("a.py", "x = foo (1)\nbar(2)\n"),
        swap("foo(1)", "bar(2)"),
        REFUSED,
    ),
    Case(
        "a file that is not what the diff deletes",
        File("old.txt", "a\nb\n"),
        Edit("unified", {"text": "--- a/old.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-c\n"}),
        REFUSED,
    ),
]
CASES = [*HEADINGS, *FENCES, *LAZY, *SCOPES, *SIBLINGS, *SIGNS, *DEPTHS, *ORDER]
