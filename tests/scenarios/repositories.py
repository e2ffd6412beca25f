"""Small Python projects with one bug each, in other files, folders and words every time. Their tests fail for it."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from msgspec import Struct

COMMAND = f"{sys.executable} -B -m unittest discover -s tests -t ."
"""-B: two edits in one second may leave a file's size and time as they were, and old bytecode would run."""
NAMES = ("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "hazel", "inlet", "jetty", "knoll", "larch")
VERBS = ("blend", "carve", "draft", "fetch", "gauge", "match", "plait", "shape", "sweep", "trace", "weigh", "wrap")
DECOY = '''"""Words in a row."""


def shout(text):
    """Loud, with a mark."""
    return text.upper() + "!"


def middle(values):
    """The middle one of an odd number of values."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
'''
DECOY_TEST = """import unittest

from $pkg.words import middle, shout


class Words(unittest.TestCase):
    def test_words(self):
        self.assertEqual(shout("hey"), "HEY!")
        self.assertEqual(middle([3, 1, 2]), 2)
"""


class Bug(Struct, frozen=True):
    """`files` are templates; in `path` the text `wrong` stands where `right` should."""

    path: str
    wrong: str
    right: str
    files: Mapping[str, str]


class Repository(Struct, frozen=True):
    """`broken` is the path of the file with the bug, `right` its content without."""

    folder: Path
    broken: str
    right: str


BUGS: Mapping[str, Bug] = {
    "operator": Bug(
        path="$pkg/$sub/$mod.py",
        wrong="return price + count",
        right="return price * count",
        files={
            "$pkg/$sub/$mod.py": '''"""One row."""


def $helper(price, count):
    """What so many cost."""
    return price * count
''',
            "$pkg/$top.py": '''"""All rows."""

from .$sub.$mod import $helper


def $verb(rows):
    """What all rows cost."""
    total = 0
    for price, count in rows:
        total += $helper(price, count)
    return total
''',
            "tests/test_$top.py": """import unittest

from $pkg.$top import $verb


class Rows(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual($verb([]), 0)

    def test_rows(self):
        self.assertEqual($verb([(3, 4), (5, 6)]), 42)
""",
        },
    ),
    "bounds": Bug(
        path="$pkg/$mod.py",
        wrong="range(len(values))",
        right="range(len(values) - 1)",
        files={
            "$pkg/$mod.py": '''"""Series."""


def $verb(values):
    """From each value to the next."""
    steps = []
    for place in range(len(values) - 1):
        here = values[place]
        steps.append(values[place + 1] - here)
    return steps


def $helper(values):
    """Do they only rise?"""
    return all(step > 0 for step in $verb(values))
''',
            "tests/test_$mod.py": """import unittest

from $pkg.$mod import $helper, $verb


class Series(unittest.TestCase):
    def test_steps(self):
        self.assertEqual($verb([1, 4, 9]), [3, 5])

    def test_rising(self):
        self.assertTrue($helper([1, 2, 3]))
""",
        },
    ),
    "variable": Bug(
        path="$pkg/$sub/$deep/$mod.py",
        wrong="area = width * width",
        right="area = width * height",
        files={
            "$pkg/$sub/__init__.py": '"""Planes."""\n',
            "$pkg/$sub/$deep/$mod.py": '''"""Flat things."""


class $Kind:
    """Tiles of one size."""

    def __init__(self, tile):
        self.tile = tile

    def $verb(self, width, height):
        """How many tiles cover so much."""
        area = width * height
        return area // self.tile
''',
            "tests/$sub/test_$mod.py": """import unittest

from $pkg.$sub.$deep.$mod import $Kind


class Tiles(unittest.TestCase):
    def test_square(self):
        self.assertEqual($Kind(2).$verb(4, 4), 8)

    def test_oblong(self):
        self.assertEqual($Kind(3).$verb(6, 5), 10)
""",
        },
    ),
    "return": Bug(
        path="$top.py",
        wrong="    picked = sorted(names, key=len)[-1]\n",
        right="    picked = sorted(names, key=len)[-1]\n    return picked\n",
        files={
            "$top.py": '''"""Picks."""

from $pkg.words import shout


def $helper(names):
    """The longest."""
    picked = sorted(names, key=len)[-1]
    return picked


def $verb(names):
    """The longest, loudly."""
    return shout($helper(names))
''',
            "tests/test_$top.py": """import unittest

from $top import $verb


class Picks(unittest.TestCase):
    def test_longest(self):
        self.assertEqual($verb(["ox", "heron"]), "HERON!")
""",
        },
    ),
    "default": Bug(
        path="$pkg/$sub/$mod.py",
        wrong='joiner="_"',
        right='joiner="-"',
        files={
            "$pkg/$sub/$mod.py": '''"""Names for files."""

import re


def $verb(title, joiner="-"):
    """`title` in small letters and one piece."""
    words = re.findall("[a-z0-9]+", title.lower())
    return joiner.join(words)
''',
            "tests/test_$sub.py": """import unittest

from $pkg.$sub.$mod import $verb


class Names(unittest.TestCase):
    def test_given(self):
        self.assertEqual($verb("Two words", "."), "two.words")

    def test_by_default(self):
        self.assertEqual($verb("Some Long Title"), "some-long-title")
""",
        },
    ),
}


def generate(folder: Path, kind: str, seed: str) -> Repository:
    """Writes the project with the bug; where git is installed it is a repository with one commit."""
    bug, words = BUGS[kind], _words(seed)
    path = Template(bug.path).substitute(words)
    files = {"$pkg/words.py": DECOY, "tests/test_words.py": DECOY_TEST, "README.md": "# $pkg\n", **bug.files}
    for name, content in files.items():
        _write(folder / Template(name).substitute(words), Template(content).substitute(words))
    for inner in folder.rglob("*.py"):
        if inner.parent != folder:
            _write(inner.with_name("__init__.py"), "")
    right = (folder / path).read_text()
    assert bug.right in right
    (folder / path).write_text(right.replace(bug.right, bug.wrong))
    _commit(folder)
    return Repository(folder, path, right)


def changed(repository: Repository) -> list[str]:
    """What differs from the commit, where there is git; else what should."""
    if not (repository.folder / ".git").exists():
        return [repository.broken]
    git = ["git", "-C", str(repository.folder), "status", "--porcelain"]
    lines = subprocess.run(git, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line[3:] for line in lines]


def _words(seed: str) -> dict[str, str]:
    dice = random.Random(seed)
    pkg, sub, deep, mod, top = dice.sample(NAMES, 5)
    verb, helper, kind = dice.sample(VERBS, 3)
    return {"pkg": pkg, "sub": sub, "deep": deep, "mod": mod, "top": top} | {
        "verb": f"{verb}_{pkg}",
        "helper": f"{helper}_{sub}",
        "Kind": kind.title(),
    }


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(content)


def _commit(folder: Path) -> None:
    if shutil.which("git") is None:
        return
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.invalid", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "As it came"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
