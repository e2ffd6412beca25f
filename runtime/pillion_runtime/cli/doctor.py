"""`pillion doctor`: is the installation well? Complete sentences, each with the way out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options

if TYPE_CHECKING:
    from .findings import Finding

MARKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "problem": ("✗", "red")}


@click.command()
@options.as_json
@options.places
def doctor(json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Check the installation, and say how to mend it.

    Ends with 0 when nothing is broken, else with 1.
    """
    from .findings import examine

    findings = examine(config, data_dir)
    broken = sum(finding.state == "problem" for finding in findings)
    if json_:
        import msgspec

        from .listing import print_json

        print_json({"ok": not broken, "findings": msgspec.to_builtins(findings)})
    else:
        _print(findings, broken)
    return 1 if broken else 0


def _print(findings: list[Finding], broken: int) -> None:
    from rich.console import Console
    from rich.text import Text

    from .screen import clean, count

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark, style = MARKS[finding.state]
        console.print(Text.assemble((f"{mark} ", style), (f"{finding.about}: ", "bold"), clean(finding.said)))
    last = f"{count(broken, 'problem')} found." if broken else "All is well."
    console.print(Text(last, "red" if broken else "green"))
