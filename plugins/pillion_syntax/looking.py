"""One file looked at: its outline, its pieces. For a thread; imports tree-sitter."""

from __future__ import annotations

from pathlib import PurePosixPath

from pillion import ToolError
from pillion.contracts.code import CodeFile

from .around import Code, code_of
from .chunking import BARE, PLAIN, chunks, windows
from .language import Language
from .outline import outline
from .parsing import LARGEST, SECONDS
from .reading import Chunked, Outlined
from .symbols import symbols_of
from .trees import Trees


def outlined(trees: Trees, path: str, hash: str, language: Language, data: bytes) -> Outlined:
    """Raises ToolError."""
    tree = trees.tree(path, language, data)
    if tree is None:
        raise ToolError(
            f"{path} has more than {LARGEST:,} bytes, takes more than {SECONDS:g} s to parse, or has too many errors."
        )
    return Outlined(path, hash, language.name, not tree.root_node.has_error, data, outline(language, data, tree))


def coded(trees: Trees, path: str, hash: str, language: Language, found: Outlined) -> Code:
    """Raises ToolError."""
    tree = trees.tree(path, language, found.text)
    if tree is None:
        raise ToolError(f"{path} takes more than {SECONDS:g} s to parse.")
    return code_of(language, found, tree)


def symboled(trees: Trees, path: str, hash: str, language: Language, data: bytes) -> CodeFile | None:
    """None: it can't be parsed in time."""
    tree = trees.tree(path, language, data)
    return None if tree is None else symbols_of(language, path, hash, data, tree)


def chunked(trees: Trees, path: str, hash: str, language: Language | None, data: bytes) -> Chunked:
    """A file that can't be parsed in time is cut as one without a grammar."""
    tree = trees.tree(path, language, data) if language else None
    if language is None or tree is None:
        pieces = windows(data, PLAIN if PurePosixPath(path).suffix else BARE)
        return Chunked(path, hash, "", data, pieces)
    return Chunked(path, hash, language.name, data, chunks(data, tree))
