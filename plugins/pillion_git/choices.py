"""The settings of git that count here: how files are compared and who commits. None of them names a program."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import BytesIO

from dulwich.config import ConfigFile
from msgspec import Struct

from .place import LARGEST_CONFIG, GitFault, Place, read

_TRUE = frozenset({"true", "yes", "on", "1", ""})
_CORE = ("filemode", "symlinks", "ignorecase", "autocrlf", "eol", "excludesfile", "precomposeunicode", "trustctime")
_EXTENSIONS = ("objectformat", "refstorage", "worktreeconfig")
_HARMLESS = ("noop", "noop-v1", "partialclone", "preciousobjects", "relativeworktrees")
"""They change nothing of what is read here."""
_BOOLS = frozenset({"filemode", "symlinks", "ignorecase", "precomposeunicode", "trustctime"})


class Choices(Struct, frozen=True):
    """As they count for one repository: its own over the user's. `excludes`: the user's ignore file. `name` and `email`
    are the committer's."""

    filemode: bool = True
    symlinks: bool = True
    ignorecase: bool = False
    autocrlf: str = "false"
    eol: str = "native"
    excludes: str = ""
    precomposeunicode: bool = False
    trustctime: bool = True
    name: str = ""
    email: str = ""
    objectformat: str = "sha1"
    refstorage: str = "files"

    def lines(self) -> str:
        """As a settings file for the git program: these, and nothing else."""
        version = 1 if self.objectformat != "sha1" or self.refstorage != "files" else 0
        said = f"[core]\n\trepositoryformatversion = {version}\n\tbare = false\n"
        for key in _CORE:
            value = self.excludes if key == "excludesfile" else getattr(self, key)
            written = str(value).lower() if isinstance(value, bool) else _quoted(value)
            said += f"\t{key} = {written}\n" if value != "" else ""
        if version:
            said += f"[extensions]\n\tobjectformat = {self.objectformat}\n"
        return said


def choices(place: Place, home: Mapping[str, str]) -> Choices:
    """Those of `place`, for a user whose HOME and XDG_CONFIG_HOME are in `home`. A repository's own settings are read
    without what they include. Raises GitFault."""
    found: dict[str, str] = {}
    own = os.path.join(place.common, "config")
    for path in (*_of_user(home), own):
        _take(found, path, own=path == own)
    if found.get("worktreeconfig", "false") in _TRUE:
        _take(found, os.path.join(place.folder, "config.worktree"), own=True)
    excludes = found.get("excludesfile") or os.path.join(_xdg(home), "git", "ignore")
    values = {key: found[key] in _TRUE for key in _BOOLS if key in found}
    return Choices(
        autocrlf=_of(found.get("autocrlf", "false"), ("true", "input")),
        eol=_of(found.get("eol", "native"), ("lf", "crlf"), "native"),
        excludes=_expanded(excludes, home),
        name=found.get("name", ""),
        email=found.get("email", ""),
        objectformat=_of(found.get("objectformat", "sha1"), ("sha256",), "sha1"),
        refstorage=_of(found.get("refstorage", "files"), ("reftable",), "files"),
        **values,
    )


def _take(found: dict[str, str], path: str, *, own: bool) -> None:
    text = read(path, LARGEST_CONFIG)
    if text is None:
        return
    try:
        if own:
            config = ConfigFile.from_file(BytesIO(text.encode()), expand_includes=False)
        else:
            config = ConfigFile.from_path(path)
    except (ValueError, OSError, RecursionError) as error:
        raise GitFault(f"{path} can't be read: {error}.") from None
    if own:
        _check_version(config, path)
    for section, names in (("core", _CORE), ("user", ("name", "email")), ("extensions", _EXTENSIONS)):
        for name in _known(config, section, names):
            value = config.get((section.encode(),), name.encode())
            said = (value if isinstance(value, bytes) else b"true").decode("utf-8", "replace")
            found[name] = said.lower() if section == "extensions" or name in _BOOLS else said


def _check_version(config: ConfigFile, path: str) -> None:
    """What is kept in a way that is not known here must not be read as if it were. Raises GitFault."""
    version = b"0"
    with suppress(KeyError):
        version = config.get((b"core",), b"repositoryformatversion").strip()
    if version not in (b"0", b"1"):
        told = version.decode("utf-8", "replace")
        raise GitFault(f"The repository has the format {told}, which is not known here ({path}).")
    if version == b"1" and config.has_section((b"extensions",)):
        for name in [name.decode("utf-8", "replace").lower() for name, _ in config.items((b"extensions",))]:
            if name not in (*_EXTENSIONS, *_HARMLESS):
                raise GitFault(f"The repository has the extension {name}, which is not known here ({path}).")


def _known(config: ConfigFile, section: str, names: Iterable[str]) -> Iterable[str]:
    if not config.has_section((section.encode(),)):
        return ()
    there = {name.lower() for name, _ in config.items((section.encode(),))}
    return [name for name in names if name.encode() in there]


def _of_user(home: Mapping[str, str]) -> tuple[str, ...]:
    return (os.path.join(_xdg(home), "git", "config"), os.path.join(home.get("HOME", ""), ".gitconfig"))


def _xdg(home: Mapping[str, str]) -> str:
    return home.get("XDG_CONFIG_HOME") or os.path.join(home.get("HOME", ""), ".config")


def _expanded(path: str, home: Mapping[str, str]) -> str:
    return os.path.join(home.get("HOME", ""), path[2:]) if path.startswith("~/") else path


def _of(value: str, known: Iterable[str], default: str = "false") -> str:
    value = value.lower()
    if value in _TRUE and "true" in known:
        return "true"
    return value if value in known else default


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
