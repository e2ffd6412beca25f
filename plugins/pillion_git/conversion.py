"""A file of the folder as git keeps it: line ends as attributes and settings say. No filter that they name is run."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from hashlib import sha1, sha256
from io import BytesIO

from dulwich.attrs import AttributeValue, GitAttributes, Pattern, compile_gitattributes_patterns, parse_git_attributes
from dulwich.line_ending import CRLF, CRLFAction, convert_crlf_to_lf, resolve_crlf_action
from dulwich.patch import is_binary

from .choices import Choices
from .place import GitFault

LARGEST = 512 * 1024 * 1024
"""Bytes of a file that is compared."""
LARGEST_ATTRIBUTES = 1024 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_AUTO = (CRLFAction.AUTO, CRLFAction.AUTO_INPUT, CRLFAction.AUTO_CRLF)

Attributes = dict[bytes, AttributeValue]
Patterns = list[tuple[Pattern, "Attributes"]]


class Conversion:
    """That of one work tree, whose top is `top`."""

    def __init__(self, top: bytes, common: str, choices: Choices) -> None:
        self._top, self._choices = top, choices
        info = _patterns(os.path.join(os.fsencode(common), b"info", b"attributes"), b"")
        self._attributes = GitAttributes(self._of_folder(b""), directory_loader=self._of_folder, info_patterns=info)  # type: ignore[arg-type]
        self.attributes = lru_cache(maxsize=4096)(self._attributes.match_path)
        self._hash = sha256 if choices.objectformat == "sha256" else sha1

    def _of_folder(self, folder: bytes) -> Patterns:
        return _patterns(os.path.join(self._top, folder, b".gitattributes"), folder)

    def action(self, path: bytes) -> CRLFAction:
        return resolve_crlf_action(self.attributes(path), self._choices.eol, self._choices.autocrlf.encode())

    def is_plain(self, path: bytes) -> bool:
        """Is it kept as it is?"""
        return self.action(path) == CRLFAction.BINARY

    def is_binary(self, path: bytes, data: bytes) -> bool:
        """As a diff takes it."""
        said = self.attributes(path)
        if said.get(b"diff") is True:
            return False
        return said.get(b"diff") is False or said.get(b"binary") is True or is_binary(data)

    def read(self, path: bytes, mode: int, kept: bytes | None = None) -> bytes:
        """What lies at `path`, a link's target or a file's content as git keeps it. `kept`: what the index has, which
        may have other line ends by custom. Raises OSError; GitFault where it is too long."""
        place = os.path.join(self._top, path)
        if stat.S_ISLNK(mode):
            try:
                return os.readlink(place)
            except OSError:
                if self._choices.symlinks:
                    raise
        with open(os.open(place, _READ), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileNotFoundError(place)
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise GitFault(f"{os.fsdecode(path)} has more than {LARGEST} bytes: it is not compared.")
        action = self.action(path)
        if action == CRLFAction.BINARY or CRLF not in data:
            return data
        if action in _AUTO and (is_binary(data) or (kept is not None and CRLF in kept)):
            return data
        return convert_crlf_to_lf(data)

    def name(self, data: bytes) -> bytes:
        """That of a content, hex."""
        return self._hash(b"blob %d\0" % len(data) + data).hexdigest().encode()


def _patterns(path: bytes, folder: bytes) -> Patterns:
    """None where there is no such file, or a link in its place."""
    try:
        with open(os.open(path, _READ), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return []
            data = file.read(LARGEST_ATTRIBUTES)
    except OSError:
        return []
    return compile_gitattributes_patterns(parse_git_attributes(BytesIO(data)), path, folder)  # type: ignore[return-value]
