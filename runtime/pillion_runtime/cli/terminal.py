"""A run on a terminal: what is done stands above, what grows is shown below it, with a spinner."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, assert_never

import trio
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.segment import Segment
from rich.spinner import Spinner
from rich.text import Text
from rich.theme import Theme

from . import asker
from . import shown as s
from .endings import Ending, decided_line, replied_line, totals_line
from .screen import clean, count, duration, one_line
from .typed import Typed

REFRESH = 12
"""Pictures a second, at most."""
OUTPUT_LINES = 8
"""Lines of a tool's output that stay."""
DIFF_LINES = 60
FORMATTED = 16_000
"""Characters up to which growing text is laid out as Markdown; beyond it is shown as it stands."""


class TerminalView:
    """Shows one run by rich. Text stays when it is whole; until then a retry may take it back."""

    def __init__(self, out: Console, err: Console, asks: bool, typed: Typed | None = None) -> None:
        self._out, self._err = out, err
        self.asks = asks
        self._typed = typed
        self._growing: dict[int, s.Growing] = {}
        self._running: dict[int, str] = {}
        self._began = time.monotonic()
        self._status = "starting"
        self._after_tools = False
        self._spinner = Spinner("dots", style="cyan")
        self._live = self._new_live()

    def _new_live(self) -> Live:
        """A new one for each picture: a used one would clear as many lines as it had drawn before."""
        return Live(
            _Picture(self._picture),
            console=self._out,
            auto_refresh=False,  # by `beat`: rich's own thread draws amid what is printed, and leaves remains of it
            transient=True,
            redirect_stdout=False,
            redirect_stderr=self._err.is_terminal,  # log lines stand above the picture; in a file they stay as they are
        )

    def __enter__(self) -> TerminalView:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    async def beat(self) -> None:
        while True:
            await trio.sleep(1 / REFRESH)
            if self._live.is_started:
                self._live.refresh()

    def frame(self, line: bytes) -> None:
        """Frames are for programs."""

    def say(self, line: str) -> None:
        with self._still():
            self._err.print(Text(clean(line), "dim"))

    def show(self, shown: s.Shown) -> None:
        match shown:
            case s.Answers():
                self._status = "thinking"
            case s.Growing():
                self._growing[shown.item] = shown
            case s.Written():
                self._growing.pop(shown.item, None)
                self._text(shown.text)
            case s.CutOff():
                self._growing.pop(shown.item, None)
                self._text(shown.text)
                self._line("… cut off here", "yellow")
            case s.Dropped():
                self._growing.pop(shown.item, None)
                if shown.why:
                    self._line(f"taken back: {one_line(shown.why)}", "yellow")
            case s.Begun():
                self._running[shown.item] = shown.title
            case s.Ran():
                self._growing.pop(shown.item, None)
                self._running.pop(shown.item, None)
                self._ran(shown)
            case s.Changed():
                self._out.print(diff_text(shown))
            case s.Decided():
                if shown.by != "person" or not self.asks:
                    self._line(decided_line(shown), "dim" if shown.decision == "allow" else "yellow")
            case s.Replied():
                if shown.by != "person" or not self.asks:
                    self._line(replied_line(shown), "dim" if shown.answer is not None else "yellow")
            case s.Remark():
                self._status = one_line(shown.text, 80)
                self._line(shown.text, "yellow")
            case s.Said():
                self._status = "working"
            case s.Questioned():
                if not self.asks:
                    self._line(f"The model asks: {shown.asked.text}", "yellow")
            case s.Asked() | s.Over():
                pass
            case _:
                assert_never(shown)

    def close(self, ending: Ending) -> None:
        self._live.stop()
        style, mark = ("green", "✓") if ending.code == 0 else ("red", "✗")
        if ending.why:
            self._out.print(Text(clean(ending.why), style))
        self._out.print(Text.assemble((f"{mark} ", style), (totals_line(ending.totals), "dim")))

    @contextlib.contextmanager
    def asking(self, asked: s.Asked | s.Questioned) -> Iterator[IO[str]]:
        with self._still(), self._typed.away() if self._typed else contextlib.nullcontext():
            match asked:
                case s.Asked():
                    lines = [diff_line(line) for line in asker.preview(asked.wanted)]
                    title = Text(asker.question(asked), "bold yellow")
                    body = Group(*lines) if lines else Text(asked.title, "dim")
                case s.Questioned():
                    title = Text("The model asks", "bold yellow")
                    body = Group(Text(clean(asked.asked.text)), *map(Text, asker.choices(asked.asked)))
            self._out.print(Panel(body, title=title, title_align="left", border_style="yellow"))
            yield self._out.file

    def overheard(self, keys: bytes) -> None:
        if self._typed:
            self._typed.feed(keys)

    # ── what stays ──

    def _text(self, text: str) -> None:
        if text.strip():
            if self._after_tools:
                self._out.print()
            self._after_tools = False
            self._out.print(markdown(text))
            self._out.print()

    def _line(self, line: str, style: str) -> None:
        self._out.print(Text(f"  {clean(line)}", style))

    def _ran(self, ran: s.Ran) -> None:
        self._after_tools = True
        mark, style = ("✗", "red") if ran.error else ("●", "green")
        tool, _, rest = ran.title.partition(" ")
        seconds = f"  {duration(ran.seconds)}" if ran.seconds >= 0.1 else ""
        self._out.print(Text.assemble((f"{mark} ", style), (tool, "bold"), f" {rest}", (seconds, "dim")))
        tells = ran.error or ran.effect in ("execute", "network")  # what was read is the model's matter
        lines = clean(ran.text if tells else "").strip("\n").splitlines()
        hidden = len(lines) - OUTPUT_LINES
        if hidden > 0:
            lines = [f"… {count(hidden, 'line')} before", *lines[-OUTPUT_LINES:]]
        for line in lines:
            self._out.print(Padding(Text(line, "red" if ran.error else "dim"), (0, 0, 0, 4)))

    # ── what moves ──

    def _picture(self) -> Group:
        parts = [_Tail(grown) for grown in list(self._growing.values())[-3:] if grown.text.strip()]
        waiting = ", ".join(list(self._running.values())[-2:])
        calls = [grown.title for grown in list(self._growing.values()) if grown.kind == "call"]
        doing = f"running {waiting}" if waiting else f"writing a call of {calls[-1]}" if calls else self._status
        rest = f" · {duration(time.monotonic() - self._began)} · Ctrl-C stops"
        room = max(8, min(90, self._out.width - len(rest) - 4))  # one line: what wraps, jumps
        self._spinner.update(text=Text(f" {one_line(doing, room)}{rest}", "dim"))
        return Group(*parts, self._spinner, *self._next_prompts())

    def _next_prompts(self) -> list[Text]:
        """What is typed for later."""
        if self._typed is None:
            return []
        lines = [Text(f"› {one_line(entry, self._out.width - 2)}", "dim") for entry in self._typed.entries]
        begun = _last_cells(clean(self._typed.line).replace("\n", "⏎ "), self._out.width - 4)
        return [*lines, Text.assemble(("› ", "cyan"), begun, (" ", "reverse"))] if lines or begun else []

    @contextlib.contextmanager
    def _still(self) -> Iterator[None]:
        """The picture is away meanwhile."""
        running = self._live.is_started
        self._live.stop()
        try:
            yield
        finally:
            if running:
                self._live = self._new_live()
                self._live.start(refresh=True)


def console(*, stderr: bool = False, **options: Any) -> Console:
    """A rich console with our colours: few, and those of the terminal's own palette."""
    return Console(stderr=stderr, highlight=False, theme=Theme({"markdown.code": "cyan"}), **options)


def markdown(text: str) -> Markdown:
    """Text of a model, laid out; harmless for a terminal."""
    return Markdown(clean(text), code_theme="ansi_dark", hyperlinks=False)


class _Picture:
    """What moves, as it is whenever it is drawn."""

    def __init__(self, picture: Callable[[], RenderableType]) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._picture()


def _last_cells(text: str, room: int) -> str:
    """The end of `text` that fits into so many columns."""
    end = text[-room:]
    while cell_len(end) > room or (len(end) < len(text) and cell_len(end) > room - 1):
        end = end[1:]
    return end if len(end) == len(text) else "…" + end


class _Tail:
    """The end of a growing item, as much of it as fits on the screen."""

    def __init__(self, grown: s.Growing) -> None:
        self._grown = grown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grown = self._grown
        room = max(3, options.size.height - 6)
        text = clean(grown.text)
        if grown.kind == "text":
            shape: RenderableType = markdown(text) if len(text) <= FORMATTED else Text(text[-FORMATTED:])
        else:
            room = min(room, OUTPUT_LINES)
            shape = Padding(Text(text[-FORMATTED:], "dim italic" if grown.kind == "thinking" else "dim"), (0, 0, 0, 4))
        for line in console.render_lines(shape, options.update(height=None), pad=False)[-room:]:
            yield from line
            yield Segment.line()


def diff_text(changed: s.Changed) -> Group:
    """A file's change: what happened to it, then its diff in colours."""
    head = Text.assemble(
        (f"  {changed.kind} ", "bold"),
        clean(changed.path),
        (f"  +{changed.added}", "green"),
        (f" -{changed.removed}", "red"),
    )
    lines = [line for line in clean(changed.diff).splitlines() if not line.startswith(("--- ", "+++ "))]
    hidden = len(lines) - DIFF_LINES
    shown = [Padding(diff_line(line), (0, 0, 0, 4)) for line in lines[:DIFF_LINES]]
    more = [Padding(Text(f"… {count(hidden, 'more line')}", "dim"), (0, 0, 0, 4))] if hidden > 0 else []
    return Group(head, *shown, *more)


def diff_line(line: str) -> Text:
    """One line of a unified diff in its colour."""
    for mark, style in (("+", "green"), ("-", "red"), ("@@", "cyan")):
        if line.startswith(mark):
            return Text(line, style)
    return Text(line, "dim" if line.startswith("\\") else "")
