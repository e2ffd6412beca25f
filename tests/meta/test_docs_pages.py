"""All pages: links lead somewhere, settings in them are ones that Pillion takes, decisions are numbered."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from pillion.plugins import NoConfig
from pillion.settings import convert, load
from pillion_runtime import hostsettings

from . import pages


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in pages.links(page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file"
        if anchor and target.suffix == ".md":
            assert anchor in pages.anchors(target.read_text("utf-8")), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_settings_in_it_are_taken(page: Path, tmp_path: Path) -> None:
    found = [block for block in pages.blocks(page.read_text("utf-8"), "toml") if not block.startswith("[project")]
    for number, block in enumerate(found):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        settings = load(config=file, data_dir=tmp_path, environ={})
        hostsettings.read(settings)
        known = {point.name: point for point in metadata.entry_points(group="pillion")}
        for name, section in settings.plugins.items():
            if section.use in known:  # the page's own plugin is tested where the page is
                config = getattr(known[section.use].load(), "Config", NoConfig)
                convert(section.config, config, plugin=name, prefix=f"plugins.{name}")


def test_each_decision_has_a_number_of_its_own() -> None:
    names = sorted(page.name for page in (pages.ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(name[:4]) for name in names]
    assert len(set(numbers)) == len(numbers)
    for name in names:
        text = pages.text(f"docs/decisions/{name}")
        assert re.match(rf"# {name[:4]} \S", text), name
        assert {"Refused"} <= {*pages.sections(text, "##")}, name
