"""The editor of one session: the one that its last request named, until it is gone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from .callbacks import Did, NewExchange
from .editor import Editor
from .editorfaults import EditorAway, EditorFailed, EditorLacks

T = TypeVar("T")
KEPT = 256
"""Sessions whose editors are remembered."""


class Bridge:
    """`session` is the editor's id; `reply` the exchange that its work is shown under now."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.reply = ""
        self._lost: Callable[[EditorFailed], None] | None = None
        self.why = ""
        """It is gone, as long as no request names one again: what was wrong with it."""
        self._went: EditorFailed | None = None
        """Why it is gone, as long as nobody was told."""
        self.unsaved: dict[str, bytes] = {}
        """Texts that the editor holds and the disk has not, by path, as far as they were looked at."""
        self.devtools = False
        """Is the message about the page in the editor's browser?"""
        self.streams = True
        """Does it take edits that come in pieces?"""
        self._editor: Editor | None = None

    @property
    def there(self) -> bool:
        return self._editor is not None

    def tell(self, lost: Callable[[EditorFailed], None]) -> None:
        """`lost` is told once of an editor that is gone: it is not waited for again until a request names one."""
        self._lost = lost
        if (went := self._went) is not None:
            self._went = None
            lost(went)

    def meet(self, editor: Editor) -> None:
        """From now on this one is asked; the same one keeps its connections."""
        if self._editor is not None and self._editor.url == editor.url:
            return
        self.leave()
        self._editor, self.streams, self.why = editor, True, ""
        self.unsaved.clear()

    def leave(self) -> None:
        """Nobody is asked any more."""
        if self._editor is not None:
            self._editor.close()
        self._editor = None
        self.unsaved.clear()

    async def ask(
        self,
        path: str,
        kind: type[T],
        body: Mapping[str, Any],
        *,
        seconds: float | None = None,
        method: Literal["POST", "GET"] = "POST",
        once: bool = False,
    ) -> T:
        """As Editor.ask. Raises EditorAway also where there is none."""
        editor = self._editor
        if editor is None:
            raise EditorAway("No editor is there.")
        try:
            return await editor.ask(path, kind, body, seconds=seconds, method=method, once=once)
        except EditorAway as error:
            if self._editor is editor:
                self.leave()
                self.why = str(error)
                if self._lost is None:
                    self._went = error
                else:
                    self._lost(error)
            raise

    async def new_exchange(self) -> str:
        """The id under which an answer is shown."""
        given = await self.ask("/new_exchange", NewExchange, {"session_id": self.session})
        if not given.exchange_id:
            raise EditorLacks("The editor gave no id for the answer.")
        return given.exchange_id

    async def do(self, path: str, body: Mapping[str, Any]) -> None:
        """Has something done. Raises EditorLacks where the editor says that it did not, EditorAway."""
        if not (await self.ask(path, Did, body, once=True)).success:
            raise EditorLacks(f"The editor did not do {path}.")

    async def undo(self, exchange: str) -> None:
        """Takes back what was changed in the editor from that exchange on. Raises EditorFailed."""
        await self.do("/undo_session_changes", {"session_id": self.session, "exchange_id": exchange, "index": None})


class Bridges:
    """Of all sessions, by the editor's ids."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Bridge] = OrderedDict()

    def of(self, session: str) -> Bridge:
        bridge = self._known.setdefault(session, Bridge(session))
        self._known.move_to_end(session)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)[1].leave()
        return bridge

    def leave(self) -> None:
        """Of no session an editor is asked any more."""
        for bridge in self._known.values():
            bridge.leave()
