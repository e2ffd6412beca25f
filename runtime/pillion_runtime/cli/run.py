"""`pillion run "prompt"`: asks once, and shows what happens, live."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .completing import model_names, strategy_names

if TYPE_CHECKING:
    from pillion.settings import Settings

    from .ride import Order
    from .source import Source
    from .typed import Typed
    from .view import View


@click.command()
@click.argument("prompt", required=False)
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The folder to work on.  [default: the current one]",
)
@click.option(
    "-m", "--model", default="", shell_complete=model_names, help="provider/model, as `pillion models list` names them."
)
@click.option(
    "-s", "--strategy", default="", shell_complete=strategy_names, help="agent, chat, or one that a plugin brings."
)
@click.option("--json", "json_", is_flag=True, help="Each event on a line of stdout, as JSON.")
@click.option("-y", "--yes", is_flag=True, help="Allow every call that would be asked for.")
@click.option("--max-steps", type=click.IntRange(min=1), help="End after this many calls of the model.")
@click.option("--ephemeral", is_flag=True, help="Keep the session in memory alone, and delete it at the end.")
@options.going_on
@options.recorded
@options.places
def run(
    prompt: str | None,
    workspace: Path,
    model: str,
    strategy: str,
    json_: bool,
    yes: bool,
    max_steps: int | None,
    ephemeral: bool,
    continue_: bool,
    resume: str,
    record: Path | None,
    replay: Path | None,
    config: Path | None,
    data_dir: Path | None,
) -> int:
    """Ask once, and watch the answer.

    What is piped in is added to the prompt; without a prompt it is the prompt. The answer goes to stdout, all else
    to stderr. A server that runs on the same data directory does the work; else it happens in this process.

    Exit codes: 0 done, 1 failed, 2 usage, 3 needs approval, 4 limit reached, 5 provider, 130/143 interrupted.
    """
    from .piped import whole_prompt

    text = whole_prompt(prompt, sys.stdin, sys.stderr)
    traffic = options.traffic(record, replay)
    flags = traffic | ({"limits.steps": max_steps} if max_steps else {})
    settings = options.load_settings(config, data_dir, flags)

    import trio

    from .ride import Order
    from .source import Wish

    if ephemeral and (continue_ or resume):
        raise click.UsageError("--ephemeral deletes the session at the end; one that goes on is to stay.")
    order = Order(
        prompt=text,
        wish=Wish(str(workspace.resolve()), model, strategy, max_steps, ephemeral),
        session=resume or ("newest" if continue_ else ""),
        yes=yes,
        stopping=settings.deadlines.stopping,
    )
    return trio.run(conduct, order, settings, view_for(json_), config, bool(traffic))


async def conduct(order: Order, settings: Settings, view: View, config: Path | None, here: bool = False) -> int:
    """The run from the first second on: Ctrl-C counts also while things start. `here`: never by a live server."""
    from .interrupt import interruptible
    from .remote import open_source
    from .ride import Ride

    code = 0
    async with interruptible() as interrupt:
        with view:
            async with open_source(settings, here=here) as source:
                if source.where and config is not None:
                    view.say(f"pillion: the server at {source.where} does the work, with its own settings.")
                order = await picked(order, source)
                code = await Ride(order, source, view, interrupt).run()
    return interrupt.code or code


async def picked(order: Order, source: Source) -> Order:
    """The order with the whole id of the session that it goes on with."""
    import msgspec

    from .picking import named, newest

    if not order.session:
        return order
    if order.session == "newest":
        return msgspec.structs.replace(order, session=await newest(source, order.wish.workspace))
    return msgspec.structs.replace(order, session=await named(source, order.session))


def view_for(json_: bool, asks: bool = True, typed: Typed | None = None) -> View:
    """The screen that suits where the output goes; `asks`: may somebody be asked on it, if there is somebody?

    `typed` is shown where the screen can.
    """
    from .asker import can_ask
    from .view import JsonView, PlainView

    if json_:
        return JsonView(sys.stdout, sys.stderr)
    if not sys.stdout.isatty():
        return PlainView(sys.stdout, sys.stderr, asks and can_ask(sys.stderr))
    from .terminal import TerminalView, console

    return TerminalView(console(), console(stderr=True), asks and can_ask(sys.stdout), typed)
