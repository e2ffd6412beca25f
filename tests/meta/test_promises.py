"""tests/promises.py and the tests name each other: no promise without a test, no scenario without a promise."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..promises import PROMISES
from .source import dotted, sources

AREAS = "tests/scenarios/", "tests/downstream/"
"""Where each test is there for a promise."""


def marked() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each test as `file::name`, and the promises that it is marked with."""
    for source in sources("tests"):
        if source.path.rpartition("/")[2].startswith("test_"):
            for node in ast.walk(source.tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                    yield f"{source.path}::{node.name}", tuple(marks(node))


def marks(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for call in test.decorator_list:
        if isinstance(call, ast.Call) and dotted(call.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(argument) for argument in call.args)


def test_each_promise_has_a_test() -> None:
    kept = {promise for _, promises in marked() for promise in promises}
    assert not sorted(PROMISES.keys() - kept), "promises without a test"


def test_tests_name_promises_that_are_listed() -> None:
    unknown = {test: set(promises) - PROMISES.keys() for test, promises in marked()}
    assert not {test: names for test, names in unknown.items() if names}


def test_each_scenario_names_its_promises() -> None:
    assert not [test for test, promises in marked() if test.startswith(AREAS) and not promises]


def test_a_promise_is_an_area_a_name_and_a_sentence() -> None:
    for promise, sentence in PROMISES.items():
        assert promise.count(".") == 1 and sentence[0].isupper() | (sentence[0] == "`") and sentence.endswith(".")
