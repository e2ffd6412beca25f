"""Search by words: what is about them comes first, rare words count more, and a change is found at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from pillion import LocalWorkspace, ToolError
from pillion.codewords import words_of
from pillion.contracts.code import CodeFile, Piece
from pillion.testing.kit import kernel_host
from pillion_index.bm25 import Index
from pillion_index.plugin import Config, Plugin
from pillion_index.searches import Asked, Searches
from pillion_index.tool import FindCode, SearchArguments
from pillion_syntax.plugin import Plugin as Syntax

from ..conftest import RealCall, looked_at


class Tables:
    """A table as the contract says, written by hand."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    @property
    def hashes(self) -> dict[str, str]:
        return {f"{name}.py": text for name, text in self.texts.items()}

    def file(self, path: str) -> CodeFile | None:
        text = self.texts[path.removesuffix(".py")]
        return CodeFile(path, text, "python", pieces=(Piece(1, 1, words_of(text)),))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RetryPolicy", {"retry": 1, "policy": 1, "retrypolicy": 1}),
        ("parse_HTTPHeaders2", {"parse": 1, "http": 1, "header": 1, "2": 1, "parse_httpheaders2": 1}),
        ("files class status bodies", {"file": 1, "class": 1, "status": 1, "body": 1}),
        ("Größe x x", {"gr": 1, "öß": 1, "e": 1, "größe": 1, "x": 2}),
        ("", {}),
    ],
)
def test_names_are_split_into_words(text: str, words: dict[str, int]) -> None:
    assert words_of(text) == words


def found(index: Index, question: str) -> list[str]:
    return [hit.path for hit in index.search(question, 10)]


def test_rare_words_count_more_and_long_pieces_less() -> None:
    index = Index()
    index.update(Tables(lamp="light the wick", shop="light " + "money " * 40, till="money coins", road="walk"))
    assert found(index, "light") == ["lamp.py", "shop.py"]
    assert found(index, "wick money")[0] == "lamp.py"
    assert found(index, "coin") == ["till.py"]
    assert found(index, "road") == ["road.py"]  # by its path
    assert found(index, "elephants") == found(index, "") == []
    (hit, _) = index.search("light wick", 10)
    assert hit.words == ("wick", "light")


def test_the_search_for_cycles_passes_the_index_over() -> None:
    index, tables = Index(), Tables(**{f"lamp{number}": f"light{number} wick" for number in range(500)})
    before = looked_at()
    index.update(tables)
    assert looked_at() - before < 100


def test_a_change_is_all_that_is_put_in_again() -> None:
    index, tables = Index(), Tables(lamp="light", shop="money", till="coins", road="walk")
    assert (index.update(tables), index.update(tables)) == (4, 0)
    tables.texts |= {"shop": "flowers"}
    assert index.update(tables) == 1
    assert (found(index, "money"), found(index, "flower")) == ([], ["shop.py"])
    del tables.texts["till"], tables.texts["road"]
    index.update(tables)
    assert (found(index, "coins"), index.pieces) == ([], 2)
    fresh = Index()
    fresh.update(tables)
    assert index.search("light flower", 10) == fresh.search("light flower", 10)


async def test_the_tool_names_lines_words_and_heads(tmp_path: Path, call: RealCall, folder: Path) -> None:
    (folder / "lamp.py").write_text("class RetryPolicy:\n    def wait_longer(self):\n        pass\n")
    (folder / "shop.py").write_text("def sell():\n    pass\n")
    searches = Searches()
    with pytest.raises(ToolError, match="syntax is off"):
        await searches.find(LocalWorkspace(folder), Asked("x"))
    with trio.fail_after(60):
        async with kernel_host(tmp_path, plugins={"syntax": Syntax(), "index": Plugin(Config())}) as host:
            searches.kernel = host.kernel
            said = await FindCode(searches).run(SearchArguments("retry policies"), call)
            assert said.split("\n") == [
                "lamp.py:1-3 (words: retry, policy)", "    class RetryPolicy:", "    def wait_longer(self):"
            ]  # fmt: skip
            assert await FindCode(searches).run(SearchArguments("elephant"), call) == "[nothing is about that]"
