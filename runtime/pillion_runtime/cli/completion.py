"""`pillion completion SHELL`: what a shell runs to complete our words."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what a shell needs to complete commands.

    Where a server runs also models, strategies and session ids.

    \b
    bash  eval "$(pillion completion bash)"   in ~/.bashrc
    zsh   eval "$(pillion completion zsh)"    in ~/.zshrc, below compinit
    fish  pillion completion fish | source    in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from .main import pillion

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(pillion, {}, "pillion", "_PILLION_COMPLETE").source())
