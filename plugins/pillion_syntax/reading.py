"""Files of a workspace as their syntax shows them, remembered by the hash of their content."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio
from msgspec import Struct

from pillion import ConfigError, ToolError, Workspace
from pillion.contracts.code import CodeFile
from pillion.errors import NotText
from pillion.plugins import PluginHost
from pillion.textform import text_form

from .grammars import Languages, languages
from .language import Language, shipped
from .lines import Span

if TYPE_CHECKING:
    from .around import Code

REMEMBERED = 500
"""Files whose syntax is kept in memory."""


class Outlined(Struct, frozen=True):
    """A file's definitions and imports; `nodes` are of `OutlineNode`. `valid`: its syntax has no error. `text` is
    UTF-8; bytes are of it."""

    path: str
    hash: str
    language: str
    valid: bool
    text: bytes
    nodes: Sequence[Any]


class Chunked(Struct, frozen=True):
    """A file cut into pieces. `language` is "" where none is known, and they are windows of lines."""

    path: str
    hash: str
    language: str
    text: bytes
    pieces: Sequence[Span]


class Read(Struct, frozen=True, array_like=True):
    """What became of a file that a worker process read: `data` is a CodeFile as it is kept, with that hash and
    language; b"" where it can't be read, or is too long. `mtime` is 0 for one that has just been changed."""

    path: str
    size: int
    mtime: int
    hash: str = ""
    language: str = ""
    data: bytes = b""


class Reader:
    """One for all sessions. `host` is given by the plugin's lifespan; without one only shipped languages are known."""

    host: PluginHost | None = None

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, Language | None], Any] = OrderedDict()
        self._shipped = tuple(shipped())
        self._trees: Any = None

    @property
    def languages(self) -> Languages:
        return languages(self.files)

    def known(self, id: str) -> Language | None:
        """The language as an editor names it, if its grammar is installed."""
        language = self.languages.by_id(id)
        return language if language is not None and language.installed else None

    @property
    def only_shipped(self) -> bool:
        """Does no plugin bring a language?"""
        return self.files == self._shipped

    @property
    def files(self) -> tuple[Path, ...]:
        """The language files. Of a language that two files bring, the later plugin's counts."""
        brought: list[Path] = []
        for name, answer in self.host.ask("register_languages") if self.host else ():
            try:
                languages((*self._shipped, *brought, *map(Path, answer)))
            except (ConfigError, TypeError) as error:
                assert self.host is not None
                self.host.fault(name, f"Its hook register_languages: {error}", error)
            else:
                brought += map(Path, answer)
        return (*self._shipped, *brought)

    async def outline(self, workspace: Workspace, path: str) -> Outlined:
        """Raises ToolError for a file in no known language, or whose grammar is not installed, or that can't be parsed
        in time."""
        data, hash, language = await self._read(workspace, path)
        if language is None:
            raise ToolError(f"The language of {path} is not known; an outline needs its grammar.")
        if not language.installed:
            raise ToolError(f"The grammar of {language.name} is not installed: pip install 'pillion[languages]'.")
        return await self._made("outlined", path, hash, language, data)  # type: ignore[no-any-return]

    async def symbols(self, path: str, data: bytes) -> CodeFile | None:
        """What an index keeps of that text, UTF-8; None: its language is not known, or it can't be parsed in time."""
        language = self.languages.of(path, data[:200].decode("utf-8", "replace"))
        if language is None or not language.installed:
            return None
        hash = hashlib.sha256(data).hexdigest()
        return await self._made("symboled", path, hash, language, data)  # type: ignore[no-any-return]

    async def code(self, workspace: Workspace, path: str) -> Code:
        """The outline, and what its names mean. Raises ToolError as `outline`."""
        outlined = await self.outline(workspace, path)
        language = self.languages.all[outlined.language]
        return await self._made("coded", path, outlined.hash, language, outlined)  # type: ignore[no-any-return]

    async def chunks(self, workspace: Workspace, path: str) -> Chunked:
        """Where no grammar is there, pieces are windows of lines."""
        data, hash, language = await self._read(workspace, path)
        known = language if language is not None and language.installed else None
        return await self._made("chunked", path, hash, known, data)  # type: ignore[no-any-return]

    async def _read(self, workspace: Workspace, path: str) -> tuple[bytes, str, Language | None]:
        """Its text as UTF-8, without byte order mark."""
        content = await workspace.read(path)
        form = text_form(content.data)
        if form is None or not form.valid:
            raise NotText(f"{path} is binary, or not valid {form.encoding if form else 'text'}.")
        text = form.decode(content.data)
        return text.encode("utf-8", "surrogatepass"), content.hash, self.languages.of(path, text[:200])

    async def _made(self, what: str, path: str, hash: str, language: Language | None, data: Any) -> Any:
        key = what + path, hash, language
        if key not in self._kept:
            if self._trees is None:
                self._trees = import_module(f"{__package__}.trees").Trees()  # tree-sitter
            self._kept[key] = await trio.to_thread.run_sync(_work, what, self._trees, path, hash, language, data)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _work(what: str, trees: Any, path: str, hash: str, language: Language | None, data: Any) -> Any:
    return getattr(import_module(f"{__package__}.looking"), what)(trees, path, hash, language, data)
