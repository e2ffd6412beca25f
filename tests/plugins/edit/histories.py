"""Real before/after images of files: what each commit of a git repository changed, whoever made the repository.

Three kinds: the project's own history; a generated one, whose files are full of near repetitions; and one made of the
successive releases of a package, each release a commit (the changes of a release, therefore, not of one commit).
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

OWN = Path(__file__).parents[3]
SUFFIXES = (".py", ".md", ".toml", ".js", ".css", ".ts", ".html", ".rst", ".txt", ".c", ".h", ".go", ".yaml", ".sh")
LARGEST = 120_000
"""Bytes of a file that is taken."""
Files = Mapping[str, str]


class Revision(Struct, frozen=True):
    """One file before and after one commit."""

    commit: str
    path: str
    before: str
    after: str


def revisions(repository: Path) -> Iterator[Revision]:
    """Of all commits that are no merges, the oldest first, so that they stay the same; none where there is no history.
    Only files that were changed, are text, and end with a line feed."""
    commit = ""
    with _Blobs(repository) as blobs:
        for line in _git(repository, *LOG).decode("utf-8", "replace").splitlines():
            if not line.startswith(":"):
                commit = line or commit
                continue
            about, _, path = line.partition("\t")
            old, new = about.split(" ")[2:4]
            if path.endswith(SUFFIXES):
                before, after = blobs.read(old), blobs.read(new)
                if before is not None and after is not None and before != after:
                    yield Revision(commit, path, before, after)


LOG = ("log", "--reverse", "--no-merges", "--no-renames", "--diff-filter=M", "--raw", "--no-abbrev", "--format=%H")


def generated(folder: Path, chance: random.Random, commits: int) -> Path:
    """A repository of files that repeat themselves, each commit a change of some of them."""
    files = {f"src/{kind}{number}.{kind}": _written(kind, chance) for number in range(3) for kind in WRITERS}
    history = [dict(files)]
    for _ in range(commits):
        for path in chance.sample(sorted(files), chance.randint(1, 3)):
            files[path] = _changed(files[path], chance)
        history.append(dict(files))
    return imported(folder, history)


def released(folder: Path, package: str, versions: Iterable[str]) -> Path:
    """A repository of a package's releases, by pip. Raises CalledProcessError where one is not to be had."""
    history = []
    for version in versions:
        place = folder / "wheels" / f"{package}-{version}"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(place)]
        subprocess.run([*command, f"{package}=={version}"], check=True, capture_output=True, timeout=120)
        (wheel,) = place.glob("*.whl")
        with zipfile.ZipFile(wheel) as held:
            names = [name for name in held.namelist() if name.endswith(SUFFIXES) and ".dist-info/" not in name]
            history.append({name: held.read(name).decode("utf-8", "replace") for name in names})
    return imported(folder / package, history)


def imported(repository: Path, history: Sequence[Files]) -> Path:
    """A git repository whose commits are these."""
    repository.mkdir(parents=True)
    _git(repository, "init", "-q", "--bare")
    stream = bytearray()
    for number, files in enumerate(history):
        stream += b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % (1_700_000_000 + number)
        stream += b"data 1\n.\ndeleteall\n"
        for path, text in files.items():
            data = text.encode("utf-8", "surrogateescape")
            stream += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
    subprocess.run(
        ["git", "-C", str(repository), "fast-import", "--quiet"], input=bytes(stream), check=True, timeout=60
    )
    _git(repository, "symbolic-ref", "HEAD", "refs/heads/main")
    return repository


def _python(chance: random.Random, name: str) -> list[str]:
    return [
        f"def {name}(self, value):",
        f'    """{name.title()} of the lamp."""',
        "    if value is None:",
        "        return None",
        f"    result = self.{chance.choice(NAMES)}(value)",
        f"    for {chance.choice('ijk')} in range({chance.randint(1, 9)}):",
        f"        result += {chance.choice(NAMES)}",
        "    return result",
        "",
        "",
    ]


def _script(chance: random.Random, name: str) -> list[str]:
    return [
        f"function {name}(value) {{",
        "\tif (!value) {",
        "\t\treturn null;",
        "\t}",
        f"\tconst result = this.{chance.choice(NAMES)}(value);",
        f'\tconsole.log("{chance.choice(NAMES)}", result);',
        "\treturn result;",
        "}",
        "",
    ]


def _listed(chance: random.Random, name: str) -> list[str]:
    return [f"- name: {name}", f"  kind: {chance.choice(NAMES)}", "  retries: 3", "  steps:", "    - run: make", ""]


def _words(chance: random.Random, name: str) -> list[str]:
    lines = [" ".join(chance.choices(NAMES, k=9)).capitalize() + "." for _ in range(chance.randint(1, 4))]
    return [f"## {name}", "", *lines, "", "```", "make", "```", ""]


NAMES = ("light", "dark", "bright", "dim", "lamp", "street", "wire", "switch", "bulb", "glass", "amber", "shade")
WRITERS = {"py": _python, "js": _script, "yaml": _listed, "md": _words}


def _written(kind: str, chance: random.Random) -> str:
    parts = chance.randint(4, 30)
    names = [f"{chance.choice(NAMES)}_{chance.choice(NAMES)}" for _ in range(parts)]
    return "".join(f"{line}\n" for name in names for line in WRITERS[kind](chance, name))


def _changed(text: str, chance: random.Random) -> str:
    lines = text.split("\n")[:-1]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(max(1, len(lines) - 4))
        some = lines[at : at + chance.randint(1, 4)]
        match chance.choice(("take", "copy", "word", "deeper", "part")):
            case "take" if len(lines) > 30:
                del lines[at : at + len(some)]
            case "copy":
                lines[at:at] = [line.replace("a", "e", 1) + "  # new" if line.strip() else line for line in some]
            case "deeper":
                lines[at : at + len(some)] = ["if ready:", *(f"    {line}" if line.strip() else line for line in some)]
            case "part":
                lines[at:at] = _python(chance, chance.choice(NAMES))
            case _:
                lines[at] = lines[at].replace(chance.choice(NAMES), "changed", 1) + " changed"
    return "".join(f"{line}\n" for line in lines)


class _Blobs:
    """The contents of a repository's files, by one git process."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository

    def __enter__(self) -> _Blobs:
        command = ["git", "-C", str(self._repository), "cat-file", "--batch"]
        self._git = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        self._git.communicate()

    def read(self, name: str) -> str | None:
        """None for what is missing, too large, or no text that ends with a line feed."""
        assert self._git.stdin is not None and self._git.stdout is not None
        self._git.stdin.write(f"{name}\n".encode())
        self._git.stdin.flush()
        kind, *size = self._git.stdout.readline().split()[1:]
        if kind != b"blob":
            return None
        data = self._git.stdout.read(int(size[0]) + 1)[:-1]
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        return text if len(data) < LARGEST and text.endswith("\n") and "\r" not in text and "\0" not in text else None


def _git(repository: Path, *arguments: str) -> bytes:
    """What it prints; nothing where it fails, as without a history."""
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, timeout=60).stdout


def has_git() -> bool:
    return shutil.which("git") is not None
