"""A command in a fork by an overlay, confined by bubblewrap, finds the fork where the workspace is, and no way out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pillion import Home, Workspace
from pillion.testing.kit import kernel_host
from pillion_checkpoints.plugin import Config as CheckpointsConfig
from pillion_checkpoints.plugin import Plugin as Checkpoints
from pillion_forks.plugin import Config, Plugin
from pillion_terminal.plugin import Config as TerminalConfig
from pillion_terminal.plugin import Plugin as Terminal

from ...required import missing, required


@pytest.fixture(scope="module", autouse=True)
def _overlays_and_bubblewrap() -> None:
    bwrap = required("bwrap", hint="apt-get install bubblewrap")
    for program, *argv in (("unshare", "-Urm", "true"), (bwrap, "--unshare-user", "--ro-bind", "/", "/", "true")):
        tried = subprocess.run([program, *argv], capture_output=True, text=True, timeout=30, check=False)
        if tried.returncode:
            missing("bwrap", f"{program}: {tried.stderr.strip()}: user namespaces have to be allowed")


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("at", ["work", "home/of/work"])
async def test_a_command_works_in_the_fork_and_nowhere_else(tmp_path: Path, at: str) -> None:
    folder, data = tmp_path / at, tmp_path / "data"
    for place in (folder / ".husky", data):
        place.mkdir(parents=True)
    (folder / "a b.txt").write_text("one\n")
    (folder / ".husky" / "pre-push").write_text("true\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    plugins = {
        "checkpoints": Checkpoints(CheckpointsConfig(), Home("checkpoints", data)),
        "forks": Plugin(Config(way="overlay"), Home("forks", data)),
        "terminal": Terminal(TerminalConfig(sandbox="required")),
    }
    async with kernel_host(data, plugins=plugins) as host:
        host.folder = folder
        await host.open()
        forks, confinement = host.kernel.catalog.forks(), host.kernel.catalog.confinement()
        assert forks is not None and confinement is not None and confinement.confines
        fork = await forks.make(str(folder))
        workspace = host.kernel.catalog.workspace(fork.address)
        root = workspace.root

        async def shell(line: str) -> str:
            argv = confinement.wrap(["sh", "-c", line], workspace=workspace, folder=root)
            return (await host.kernel.processes.run(argv, cwd=root, seconds=60)).output

        assert await shell("echo two > 'a b.txt'; cat 'a b.txt'") == "two\n"
        assert await shell(f"cat '{folder}/a b.txt'; echo three > '{folder}/new'; cat new") == "two\nthree\n"
        assert await shell("git log --format=%s && git status --short") == 'first\n M "a b.txt"\n?? new\n'
        for escape in (
            "mkdir -p .git/hooks",
            f"mkdir -p {folder}/.git/hooks",
            "echo x > .husky/pre-commit",
            f"echo x > {folder}/.husky/pre-commit",
            "umount .",
            f"umount {folder}",
            "echo x > ../objects/x",
            f"ls {data}/plugins/checkpoints",
        ):
            assert await shell(f"({escape}) >/dev/null 2>&1 || echo refused") == "refused\n", escape
        await shell(f"echo x > {folder}/../beside")  # in an empty place that is there for this command alone
        assert (root / "a b.txt").read_text() == "two\n" and not (root / ".git/hooks").exists()
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert not (folder / ".." / "beside").exists()


@pytest.mark.parametrize("git_is_open", [False, True])
async def test_a_copy_has_the_history_of_an_origin_that_is_hidden(tmp_path: Path, git_is_open: bool) -> None:
    """As in a home: the copy's repository borrows from a place of which the sandbox shows nothing else."""
    lent, folder, data = tmp_path / "lent", tmp_path / "work", tmp_path / "data"
    for place in (lent, data):
        place.mkdir()
    git(lent, "init", "-q")
    (lent / "a.txt").write_text("one\n")
    git(lent, "add", "-A")
    git(lent, "commit", "-q", "-m", "lent")
    git(tmp_path, "clone", "-q", "--shared", str(lent), str(folder))
    git(folder, "commit", "-q", "-m", "own", "--allow-empty")
    plugins = {
        "checkpoints": Checkpoints(CheckpointsConfig(), Home("checkpoints", data)),
        "forks": Plugin(Config(way="copy"), Home("forks", data)),
        "terminal": Terminal(TerminalConfig(sandbox="required", writable=[".git"] if git_is_open else [])),
    }
    async with kernel_host(data, plugins=plugins, trust__folders=[str(folder)]) as host:
        host.folder = folder
        await host.open()
        forks, confinement = host.kernel.catalog.forks(), host.kernel.catalog.confinement()
        assert forks is not None and confinement is not None
        first = await forks.make(str(folder))
        for address in (str(folder), first.address, (await forks.make(first.address)).address):
            workspace = host.kernel.catalog.workspace(address)

            async def shell(line: str, workspace: Workspace = workspace) -> str:
                argv = confinement.wrap(["sh", "-c", line], workspace=workspace, folder=workspace.root)
                return (await host.kernel.processes.run(argv, cwd=workspace.root, seconds=60)).output

            assert await shell("git log --format=%s && git show --format= --name-only HEAD~") == "own\nlent\na.txt\n"
            assert await shell(f"ls {lent} {lent}/.git") == f"{lent}:\n\n{lent}/.git:\nobjects\n"
            for escape in (f"echo x > {lent}/.git/objects/x", "echo /etc > .git/objects/info/alternates"):
                assert await shell(f"({escape}) >/dev/null 2>&1 || echo refused") == "refused\n", escape
            made = await shell("git -c user.name=a -c user.email=a@b commit -q --allow-empty -m more 2>&1")
            assert (made == "") is git_is_open, made
