"""`pillion`: the group of commands. A command's module is imported when the command runs, not before."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """Where a command lives, and its line in `pillion --help`."""

    module: str
    attribute: str
    help: str


GROUPS = {
    "Ask": {
        "run": Lazy("run", "run", "Ask once, and watch the answer."),
        "chat": Lazy("chat", "chat", "Talk, prompt after prompt."),
    },
    "Look": {
        "sessions": Lazy("sessions", "sessions", "What has been talked about, and how it stands."),
        "watch": Lazy("watch", "watch", "Follow a session of the live server, or all."),
    },
    "Serve": {
        "serve": Lazy("serve", "serve", "Serve sessions over HTTP."),
        "open": Lazy("open", "open_", "Open the running server's page in a browser."),
    },
    "Set up": {
        "config": Lazy("config", "config", "The settings: in force, right or wrong, possible."),
        "plugins": Lazy("plugins", "plugins", "What is switched on, and what keeps the rest from working."),
        "models": Lazy("models", "models", "The models that can answer here."),
        "keys": Lazy("keys", "keys", "The providers' keys that are kept in your key file."),
        "tools": Lazy("tools", "tools", "What a model may call here."),
        "doctor": Lazy("doctor", "doctor", "Check the installation, and say how to mend it."),
        "completion": Lazy("completion", "completion", "Print what a shell needs to complete commands."),
    },
}
COMMANDS = {name: where for group in GROUPS.values() for name, where in group.items()}


class LazyGroup(click.Group):
    """Lists commands from COMMANDS; imports the one that is asked for. Only another name brings the plugins in."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return _plugins_commands().get(cmd_name)
        where = COMMANDS[cmd_name]
        command = getattr(import_module(f"pillion_runtime.cli.{where.module}"), where.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), where.help) for name, where in group.items()])
        formatter.write_paragraph()
        formatter.write_text("Plugins may bring more: `pillion plugins commands`.")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command where there is none of that name."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}. {_instead(name)}")
        return super().resolve_command(ctx, args)


def _instead(name: str) -> str:
    """What to type where there is no such command."""
    import difflib

    from . import brought

    if brought.is_off(name):
        return (
            f"The plugin {name} is off: `pillion plugins enable {name}` switches it on, with the commands that it has."
        )
    known = [*COMMANDS, *_plugins_commands()]
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."


@cache
def _plugins_commands() -> Mapping[str, click.Command]:
    from . import brought

    return brought.commands()


def _say_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from pillion_runtime.version import package_version

        click.echo(f"pillion {package_version()}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Say the version.",
)
@click.option("--traceback", "show_traceback", is_flag=True, hidden=True, help="Show where an unexpected error arose.")
def pillion(show_traceback: bool) -> None:
    """Pillion rides beside an editor: coding agents on your folders, from a terminal or over HTTP."""


def main(arguments: list[str] | None = None) -> None:
    """The entry point. Every end is an exit code; a person sees sentences, never a traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that can't show a character is no failure
    try:
        code: Any = pillion.main(arguments, prog_name="pillion", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except SystemExit as end:  # of a completion, which is to be quick
        code = end.code
    except BaseException as error:  # the outermost edge: what arrives here becomes a sentence
        code = _tell(error, "--traceback" in arguments)
    _leave(code if isinstance(code, int) else 0)


def _tell(error: BaseException, show_traceback: bool) -> int:
    from pillion.errors import PillionError

    from . import exits

    cause = exits.first_error(error)
    if isinstance(cause, SystemExit):
        return cause.code if isinstance(cause.code, int) else exits.FAILED
    if isinstance(cause, KeyboardInterrupt | click.Abort):
        return exits.INTERRUPTED
    if isinstance(cause, click.ClickException):  # from inside a nursery
        cause.show()
        return cause.exit_code
    if isinstance(cause, BrokenPipeError):
        return exits.FAILED  # whoever read our output has gone
    if show_traceback:
        traceback.print_exception(error)
    if isinstance(cause, PillionError):
        click.echo(f"pillion: {cause}", err=True)
        return exits.of_error(cause)
    click.echo(
        f"pillion: unexpected {type(cause).__name__}: {cause}\n"
        "This is a fault of Pillion or of a plugin; `pillion --traceback …` shows where it arose.",
        err=True,
    )
    return exits.FAILED


def _leave(code: int) -> None:
    """Ends the process; a reader that has gone must not bring a traceback out of the last flush."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
