"""docs/reference/cli.md says what the program takes; command lines anywhere in the docs are ones that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pillion_aide.command import aide
from pillion_runtime.cli import exits
from pillion_runtime.cli.main import pillion

from . import pages

TEXT = pages.text("docs/reference/cli.md")
SECTIONS = pages.sections(TEXT, "##")


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """The program, and each command that does something."""
    if not isinstance(command, click.Group) or name == "pillion":
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below is not None
            yield from _commands(below, f"{name} {word}")


OFF = {aide.name: aide}
"""Of plugins that the shipped settings leave off."""
COMMANDS = dict(_commands(pillion, "pillion"))


def test_each_command_has_its_heading_and_each_heading_its_command() -> None:
    assert {heading for heading in SECTIONS if heading != "Exit codes"} == set(COMMANDS)


@pytest.mark.parametrize("name", [*COMMANDS])
def test_each_option_has_its_row(name: str) -> None:
    options = {word for option in COMMANDS[name].params if isinstance(option, click.Option) for word in option.opts}
    rows = SECTIONS[name].partition("| option |")[2].partition("\n\n")[0].splitlines()
    told = {word.strip(" `") for row in rows[2:] for word in row.split("|")[1].split(",")}
    assert told == options


def test_each_exit_code_has_its_row() -> None:
    rows = [row.split("|") for row in SECTIONS["Exit codes"].splitlines() if row.startswith("| ")][1:]
    told = {row[2].strip(" `"): int(row[1]) for row in rows}
    assert told == {name: code for name, code in vars(exits).items() if isinstance(code, int) and name.isupper()}


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_each_command_line_is_one_that_the_program_takes(page: Path) -> None:
    for words in pages.commands(page.read_text("utf-8")):
        _parse(words)


def test_a_command_line_with_a_slip_is_found() -> None:
    with pytest.raises(click.NoSuchOption):
        _parse(["serve", "--prot", "0"])
    assert list(pages.commands('```sh\nx=1 .venv/bin/pillion run "a; b" | tee log  # pillion nope\n```')) == [
        ["run", "a; b"]
    ]


def _parse(words: list[str]) -> None:
    """Raises UsageError for a command or option that is not there, or an argument too many."""
    command: click.Command = pillion
    words = [word for word in words if word != "…"]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0]) or OFF.get(words[0])
        assert found is not None, f"There is no command {words[0]!r}."
        command, words = found, words[1:]
    context = click.Context(command)
    _, left, _ = command.make_parser(context).parse_args(words)
    assert isinstance(command, click.Group) or not left, f"{command.name} takes no {left}."
