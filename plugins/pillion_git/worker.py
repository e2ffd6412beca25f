"""A process of its own, in which dulwich works: what is asked, as JSON on stdin; the answer, as JSON on stdout.

Pure Python holds the interpreter for as long as it reads a large repository, and a repository that somebody made may be
dear without end. So this has a bound on its time and memory, and whoever asked can end it.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from typing import Any

import msgspec
from dulwich.errors import (
    ChecksumMismatch,
    FileFormatException,
    GitProtocolError,
    NotGitRepository,
    ObjectFormatException,
)
from msgspec import Struct

from . import blaming, comparing, history, stashing, worktrees, writing
from .asked import (
    Asked,
    AskedBlame,
    AskedBranches,
    AskedChain,
    AskedCommit,
    AskedCounts,
    AskedDiff,
    AskedDrop,
    AskedLog,
    AskedShow,
    AskedStage,
    AskedStash,
    AskedStashes,
    AskedStatus,
    AskedUnstash,
    AskedWorktree,
)
from .choices import Choices
from .opened import Opened, opened
from .place import GitFault, Place

MEMORY = 4 * 1024 * 1024 * 1024
"""Bytes of address space, of which files that are only mapped take a part."""
SECONDS = 600
"""Of the processor."""


class Order(Struct, frozen=True):
    place: Place
    choices: Choices
    asked: Asked


class Answer(Struct, frozen=True):
    """`fault`: why there is none."""

    said: msgspec.Raw = msgspec.Raw(b"null")
    fault: str = ""


def answer(order: Order) -> Any:
    """Raises GitFault."""
    with opened(order.place, order.choices) as found:
        return _answer(found, order.asked)


def _answer(found: Opened, asked: Asked) -> Any:
    match asked:
        case AskedStatus():
            return comparing.status(found, asked)
        case AskedDiff():
            return comparing.diff(found, asked)
        case AskedLog():
            return history.log(found, asked)
        case AskedShow():
            return history.show(found, asked)
        case AskedBlame():
            return blaming.blame(found, asked)
        case AskedBranches():
            return history.branches(found, asked)
        case AskedStage():
            return writing.stage(found, asked)
        case AskedWorktree():
            return worktrees.worktree(found, asked)
        case AskedChain():
            return history.chain(found, asked)
        case AskedCounts():
            return history.counts(found, asked)
        case AskedStashes():
            return stashing.stashes(found, asked)
        case AskedStash():
            return stashing.stash(found, asked)
        case AskedUnstash():
            return stashing.unstash(found, asked)
        case AskedDrop():
            return stashing.drop(found, asked)
        case AskedCommit():
            return writing.commit(found, asked)


def main() -> None:
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
        said = Answer(msgspec.Raw(msgspec.json.encode(answer(order))))
    except GitFault as error:
        said = Answer(fault=str(error))
    except (ChecksumMismatch, FileFormatException, ObjectFormatException, NotGitRepository, GitProtocolError) as error:
        said = Answer(fault=f"The repository is damaged: {error}.")
    except (MemoryError, RecursionError) as error:
        said = Answer(fault=f"The repository is too large to be read ({type(error).__name__}).")
    except Exception as error:  # dulwich, of what no git has written: assertions, unpacking, wrong types
        said = Answer(fault=f"The repository can't be read: {type(error).__name__} {error}.")
    sys.stdout.buffer.write(msgspec.json.encode(said))


if __name__ == "__main__":
    main()
