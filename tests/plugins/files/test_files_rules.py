"""AGENTS.md through a kernel: rules where the folder is trusted, contents of files where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pillion.events import ToolFinished
from pillion.overlay import Overlay
from pillion.testing.kit import events, kernel_host, plain_settings
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion_agent.plugin import Plugin as Agent
from pillion_files.plugin import Config, Plugin

RULES = {"AGENTS.md": "rule of the root", "src/AGENTS.md": "rule of src", "src/deep/AGENTS.md": "rule of deep"}
RULES |= {"other/AGENTS.md": "rule of other"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for name, text in {**RULES, "src/deep/er/a.py": "a = 1\n", "other/b.py": "b = 1\n"}.items():
        (tmp_path / "work" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / name).write_text(text)
    return tmp_path / "work"


def brought() -> dict[str, object]:
    return {"agent": Agent(), "files": Plugin(Config())}


def reads(path: str) -> Any:
    return calls(("read_file", f'{{"path": "{path}"}}'))


async def ridden(
    tmp_path: Path, work: Path, provider: ScriptedProvider, *turns: str, trusted: bool, **flags: Any
) -> list[str]:
    """A session in which these are prompted, one after the other; the results of its calls."""
    folders = [str(work)] if trusted else []
    settings = plain_settings(tmp_path, trust__folders=folders, defaults__strategy="agent", **flags)
    async with kernel_host(work, provider=provider, settings=settings, plugins=brought()) as host:
        session = await host.open()
        for text in turns:
            await host.run(session, text)
        return [event.text for event in await events(session) if isinstance(event, ToolFinished)]


@pytest.mark.promise("trust.rules")
async def test_rules_of_a_trusted_folder_are_given_the_nearest_first(tmp_path: Path, work: Path) -> None:
    provider = ScriptedProvider(reads("src/deep/er/a.py"), says("one"), says("two"))
    await ridden(tmp_path, work, provider, "look", "again", trusted=True)
    first, _, last = [request.system for request in provider.requests]
    assert "rule of the root" in first and "rule of src" not in first and "rule of other" not in last
    assert 0 < last.index("rule of deep") < last.index("rule of src") < last.index("rule of the root")


@pytest.mark.promise("trust.rules")
async def test_rules_of_a_folder_that_nobody_trusts_are_contents_of_files(tmp_path: Path, work: Path) -> None:
    provider = ScriptedProvider(reads("src/deep/er/a.py"), reads("AGENTS.md"), says("one"), says("two"))
    results = await ridden(tmp_path, work, provider, "look", "again", trusted=False)
    assert not any("rule of" in request.system for request in provider.requests)
    assert results == ["a = 1\n", "rule of the root"]


async def test_who_reads_a_file_is_told_of_rules_that_he_was_not_given(tmp_path: Path, work: Path) -> None:
    provider = ScriptedProvider(reads("src/deep/er/a.py"), reads("src/deep/er/a.py"), reads("other/b.py"), says("one"))
    results = await ridden(tmp_path, work, provider, "look", trusted=True)
    first, second, third = results
    assert first.count("has the rules for this folder") == 2 and "[src/deep/AGENTS.md has" in first
    assert second == "a = 1\n"
    assert "[other/AGENTS.md has" in third


async def test_rules_are_as_long_as_half_the_room_for_context(tmp_path: Path, work: Path) -> None:
    (work / "AGENTS.md").write_text("far " * 20_000)
    (work / "src" / "AGENTS.md").write_text("near " * 20_000)
    provider = ScriptedProvider(reads("src/deep/er/a.py"), says("one"), says("two"))
    await ridden(tmp_path, work, provider, "look", "again", trusted=True, defaults__context_tokens=2_000)
    system = provider.requests[-1].system
    assert "rule of deep" in system and "near" in system and "characters are left out: read src/AGENTS.md" in system
    assert len(system) < 2_000 * 5 + 4_000


async def test_an_open_file_brings_the_rules_of_its_folder_and_links_lead_to_none(tmp_path: Path, work: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("rule of a stranger")
    (work / "AGENTS.md").unlink()
    (work / "AGENTS.md").symlink_to("../AGENTS.md")
    settings = plain_settings(tmp_path, trust__folders=[str(work)], defaults__strategy="agent")
    provider = ScriptedProvider(says("one"))
    async with kernel_host(work, provider=provider, settings=settings, plugins=brought()) as host:
        session = await host.open()
        await session.overlays.put(Overlay.of("other/b.py", "b = 2\n", None))
        await host.run(session, "look")
    assert "rule of other" in provider.requests[0].system
    assert "stranger" not in provider.requests[0].system
