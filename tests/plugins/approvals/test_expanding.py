"""A word with a wildcard is taken for each path that it may become."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pillion.pathpattern import fits
from pillion_approvals.expanding import may_become

NAMES = ["".join(letters) for size in (1, 2, 3) for letters in product("ab.", repeat=size)]


@pytest.mark.parametrize(
    ("word", "pattern", "may"),
    [
        (".e*", ".env", True),
        ("src/.e?v", ".env", True),
        (".[e]nv", ".env", True),
        ("./.e*", ".env", True),
        ("*", ".env", False),
        ("*.py", ".env", False),
        ("*/*.py", ".env", False),
        (".e*/a", ".env", True),
        ("s*/a", "src/**", True),
        ("docs/*", "src/**", False),
        ("*.p", "*.py", False),
        ("k*", "*.pem", True),
        ("$x", ".env", False),
        ("$x$(echo a)", ".env", False),
        (".e$x", ".env", True),
        ("$x.env", ".env", True),
        ("$(echo $(echo .e))nv", ".env", True),
        ("a$x", ".env", False),
        ("$PWD/.env", ".env", True),
        ("~+/.env", ".env", True),
        ("{.env,a}", ".env", True),
        ("src/{a{b,},.{x,env}}", ".env", True),
        ("{a,b}.py", ".env", False),
        ("a{1..3}", ".env", False),
    ],
)
def test_a_word_may_become_what_fits_it(word: str, pattern: str, may: bool) -> None:
    assert may_become(word, pattern) is may


@settings(deadline=None)
@given(st.text("ab.*?", min_size=1, max_size=5), st.text("ab.*?", min_size=1, max_size=3))
def test_just_what_the_shell_would_find_is_seen(glob: str, pattern: str) -> None:
    assume(glob.strip("."))
    found = [name for name in NAMES if fnmatchcase(name, glob) and (glob[0] == "." or name[0] != ".")]
    if any(fits(name, pattern) for name in found):
        assert may_become(glob, pattern)
    elif len(glob) <= 2 and "**" not in pattern:
        assert not may_become(glob, pattern)
