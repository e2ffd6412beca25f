"""What lies in a workspace and is not touched: keys, hooks, and what the runtime keeps of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.contracts.workspace import Write
from pillion.errors import ProtectedPath
from pillion.events import FileEditWanted
from pillion.localworkspace import LocalWorkspace
from pillion.overlay import OverlaidWorkspace, Overlay, Overlays
from pillion.protection import PLAIN, Guard, Protected, Protection
from pillion.settings import load

READ = [
    ".ssh/config", "a/.ssh/id_rsa", ".env", "app/.env.production", "server.pem", "tls/Server.KEY", "id_ed25519",
    ".SSH/x", ".git/config", "sub/.GIT/Config", ".s\u200csh/config", ".aws", "./a/../.env", "\uff0eenv",
]  # fmt: skip
WRITTEN = [".git/hooks/pre-commit", ".husky/pre-push", "a/.githooks/x", ".hg/hgrc", ".GIT", "sub/.git/HEAD"]
FREE = [".env.example", "id_generator.py", "keys.py", "environment", "a.env.py", ".github/x.yml", "ssh/x", "id_rsa.pub"]


@pytest.fixture
def guard() -> Guard:
    return Guard(PLAIN, Path("/work"))


@pytest.mark.promise("files.protected")
@pytest.mark.parametrize("path", READ)
def test_keys_are_neither_read_nor_written(guard: Guard, path: str) -> None:
    assert guard.hides(path)
    for effect in ("read", "write"):
        with pytest.raises(ProtectedPath, match=r"protected\.read"):
            guard.check(path, effect)  # type: ignore[arg-type]  # one of the two


@pytest.mark.promise("files.protected")
@pytest.mark.parametrize("path", WRITTEN)
def test_what_makes_programs_run_is_read_and_not_written(guard: Guard, path: str) -> None:
    guard.check(path, "read")
    with pytest.raises(ProtectedPath, match=r"protected\.write|belongs to \.git"):
        guard.check(path, "write")


@pytest.mark.parametrize("path", FREE)
def test_what_only_looks_like_it_is_free(guard: Guard, path: str) -> None:
    guard.check(path, "write")


@pytest.mark.promise("files.protected")
async def test_links_lead_to_nothing_protected(tmp_path: Path) -> None:
    """By a link to it, by a link of that name, and for each way to read or write."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known").write_bytes(b"secret")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "hook").write_bytes(b"")
    (tmp_path / "innocent").symlink_to(".ssh")
    (tmp_path / ".husky").symlink_to("plain")
    workspace = LocalWorkspace(tmp_path)
    for path in ("innocent/known", ".ssh/known", f"{tmp_path}/innocent/known", "plain/../innocent/known"):
        with pytest.raises(ProtectedPath):
            await workspace.read(path)
        with pytest.raises(ProtectedPath):
            await workspace.write(path, b"mine")
        with pytest.raises(ProtectedPath):
            await workspace.write_all([Write("plain/new", b""), Write(path, None)])
    for path in ("innocent", ".ssh"):
        with pytest.raises(ProtectedPath):
            await workspace.list(path)
    with pytest.raises(ProtectedPath):
        await workspace.write(".husky/hook", b"mine")
    assert (tmp_path / ".ssh" / "known").read_bytes() == b"secret"
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == ["hook"]


@pytest.mark.promise("files.protected")
async def test_an_editors_text_of_it_is_not_read_either(tmp_path: Path) -> None:
    async def tell(event: object) -> None:
        assert not isinstance(event, FileEditWanted)

    overlays = Overlays(tell)
    await overlays.put(Overlay.of(".env", "KEY=1", None))
    workspace = OverlaidWorkspace(LocalWorkspace(tmp_path), overlays, tell)
    with pytest.raises(ProtectedPath):
        await workspace.read(".env")
    with pytest.raises(ProtectedPath):
        await workspace.write(".env", b"KEY=2")


@pytest.mark.promise("files.protected")
@pytest.mark.parametrize("root", ["home", "home/data", "home/config"])
async def test_the_runtimes_own_files_are_nobodys(tmp_path: Path, root: str) -> None:
    """Of its home, of its data directory, and of where its settings are: each may be a workspace."""
    for name in ("config/pillion/keys.json", "config/mine.toml", "data/server.json", "data/pillion.sqlite-wal"):
        (tmp_path / "home" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "home" / name).write_text("")
    home = tmp_path / "home"
    (home / "data" / "note.txt").write_text("")
    environ = {"XDG_CONFIG_HOME": str(home / "config")}
    settings = load(config=home / "config" / "mine.toml", data_dir=home / "data", environ=environ)
    workspace = LocalWorkspace(tmp_path / root, Protection.of(settings))
    free = "note.txt" if root == "home/data" else ""
    files = [path for path in (tmp_path / root).rglob("*") if path.is_file() and path.name != free]
    assert files
    for path in files:
        with pytest.raises(ProtectedPath, match="Pillion's own"):
            await workspace.read(str(path))
    if free:
        await workspace.write(free, b"what a person keeps there")


async def test_settings_say_what_is_protected(tmp_path: Path) -> None:
    workspace = LocalWorkspace(tmp_path, Protection(Protected(read=("*.secret", "!plain.secret"), write=("gen/",))))
    for path in (".env", "plain.secret", ".husky/x"):
        await workspace.write(path, b"")
    for path in ("a.secret", "gen/x.py"):
        with pytest.raises(ProtectedPath):
            await workspace.write(path, b"")
    with pytest.raises(ProtectedPath, match=r"\.git"):
        await LocalWorkspace(tmp_path, Protection(Protected((), ()))).write(".git/hooks/x", b"")
