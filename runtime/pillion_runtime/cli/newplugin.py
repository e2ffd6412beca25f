"""Writes a complete distribution with one plugin, from the texts in `scaffold`."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from string import Template

import click

from pillion.loading import GROUP

LONGEST = 40
"""Characters of a name."""
NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "plugins.toml": "plugins.toml.txt",
    ".gitignore": "gitignore.txt",
    "$package/__init__.py": "package/__init__.py.txt",
    "$package/tool.py": "package/tool.py.txt",
    "$package/plugin.py": "package/plugin.py.txt",
    "tests/test_plugin.py": "tests/test_plugin.py.txt",
}
"""The files of a distribution, and the texts that they are made of."""


def names(name: str, listed: set[str]) -> dict[str, str]:
    """What the texts call things. Raises UsageError for a name that can't be one, or that is taken: by a plugin that
    the settings list, by an installed one, or by a package."""
    plugin = name.replace("-", "_")
    package = f"pillion_{plugin}"
    if not NAME.fullmatch(name) or len(name) > LONGEST or keyword.iskeyword(plugin) or keyword.issoftkeyword(plugin):
        said = f"small letters and digits, - or _ between them, {LONGEST} at most, and no word of Python's"
        raise click.UsageError(f"{name!r} can't be a plugin's name: {said}.")
    if plugin in listed | metadata.entry_points(group=GROUP).names:
        raise click.UsageError(f"There is a plugin {plugin!r} already; take another name.")
    if importlib.util.find_spec(package) is not None:
        raise click.UsageError(f"There is a package {package!r} already; take another name.")
    return {
        "plugin": plugin,
        "package": package,
        "distribution": f"pillion-{plugin.replace('_', '-')}",
        "tool": "count_words",
    }


def write(folder: Path, given: Mapping[str, str]) -> list[str]:
    """Makes the files; their paths in `folder`. Raises UsageError where something is in the way."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise click.UsageError(f"{folder} exists and is not empty; name another one with --dir.")
    texts = resources.files("pillion_runtime") / "scaffold"
    written = []
    try:
        for path, text in FILES.items():
            file = folder / Template(path).substitute(given)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template((texts / text).read_text("utf-8")).substitute(given), "utf-8")
            written.append(str(file.relative_to(folder)))
    except OSError as error:
        raise click.UsageError(f"{folder} can't be written: {error.strerror}.") from None
    return written
