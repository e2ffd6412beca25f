"""`pillion chat`: prompt after prompt, in one session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .completing import model_names, strategy_names

if TYPE_CHECKING:
    from pillion.settings import Settings

    from .lines import Lines
    from .ride import Order
    from .talk import Talk


@click.command()
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The folder to work on.  [default: the current one]",
)
@click.option("-m", "--model", default="", shell_complete=model_names, help="As in `run`; /model changes it.")
@click.option("-s", "--strategy", default="", shell_complete=strategy_names, help="As in `run`; /strategy changes it.")
@click.option("--json", "json_", is_flag=True, help="Each event on a line of stdout, as JSON.")
@click.option("-y", "--yes", is_flag=True, help="Allow every call that would be asked for.")
@options.going_on
@options.recorded
@options.places
def chat(
    workspace: Path,
    model: str,
    strategy: str,
    json_: bool,
    yes: bool,
    continue_: bool,
    resume: str,
    record: Path | None,
    replay: Path | None,
    config: Path | None,
    data_dir: Path | None,
) -> int:
    """Talk, prompt after prompt.

    Enter sends, Alt-Enter begins a new line, Ctrl-R looks through what was said before. Ctrl-C stops the answer,
    Ctrl-D leaves; /help tells the commands. Where stdin is no terminal, each line of it is a prompt.
    """
    import trio

    from .ride import Order
    from .source import Wish

    traffic = options.traffic(record, replay)
    settings = options.load_settings(config, data_dir, traffic)
    order = Order(
        prompt="",
        wish=Wish(str(workspace.resolve()), model, strategy),
        session=resume or ("newest" if continue_ else ""),
        yes=yes,
        stopping=settings.deadlines.stopping,
    )
    return trio.run(_chat, settings, order, json_, bool(traffic))


async def _chat(settings: Settings, order: Order, json_: bool, here: bool) -> int:
    from .interrupt import interruptible
    from .lines import lines
    from .remote import open_source
    from .run import picked, view_for
    from .slash import COMMANDS
    from .talk import Talk

    code = 0
    async with interruptible() as interrupt, open_source(settings, here=here) as source:
        entries = lines(settings, [f"/{name}" for name in COMMANDS], json_)
        order = await picked(order, source)
        talk = Talk(order, source, interrupt, lambda: view_for(json_, typed=entries.typed))
        if entries.typed:
            entries.typed.cancel = talk.stop
        with entries:
            code = await _listen(talk, entries)
    return interrupt.code or code


async def _listen(talk: Talk, entries: Lines) -> int:
    """Entry after entry; the exit code of the last turn, or 0 where a person left."""
    from .slash import obey

    code = 0
    if entries.spoken:
        await talk.greet()
    while (text := await entries.next()) is not None:
        if text.startswith("/"):
            if not await obey(talk, text):
                break
        elif text.strip():
            async with entries.aside():
                code = await talk.say(text)
            if code and entries.typed:
                entries.typed.unsaid()  # written for a turn that went well
    return 0 if entries.spoken else code
