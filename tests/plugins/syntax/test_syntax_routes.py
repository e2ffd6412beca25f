"""Outlines and pieces over HTTP, and as a tool; the page's examples are answered as it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec import Struct

from pillion import ToolError, hookimpl
from pillion_index.judging import SemanticSearch
from pillion_index.plugin import Config as IndexConfig
from pillion_index.plugin import Plugin as IndexPlugin
from pillion_index.rounds import ExploreCode
from pillion_index.routes import CodeQuery, Result, Results
from pillion_index.tool import FindCode
from pillion_repomap.plugin import Config as MapConfig
from pillion_repomap.plugin import Plugin as RepoMapPlugin
from pillion_repomap.routes import MapQuery, MapView
from pillion_repomap.tool import RepoMap
from pillion_syntax.editorroutes import Around, Diagnostic, Documentation, Source, Validity, Xml, XmlValidity
from pillion_syntax.language import Language
from pillion_syntax.plugin import Plugin
from pillion_syntax.reading import Reader
from pillion_syntax.routes import ChunksQuery, ChunksView, Definition, OutlineQuery, OutlineView
from pillion_syntax.searching import FindSymbol, References
from pillion_syntax.tools import OutlineArguments, OutlineFile

from ...meta import pages
from ...runtime.conftest import Serving, serving
from ..conftest import RealCall

LAMP = "class Lamp:\n    def glow(self, watts=1):\n        return 1\n"
PAGE = pages.text("docs/howto/code.md")
ROUTES = pages.sections(PAGE, "###")
SCROLL = """
name = "scroll"
module = "tree_sitter_python"
extensions = ["scroll"]
outline = '''
(function_definition name: (identifier) @name body: (_) @body) @spell
'''
"""


class Brings:
    """A plugin with languages of its own."""

    def __init__(self, *files: Path) -> None:
        self._files = files

    @hookimpl(optionalhook=True)
    def register_languages(self) -> Sequence[Path]:
        return self._files


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    (tmp_path / "work").mkdir()
    (tmp_path / "scroll.toml").write_text(SCROLL)
    (tmp_path / "rune.toml").write_text("name = 'rune'\nextensions = ['rune']\n")
    (tmp_path / "wrong.toml").write_text("name = 'wrong'\nextension = []\n")
    brought = {
        "syntax": Plugin(),
        "repomap": RepoMapPlugin(MapConfig()),
        "index": IndexPlugin(IndexConfig()),
        "scroll": Brings(tmp_path / "scroll.toml", tmp_path / "rune.toml"),
        "wrong": Brings(tmp_path / "wrong.toml"),
    }
    async with serving(tmp_path, plugins=brought) as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
async def session(server: Serving, work: Path) -> str:
    return await server.session(workspace=str(work))


async def got(server: Serving, session: str, path: str, **headers: str) -> httpx2.Response:
    return await server.client.get(f"/api/sessions/{session}/{path}", headers=headers)


async def test_an_outline_is_told_as_json_and_as_the_model_sees_it(server: Serving, session: str, work: Path) -> None:
    (work / "lamp.py").write_text(LAMP)
    found = (await got(server, session, "outline?path=lamp.py&line=1")).json()
    assert [(one["kind"], one["name"], one["parent"]) for one in found["data"]] == [
        ("class", "Lamp", -1),
        ("method", "glow", 0),
    ]
    assert found["enclosing"] == 0
    text = (await got(server, session, "outline?path=lamp.py", accept="text/plain")).text
    assert text == "1 class Lamp:\n2   def glow(self, watts=1):"


async def test_what_an_editor_holds_counts(server: Serving, session: str, work: Path) -> None:
    (work / "lamp.py").write_text(LAMP)
    assert (await got(server, session, "outline?path=lamp.py")).json()["valid"]
    address = f"/api/sessions/{session}/overlays/lamp.py"
    put = await server.client.put(address, json={"text": "def shade(:\n    pass\n", "version": 1})
    assert put.is_success, put.text
    found = (await got(server, session, "outline?path=lamp.py")).json()
    assert (found["valid"], [one["name"] for one in found["data"]]) == (False, ["shade"])


async def test_a_plugin_brings_a_language_and_a_wrong_one_is_told(server: Serving, session: str, work: Path) -> None:
    (work / "a.scroll").write_text("def light():\n    pass\n")
    found = (await got(server, session, "outline?path=a.scroll")).json()
    assert [(one["kind"], one["name"]) for one in found["data"]] == [("spell", "light")]
    told = (await server.client.get("/api/plugins")).json()["data"]
    (wrong,) = [one for one in told if one["name"] == "wrong"]
    assert "extension" in wrong["reason"]


async def test_what_can_not_be_outlined_says_why(server: Serving, session: str, work: Path) -> None:
    (work / "notes.unknown").write_text("words\n" * 40)
    (work / "binary.py").write_bytes(b"\0\1\2")
    assert (await got(server, session, "outline?path=notes.unknown")).status_code == 422
    assert (await got(server, session, "outline?path=binary.py")).json()["code"] == "not_text"
    assert (await got(server, session, "outline?path=none.py")).json()["code"] == "no_such_file"
    assert (await got(server, session, "outline")).status_code == 422
    found = (await got(server, session, "chunks?path=notes.unknown")).json()
    assert (found["language"], [one["last"] for one in found["data"]]) == ("", [30, 40])


async def test_a_grammar_that_is_not_installed_is_told(server: Serving, session: str, work: Path) -> None:
    (work / "a.rune").write_text("rune\n" * 31)
    answer = (await got(server, session, "outline?path=a.rune")).json()
    assert "The grammar of rune is not installed" in answer["detail"]
    found = (await got(server, session, "chunks?path=a.rune")).json()
    assert (found["language"], len(found["data"])) == ("", 2)
    assert (await got(server, session, "symbols")).json()["files"] == 0


async def test_the_tool_shows_heads_by_line(call: RealCall, folder: Path) -> None:
    (folder / "lamp.py").write_text("import os\n\n\n@shade\n" + LAMP + "x = [\n 1,\n]\n")
    tool = OutlineFile(Reader())
    assert await tool.run(OutlineArguments("lamp.py"), call) == (
        "lamp.py (python, 11 lines)\n 1 import os\n 4 @shade class Lamp:\n 6   def glow(self, watts=1):\n 8 x = ["
    )
    call.max_output = 75
    assert (await tool.run(OutlineArguments("lamp.py"), call)).endswith("\n[2 more]")
    (folder / "x.txt").write_text("x")
    with pytest.raises(ToolError, match="is not known"):
        await tool.run(OutlineArguments("x.txt"), call)


@pytest.mark.parametrize(
    ("route", "table", "kind"),
    [
        ("documentation_parsing", "request", Source),
        ("documentation_parsing", "answer", Documentation),
        ("diagnostic_parsing", "request", Diagnostic),
        ("diagnostic_parsing", "answer", Around),
        ("tree_sitter_valid", "request", Source),
        ("tree_sitter_valid", "answer", Validity),
        ("valid_xml", "request", Xml),
        ("valid_xml", "answer", XmlValidity),
    ],
)
def test_the_page_has_every_field_of_an_editors_questions(route: str, table: str, kind: type[Struct]) -> None:
    found = pages.tables(ROUTES[f"POST /api/tree_sitter/{route}"])[table]
    assert found >= set(kind.__struct_fields__)


@pytest.mark.parametrize(
    ("route", "table", "kind"),
    [
        ("outline", "query", OutlineQuery),
        ("outline", "answer", OutlineView),
        ("outline", "definition", Definition),
        ("repomap", "query", MapQuery),
        ("search", "query", CodeQuery),
        ("search", "answer", Results),
        ("search", "result", Result),
        ("repomap", "answer", MapView),
        ("chunks", "query", ChunksQuery),
        ("chunks", "answer", ChunksView),
    ],
)
def test_the_page_has_every_field(route: str, table: str, kind: type[Struct]) -> None:
    found = pages.tables(ROUTES[f"GET /api/sessions/{{id}}/{route}"])[table]
    assert found >= set(kind.__struct_fields__)


def test_the_page_has_every_tool_and_key() -> None:
    sections = pages.sections(PAGE, "##")
    assert pages.tables(sections["What the model does"])["tool"] == {
        tool.name for tool in (OutlineFile, FindSymbol, References, FindCode, SemanticSearch, ExploreCode, RepoMap)
    }
    assert pages.tables(sections["A language of your own"])["key"] == set(Language.__struct_fields__)
    assert pages.tables(PAGE)["language"] >= set(Reader().languages.all)


async def test_each_example_of_the_page_is_answered_as_it_says(server: Serving, session: str, work: Path) -> None:
    (work / "lamp.py").write_text(LAMP)
    for route, section in ROUTES.items():
        (example,) = pages.blocks(section, "http")
        asked, _, answered = example.partition("\n\n")
        first, *rest = asked.splitlines()
        method, path = first.split()
        body = json.loads(rest[0]) if rest else None
        answer = await server.client.request(method, path.replace("{id}", session), json=body)
        status, _, shown = answered.partition("\n")
        assert answer.status_code == int(status), route
        assert json.loads(shown) == _shortened(answer.json())


def _shortened(value: Any) -> Any:
    return {**value, "hash": value["hash"][:4] + "…"} if "hash" in value else value
