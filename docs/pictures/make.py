"""Makes run.svg, the README's picture: `python docs/pictures/make.py`.

The run is real: the program's own code, kernel and tools, on a small repository with a bug. Only the model is a
script, spoken by the test server that stands in for a vendor.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import trio
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from pillion import settings as layers
from pillion.values import Usage
from pillion_runtime.cli.inprocess import open_inprocess
from pillion_runtime.cli.interrupt import Interrupt
from pillion_runtime.cli.ride import Order, Ride
from pillion_runtime.cli.source import Wish
from pillion_runtime.cli.terminal import TerminalView, console
from pillion_runtime.testing import Reply, call, replies, vendor_server

PICTURE = Path(__file__).with_name("run.svg")
PROMPT = "One test fails. Find out why, and mend it."
WIDTH = 92
CODE = '''"""Prices in cents."""


def with_tax(cents: int, percent: int) -> int:
    """The price with tax, rounded to whole cents."""
    return cents + cents * percent // 100
'''
TEST = """import unittest

from prices import with_tax


class Prices(unittest.TestCase):
    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(with_tax(1050, 19), 1250)
"""
FAULTY = "return cents + cents * percent // 100"
MENDED = "return cents + (cents * percent + 50) // 100"
COMMAND = "python -m unittest -q"
ANSWER = """The test passes now. `with_tax` cut the tax off with `//` where its docstring promises rounding:

- 19 % of 1050 is 199.5, which became **199** instead of **200**
- adding 50 before the division rounds half a cent up, in whole numbers throughout
"""
STORY = replies(
    Reply(text="I run the tests first.", calls=(call("run_command", command=COMMAND),), usage=Usage(2_140, 38)),
    Reply(calls=(call("read_file", path="prices.py"),), usage=Usage(2_420, 24)),
    Reply(
        text="`//` rounds down. The docstring wants whole cents, rounded.",
        calls=(call("edit_file", path="prices.py", old=FAULTY, new=MENDED),),
        usage=Usage(2_590, 96),
    ),
    Reply(calls=(call("run_command", command=COMMAND),), usage=Usage(2_760, 31)),
    Reply(text=ANSWER, usage=Usage(2_910, 84)),
)
THEME = TerminalTheme(
    (22, 24, 29),
    (214, 218, 226),
    [(40, 44, 52), (240, 113, 120), (142, 207, 122), (236, 196, 110), (104, 166, 240), (198, 140, 230),
     (92, 200, 208), (214, 218, 226)],
    [(120, 126, 140), (250, 130, 136), (160, 222, 140), (246, 210, 130), (130, 184, 250), (214, 160, 244),
     (120, 216, 222), (245, 247, 250)],
)  # fmt: skip


class StillView(TerminalView):
    """The terminal's screen without what moves on it: a picture keeps only what stays."""

    def __enter__(self) -> StillView:
        return self


def main() -> None:
    """Runs the story and writes the picture."""
    screen = console(record=True, width=WIDTH, force_terminal=True, color_system="standard", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        code = trio.run(_run, Path(folder), screen)
    if code:
        sys.exit(f"The run ended with {code}; the picture stays as it was.")
    svg = screen.export_svg(title="pillion", theme=THEME, unique_id="pillion")
    PICTURE.write_text(re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL))  # a picture loads nothing


async def _run(folder: Path, screen: Console) -> int:
    workspace = folder / "shop"
    workspace.mkdir()
    (workspace / "prices.py").write_text(CODE)
    (workspace / "test_prices.py").write_text(TEST)
    screen.print(Text.assemble(("~/shop $ ", "bold cyan"), f'pillion run --yes "{PROMPT}"'))
    async with vendor_server(STORY, models=("qwen3-coder",)) as vendor:
        server = {"base_url": f"{vendor.url}/v1", "api": "chat", "models": ["qwen3-coder"]}
        flags = {"defaults.model": "local/qwen3-coder", "plugins.openai.servers.local": server}
        settings = layers.load(data_dir=folder / "data", flags=flags | {"plugins.embedded.enabled": False})
        order = Order(PROMPT, Wish(str(workspace)), yes=True)
        async with open_inprocess(settings) as source:
            with StillView(screen, screen, asks=False) as view:
                return await Ride(order, source, view, Interrupt(trio.CancelScope())).run()


if __name__ == "__main__":
    main()
