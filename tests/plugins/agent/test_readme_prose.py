"""What is kept of a README."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pillion.localworkspace import LocalWorkspace
from pillion_agent.readme import BYTES_A_TOKEN, Readme, cut, find_readme

BUSY = """\
<!-- made by hand -->
<p align="center"><img src="logo.svg" alt="a logo"></p>
<h1 align="center">Orbitkeeper</h1>

[![Build](https://img.example/b.svg)](https://ci.example) ![npm](https://img.example/n.svg)

---

**News**

- Version 4 is out.

## What it is
Orbitkeeper computes [orbits](docs/orbits.md) of satellites.

## Table of contents
- [Why](#why)

## Why
Antennas must be pointed.

| a | b |
|---|---|

## Installation
First do this.

### On Windows
Then do that.

## Who uses it
```sh
curl https://orbit.example
```
Amateur radio operators.

[docs]: https://docs.example
"""


async def readme(folder: Path, text: str, name: str = "README.md") -> Readme | None:
    (folder / name).write_text(text)
    return await find_readme(LocalWorkspace(folder), 600)


async def test_prose_stays_and_the_rest_goes(tmp_path: Path) -> None:
    found = await readme(tmp_path, BUSY)
    assert found is not None
    assert found.name == "Orbitkeeper"
    assert found.text == (
        "# Orbitkeeper\n\n## What it is\nOrbitkeeper computes orbits of satellites.\n\n"
        "## Why\nAntennas must be pointed.\n\n## Who uses it\n\nAmateur radio operators."
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# `thing`\n\nText.", "thing"),
        ("# 🛰️ Thing: a tool\n\nText.", "Thing"),
        ("Thing - for doing\n=====\n\nText.", "Thing"),
        ("# A friendly tool: mything\n\nText.", "mything"),
        ("Only text.", "mything"),
    ],
)
async def test_the_name_is_the_headings_or_the_folders(tmp_path: Path, text: str, name: str) -> None:
    folder = tmp_path / "mything"
    folder.mkdir()
    found = await readme(folder, text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("text", ["", "```\nonly code\n```", "![a](b)\n\n---\n"])
async def test_nothing_to_say_is_no_readme(tmp_path: Path, text: str) -> None:
    assert await readme(tmp_path, text) is None


async def test_markdown_goes_before_plain_text(tmp_path: Path) -> None:
    await readme(tmp_path, "plain", "README")
    found = await readme(tmp_path, "marked", "Readme.md")
    assert found == Readme(tmp_path.name, "marked")


async def test_a_folder_named_readme_and_a_link_that_leads_out_are_passed_by(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    (folder / "README").mkdir(parents=True)
    (tmp_path / "outside.md").write_text("secret")
    (folder / "README.md").symlink_to(tmp_path / "outside.md")
    assert await find_readme(LocalWorkspace(folder), 600) is None


@given(some.text(), some.integers(1, 20))
def test_a_cut_text_is_a_beginning_within_its_size(text: str, tokens: int) -> None:
    kept = cut(text, tokens)
    assert text.startswith(kept)
    assert len(kept.encode()) <= tokens * BYTES_A_TOKEN
