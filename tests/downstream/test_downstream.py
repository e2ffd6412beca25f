"""What third parties ship: a distribution that brings one of everything, and one that replaces a first-party plugin."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import trio

from pillion_runtime.testing.echo import Echo

from ..scenarios.debugger import debugger
from ..scenarios.repositories import changed, generate
from ..scenarios.serverprocess import BOUND, COMMAND, bare_environment, riding
from ..scenarios.test_bug_fix import TASK, check_calls, passes

TICKETS = "[plugins.acme_tickets]\nfirst = 40\n"


async def pillion(folder: Path, import_path: str, *words: str) -> tuple[int, str]:
    """Exit code and output of a command, with the settings that lie in `folder`."""
    environment = bare_environment(folder, PYTHONPATH=import_path, PILLION_CONFIG=str(folder / "plugins.toml"))
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            [*COMMAND, *words], capture_stdout=True, capture_stderr=True, check=False, env=environment, cwd=folder
        )
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.promise("plugins.strangers")
async def test_a_strangers_distribution_brings_one_of_everything(tmp_path: Path, import_path: str) -> None:
    async with riding(tmp_path, Echo(), TICKETS, PYTHONPATH=import_path) as (_, server):
        listed = await server.client.call("GET", "/api/plugins")
        session = await server.session(tmp_path, model="acme/parrot", strategy="acme-triage")
        events = await server.ride(session, "the lamp flickers")
        shouted = await server.ride(session, "HELP")
        tickets = await server.client.call("GET", "/api/acme/tickets")
    plugin = next(plugin for plugin in listed["data"] if plugin["name"] == "acme_tickets")
    assert (plugin["state"], plugin["version"]) == ("on", "2.1"), plugin
    of = {event["type"]: event for event in events}
    assert of["acme.ticket_filed"]["ticket"] == {"number": 40, "title": "the lamp flickers"}
    assert of["text.finished"]["text"] == "the! lamp! flickers! "
    denied = next(event for event in shouted if event["type"] == "tool.finished")
    assert (denied["code"], denied["text"]) == ("denied", "Denied: Acme's tickets are not shouted.")
    assert tickets == {"data": [{"number": 40, "title": "the lamp flickers"}]}


@pytest.mark.promise("plugins.commands")
async def test_a_strangers_command_is_one_of_ours(tmp_path: Path, import_path: str) -> None:
    (tmp_path / "plugins.toml").write_text(TICKETS)
    assert await pillion(tmp_path, import_path, "acme", "--number", "7") == (0, "https://tickets.acme.example/7\n")
    code, said = await pillion(tmp_path, import_path, "plugins", "commands", "--json")
    assert code == 0
    assert {"name": "acme", "summary": "Say where a ticket is to be seen."} in msgspec.json.decode(said)
    assert await pillion(tmp_path, import_path, "acne") == (
        2,
        "Usage: pillion [OPTIONS] COMMAND [ARGS]...\nTry 'pillion --help' for help.\n\n"
        "Error: No such command 'acne'. Did you mean 'acme'?\n",
    )
    (tmp_path / "plugins.toml").write_text("")
    assert (await pillion(tmp_path, import_path, "acme"))[0] == 2, "what no settings list brings nothing"


@pytest.mark.promise("plugins.replaced", "turns.bug_is_mended")
async def test_with_the_files_plugin_replaced_the_bug_is_still_mended(tmp_path: Path, import_path: str) -> None:
    repository = generate(tmp_path / "project", "operator", "replaced")
    replaced = '[plugins.files]\nuse = "acme_files"\n'
    async with riding(tmp_path, debugger, replaced, PYTHONPATH=import_path) as (_, server):
        tools = {tool["name"]: tool["description"] for tool in (await server.client.call("GET", "/api/tools"))["data"]}
        session = await server.session(repository.folder, strategy="agent")
        events = await server.ride(session, TASK)
    assert tools["read_file"] == "Acme's: read a file."
    assert "write_file" not in tools
    assert await passes(repository)
    assert changed(repository) == [repository.broken]
    check_calls(events)
