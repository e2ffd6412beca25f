"""What a command gets to see in bubblewrap's sandbox: the workspace to write, the rest to read, no network, no home."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import trio
from msgspec import Struct

from pillion import Workspace, mountview
from pillion.contracts.workspace import lenders_of
from pillion.errors import ProtectedPath, ToolError
from pillion.processes import Processes
from pillion.protection import Guard, Protection
from pillion.settings import Settings

from .gitfolder import visible_git

Mode = Literal["off", "auto", "required"]

PROGRAM = "bwrap"
FORMS = (("--unshare-user", "--disable-userns"), ("--unshare-user",), ())
"""A user namespace of its own that can have no further ones; an old bubblewrap can't forbid them, and root may have to
do without."""
TRY = 4.0
"""Seconds for one attempt to start it."""
SECRET = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/krb5.keytab",
    "/etc/ssl/private", "/etc/letsencrypt", "/etc/wireguard", "/etc/kubernetes",
    "/etc/NetworkManager/system-connections", "/var/lib/docker", "/var/lib/containerd", "/var/lib/lxd", "/var/snap/lxd",
    "/var/lib/kubelet", "/var/lib/postgresql", "/var/lib/mysql", "/var/spool/cron", "/var/backups",
)  # fmt: skip
"""What root could read, or reach a socket in; only where it is there and can be read."""
EMPTY = ("/tmp", "/var/tmp", "/run", "/home", "/root")
"""A private one instead: sockets, keys, other people's files."""
PROC = ("/proc/sys", "/proc/sysrq-trigger")
"""The kernel's switches: root may write them even without any capability."""
TOOLCHAINS = ("VIRTUAL_ENV", "PYENV_ROOT", "NVM_DIR", "CARGO_HOME", "RUSTUP_HOME", "GOPATH", "JAVA_HOME")
IN_HOME = (
    ".pyenv", ".nvm", ".cargo", ".rustup", "go/pkg", ".local/bin", ".local/lib", ".local/share/uv", ".local/share/mise",
    ".asdf", ".rbenv", ".sdkman/candidates", ".volta", ".deno/bin", ".bun/bin",
)  # fmt: skip
"""Where programs and libraries of the user stand."""
KEYS_OF_TOOLS = ("credentials", "credentials.toml")
"""Files in a toolchain's folder that are empty inside."""
SYSTEM = ("/run/current-system", "/run/opengl-driver")
"""Below what is hidden, and needed: programs and libraries of some systems."""
RESOLVING = ("/run/systemd/resolve", "/run/resolvconf")
"""Where resolv.conf leads to."""
LOOKED_AT = 2_000
"""Names at the top of a workspace that are looked at for keys."""


class State(Struct, frozen=True):
    """`program`: where bubblewrap is, "" for nowhere. `form`: of FORMS. `why` it can't be used, "" where it can."""

    program: str = ""
    form: tuple[str, ...] = FORMS[0]
    why: str = ""


class Sandbox:
    """`network`: may it be used? `writable` and `readable`: further places, `~/` or relative to the workspace."""

    def __init__(self, mode: Mode, network: bool, writable: Sequence[str], readable: Sequence[str]) -> None:
        self.mode, self.network = mode, network
        self._writable, self._readable = writable, readable
        program = shutil.which(PROGRAM) if mode != "off" else None
        self._state = State(program) if program else State(why="bubblewrap (bwrap) is not installed")
        self._environment: Mapping[str, str] = {}
        self._homes = _homes({})
        self._same: Sequence[str] = []
        self._protection: Protection | None = None

    async def prepare(self, processes: Processes, settings: Settings) -> None:
        """Finds out whether it can really be used here, and what these settings say is to be hidden."""
        self._environment = settings.environment.pick(settings.execution.environment)
        self._protection = Protection.of(settings)
        self._homes, self._same = _homes(self._environment), []
        if self.mode == "off" or not self._state.program:
            return
        said = ""
        for form in FORMS:
            argv = [self._state.program, *form, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/"]
            argv += ["--dev", "/dev", "--proc", "/proc", "--", "true"]
            with trio.move_on_after(2 * TRY):
                ended = await processes.run(argv, cwd=Path("/"), seconds=TRY)
                if ended.code == 0:
                    self._state = State(self._state.program, form)
                    return
                said = ended.output.strip()[:200]
        self._state = State(self._state.program, why=f"bubblewrap can't make one here: {said or 'it does not end'}")

    @property
    def why_not(self) -> str:
        """Why commands run without one, or not at all; "" where they run in it."""
        return "the setting `sandbox` is off" if self.mode == "off" else self._state.why

    @property
    def confines(self) -> bool:
        """Do commands run in it, without network and with nothing to write but the workspace?"""
        return not self.why_not and not self.network and not self._writable

    def health(self) -> str:
        """A sentence where it is not as the settings ask."""
        if self.mode == "off" or not self._state.why:
            return ""
        then = "no command runs" if self.mode == "required" else "commands run without one"
        return f"There is no sandbox: {self._state.why}, so {then}. Install bubblewrap and allow user namespaces."

    def note(self) -> str:
        """What a person who is asked should know of where it runs; "" where no sandbox is set."""
        if self.mode == "off":
            return ""
        if why := self.why_not:
            return f"\n[Not in the sandbox: {why}]"
        return f"\n[In the sandbox: writes here alone, {'with' if self.network else 'without'} network]"

    def wrap(
        self, argv: Sequence[str], *, workspace: Workspace, folder: Path, writable: Sequence[Path] = ()
    ) -> Sequence[str]:
        """What is started instead. ToolError where there has to be a sandbox and there can be none."""
        if self.mode == "off" or (self.mode == "auto" and self._state.why):
            return argv
        if self._state.why:
            raise ToolError(
                f"Commands may run only in a sandbox, and there is none: {self._state.why}. A person can install "
                'bubblewrap, or set sandbox = "auto" or "off" in [plugins.terminal].'
            )
        view = Path(mountview.realpath(workspace.root))
        root, folder = mountview.inside(view), mountview.inside(folder)
        if any(home == root or home.is_relative_to(root) for home in self._homes):
            raise ToolError(
                f"{root} holds a home folder, so no sandbox can hide it. Open a folder of it, or, as the person whose "
                'machine it is, set sandbox = "off" in [plugins.terminal].'
            )
        given = [part for place in writable for part in ("--bind", str(place), str(place))]
        return [*self._argv(view, lenders_of(workspace)), *given, "--chdir", str(folder), "--", *argv]

    # ── the view from inside ──

    def _argv(self, view: Path, lenders: Sequence[str]) -> Iterator[str]:
        """`view` is the workspace as we see it; the arguments are read where it has its plain path."""
        yield from self._everywhere()
        root = mountview.inside(view)
        named = [*_interpreter(view / ".venv"), *_interpreter(view / "venv")]
        shown = [*self._hidden_of(named), *self._places(self._readable, root)]
        yield from (part for place in shown for part in ("--ro-bind-try", str(place), str(place)))
        further = [place for place in self._places(self._writable, root) if not place.is_relative_to(root)]
        yield from (part for place in further for part in ("--bind-try", str(place), str(place)))
        own = [place for place in self._own() if not (root == place or place.is_relative_to(root))]
        yield from (part for place in own for part in _hide(place))
        yield from self._whole(view, root, root, lenders)
        for one in mountview.mounted(view):  # where else it stands, and what it needs
            if one.same:
                yield from self._whole(view, root, one.place, lenders)
            else:
                yield from ("--ro-bind", str(one.place), str(one.place))
        for name, value in {"TMPDIR": "/tmp", "PILLION_SANDBOX": "bubblewrap"}.items():
            yield from ("--setenv", name, value)

    def _whole(self, view: Path, root: Path, place: Path, lenders: Sequence[str]) -> Iterator[str]:
        """The workspace, to be written, at `place`."""
        yield from ("--bind", str(place), str(place))
        yield from self._inside(view, root, place, lenders)

    def _everywhere(self) -> Sequence[str]:
        """What is the same in all workspaces; found out once."""
        if not self._same:
            parts = [self._state.program, *self._state.form, "--cap-drop", "ALL"]
            parts += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
            parts += [] if self.network else ["--unshare-net"]
            parts += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
            parts += [part for switch in PROC for part in ("--ro-bind-try", switch, switch)]
            hidden = _outermost([*_there(EMPTY), *self._homes])
            parts += [part for place in hidden for part in ("--tmpfs", str(place))]
            parts += [part for home in self._homes for part in ("--dir", str(home))]
            parts += [part for place in SECRET if os.access(place, os.R_OK) for part in _hide(Path(place))]
            shown = self._hidden_of(self._toolchains())
            shown += [Path(place) for place in (*SYSTEM, *(RESOLVING if self.network else ())) if os.path.exists(place)]
            for place in shown:
                parts += ["--ro-bind-try", str(place), str(place)]
                parts += [part for name in KEYS_OF_TOOLS for part in _hide(place / name)]
            self._same = parts
        return self._same

    def _inside(self, view: Path, root: Path, place: Path, lenders: Sequence[str]) -> Iterator[str]:
        """What of the workspace is not to be written, or not to be seen."""
        open_git = any(given == root / ".git" for given in self._places(self._writable, root))
        yield from visible_git(view, place, writable=open_git, lenders=lenders)
        for own in self._own():
            if own.is_relative_to(root) and own != root:
                yield from _hide(view / own.relative_to(root), place / own.relative_to(root))
        guard = Guard(self._protection, root) if self._protection is not None else None
        with os.scandir(view) as entries:
            names = [entry.name for entry, _ in zip(entries, range(LOOKED_AT), strict=False)]
        for name in sorted(names):
            if guard is None or name == ".git" or (view / name).is_symlink():
                continue
            if guard.hides(name):
                yield from _hide(view / name, place / name)
            elif _refused(guard, name):
                yield from ("--ro-bind", str(place / name), str(place / name))

    def _own(self) -> list[Path]:
        """The runtime's own settings, keys and data, as far as they are there."""
        found = [] if self._protection is None else self._protection.places
        return [place for given in found for place in _expanded(given)]

    def _toolchains(self) -> list[Path]:
        """Where programs and libraries are: by the variables, by PATH, and where they usually are."""
        go = Path(self._environment.get("GOPATH", "/"))
        named = [Path(value) for name in TOOLCHAINS if (value := self._environment.get(name, "")).startswith("/")]
        named = [place for each in named for place in ([each / "bin", each / "pkg"] if each == go else [each])]
        named += [home / name for home in self._homes for name in IN_HOME]
        for part in self._environment.get("PATH", os.defpath).split(os.pathsep):
            if part.startswith("/"):
                above = Path(part).parent
                named.append(above if os.path.isfile(above / "pyvenv.cfg") else Path(part))
        return [*named, *(place for venv in named for place in _interpreter(venv))]

    def _hidden_of(self, named: Sequence[Path]) -> list[Path]:
        """Those that lie in what is hidden, and in none of the others; never a home as a whole."""
        found = {each for given in named for each in (given, Path(os.path.realpath(given))) if os.path.exists(each)}
        covered = [*self._homes, *map(Path, EMPTY)]
        return [
            place
            for place in _outermost(list(found))
            if any(place != hidden and place.is_relative_to(hidden) for hidden in covered)
            and not any(home.is_relative_to(place) for home in self._homes)
        ]

    def _places(self, named: Sequence[str], root: Path) -> list[Path]:
        return [Path(os.path.normpath(root / Path(name).expanduser())) for name in named]


def _homes(environment: Mapping[str, str]) -> list[Path]:
    named = [environment.get("HOME", ""), str(Path.home())]
    with contextlib.suppress(KeyError):
        named.append(pwd.getpwuid(os.geteuid()).pw_dir)
    homes = {Path(os.path.realpath(name)) for name in named if name.startswith("/")}
    return sorted(home for home in homes if home != Path("/") and os.path.isdir(home))


def _refused(guard: Guard, name: str) -> bool:
    try:
        guard.check(name, "write")
    except ProtectedPath:
        return True
    return False


def _interpreter(venv: Path) -> list[Path]:
    """Where the Python of a virtual environment has its library."""
    try:
        lines = (venv / "pyvenv.cfg").read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = [line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == "home"]
    return [Path(place).parent for place in found if place.startswith("/") and Path(place).name == "bin"]


def _there(places: Sequence[str]) -> list[Path]:
    return [Path(place) for place in places if os.path.isdir(place) and not os.path.islink(place)]


def _outermost(places: Sequence[Path]) -> list[Path]:
    """Those that lie in none of the others."""
    return [
        place
        for place in sorted(set(places))
        if not any(place != other and place.is_relative_to(other) for other in places)
    ]


def _hide(place: Path, shown: Path | None = None) -> tuple[str, ...]:
    """An empty one instead; `shown`: it has that path inside."""
    try:
        mode = place.stat().st_mode
    except OSError:
        return ()
    at = str(shown or place)
    return ("--tmpfs", at) if stat.S_ISDIR(mode) else ("--ro-bind", "/dev/null", at)


def _expanded(place: Path) -> list[Path]:
    return sorted(place.parent.glob(place.name)) if place.name.endswith("*") else [place]
