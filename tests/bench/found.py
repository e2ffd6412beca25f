"""`python tests/bench/found.py`: how well map and search find what a commit changed; one table for all histories.

Of each history the tree as it was `--back` commits ago, and the commits since then that changed two to fifteen of its
source files. Given one of them: the share of the others in the map of so many tokens, among the ten that were committed
with it most, and among the first ten of the important files. Given the commit's subject: the share of its files among
the first ten, by words, by meaning (with `--meaning`: vectors take a tenth of a second of a core a piece) and by all
that counts; and given both. Beside each two baselines that take as many files: by name, and those that were changed
last.

Histories: this repository's own, those of `--history FOLDER`, and a generated one, whose commits change a function and
some of its callers, which is what a map is made for. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import trio
from msgspec import Struct

from pillion import LocalWorkspace, ToolError
from pillion.kernel import Kernel, open_kernel
from pillion.settings import load
from pillion_index import churn, searches
from pillion_index.churn import TogetherRanker
from pillion_index.plugin import Plugin
from pillion_index.searches import Asked, Searches
from pillion_repomap.maps import Wanted
from pillion_repomap.plugin import Plugin as MapPlugin
from pillion_repomap.tool import quarter

ROOT = Path(__file__).parents[2]
BUDGETS = (1000, 2000, 4000)
FIRST = 10
PROSE = frozenset(["markdown", "toml", "json", "yaml", "html", "css"])
"""Languages whose files no map shows."""
BASELINES = ("by name", "changed last")
VERBS = ("light", "trim", "sell", "count", "walk", "mend", "carry", "paint", "wash", "store")
NOUNS = ("lamp", "wick", "street", "shop", "till", "coin", "road", "glow", "house", "money", "lantern", "ladder")
AS_ANN = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")


class Change(Struct, frozen=True):
    """A commit: its subject, and the source files that it changed and that were there."""

    subject: str
    files: tuple[str, ...]


class Tree(Struct, frozen=True):
    """A history's tree as it was: its source files by name, and those that had been changed last, the newest first."""

    workspace: LocalWorkspace
    names: Sequence[str]
    recent: Sequence[str]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout


def generate(folder: Path, files: int = 300, commits: int = 120) -> None:
    """A history in which each file defines four functions and calls six of others. A commit changes one function, and
    one to four of the files that call it."""
    chance = random.Random(1)
    names = [f"{chance.choice(VERBS)}_{chance.choice(NOUNS)}_{number}" for number in range(files * 4)]
    users: dict[int, list[int]] = defaultdict(list)
    for user in range(files):
        for name in chance.sample(range(len(names)), 6):
            users[name].append(user)
    places = [f"{NOUNS[number % len(NOUNS)]}/{VERBS[number % len(VERBS)]}{number}.py" for number in range(files)]
    for number, place in enumerate(places):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        own = [f"def {name}(value):\n    return value\n\n\n" for name in names[number * 4 : number * 4 + 4]]
        calls = [f"    {names[name]}(1)\n" for name, some in users.items() if number in some]
        (folder / place).write_text("".join(own) + "def main():\n" + "".join(calls))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, *AS_ANN, "commit", "-qm", "All of it")
    used = [name for name, some in users.items() if some]
    for number in range(commits):
        name = chance.choice(used)
        for place in {places[name // 4], *(places[user] for user in users[name][: chance.randint(1, 4)])}:
            with open(folder / place, "a") as file:
                file.write(f"# {number}\n")
        words = names[name].rpartition("_")[0].replace("_", " ")
        git(folder, *AS_ANN, "commit", "-qam", f"Change how to {words} in all that do")


def taken(history: Path, work: Path, back: int) -> list[tuple[str, list[str]]]:
    """The tree of `back` commits ago, with its history; and the commits since."""
    back = min(back, int(git(history, "rev-list", "--count", "HEAD")) // 2)
    git(history, "clone", "-q", "--no-checkout", str(history), str(work))
    git(work, "checkout", "-q", "--detach", f"HEAD~{back}")
    log = git(history, "log", "--no-merges", "--name-only", "--format=%x01%s", f"HEAD~{back}..HEAD")
    parts = [entry.strip().split("\n") for entry in log.split("\x01") if entry.strip()]
    return [(subject, [path for path in paths if path]) for subject, *paths in parts]


async def measured(history: Path, back: int, by: Sequence[str]) -> tuple[int, dict[str, float]]:
    """How many commits, and the mean share of each figure."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch, "work")
        commits = await trio.to_thread.run_sync(taken, history, work, back)
        settings = load(
            data_dir=Path(scratch, "data"),
            flags={"plugins.web.enabled": False, "plugins.minilm.enabled": "meaning" in by},
        )
        async with open_kernel(settings) as kernel:
            tree = await looked_at(kernel, work, by)
            changes = [
                Change(subject, tuple(path for path in paths if path in tree.names)) for subject, paths in commits
            ]
            found: dict[str, list[float]] = defaultdict(list)
            changes = [change for change in changes if 2 <= len(change.files) <= 15]
            for change in changes:
                await mapped(found, kernel, tree, change)
                await together(found, kernel, tree, change)
                await searched(found, kernel, tree, change, by)
    return len(changes), {name: mean(shares) for name, shares in found.items()}


async def looked_at(kernel: Kernel, work: Path, by: Sequence[str]) -> Tree:
    workspace, own = LocalWorkspace(work), searches_of(kernel)
    table = await own.table(workspace)
    known = {path for path in table.hashes if (file := table.file(path)) and file.language not in PROSE}
    log = await trio.to_thread.run_sync(git, work, "log", "--name-only", "--format=", "-n", "400")
    recent = [path for path in dict.fromkeys(log.split("\n")) if path in known]
    await own.find(workspace, Asked("x", by="all"))  # git's statistics are counted
    embedder = own.embedder()
    if "meaning" in by and embedder is not None:
        await own.embedding.settled(embedder, workspace)
    return Tree(workspace, sorted(known), recent)


async def mapped(found: dict[str, list[float]], kernel: Kernel, tree: Tree, change: Change) -> None:
    maps = next(one for one in kernel.host.plugins().values() if isinstance(one, MapPlugin)).maps
    given, others = change.files[0], set(change.files[1:])
    for budget in BUDGETS:
        try:
            shown = (await maps.make(tree.workspace, Wanted((given,)), budget, quarter)).shown
        except ToolError:
            shown = ()
        for name, paths in (("", shown), *beside(tree)):
            some = [path for path in paths if path != given][: len(shown)]
            note(found, f"map of {budget} tokens, given a file", name, len(others & set(some)) / len(others))


async def together(found: dict[str, list[float]], kernel: Kernel, tree: Tree, change: Change) -> None:
    given, others = change.files[0], set(change.files[1:])
    with_it = await TogetherRanker(kernel).rank(tree.workspace, (given,), "")
    paths = [path for path in sorted(with_it, key=lambda path: -with_it[path][0]) if path in tree.names]
    for name, some in (("", paths), *beside(tree)):
        best = [path for path in some if path != given][:FIRST]
        note(found, f"first {FIRST} committed together, given a file", name, len(others & set(best)) / len(others))


async def searched(
    found: dict[str, list[float]], kernel: Kernel, tree: Tree, change: Change, by: Sequence[str]
) -> None:
    own, given = searches_of(kernel), change.files[0]
    asked = [(f"first {FIRST} by {way}, given the subject", Asked(change.subject, by=way), ()) for way in by]
    asked.append((f"first {FIRST} by all, given a file", Asked("", FIRST + 1, "all", (given,)), (given,)))
    asked.append((f"first {FIRST} by all, given both", Asked(change.subject, FIRST + 1, "all", (given,)), (given,)))
    for title, question, left_out in asked:
        paths = [one.path for one in await own.find(tree.workspace, question) if one.path in tree.names]
        wanted = set(change.files) - set(left_out)
        for name, some in (("", paths), *beside(tree)):
            best = [path for path in some if path not in left_out][:FIRST]
            note(found, title, name, len(wanted & set(best)) / len(wanted))


def beside(tree: Tree) -> list[tuple[str, Sequence[str]]]:
    return list(zip(BASELINES, (tree.names, tree.recent), strict=True))


def note(found: dict[str, list[float]], title: str, name: str, share: float) -> None:
    found[f"{title}|{name}"].append(share)


def searches_of(kernel: Kernel) -> Searches:
    return next(one for one in kernel.host.plugins().values() if isinstance(one, Plugin)).searches


def shown(histories: Sequence[tuple[str, int, dict[str, float]]]) -> str:
    heads = [f"{name}, {count} commits" for name, count, _ in histories]
    lines = ["| | " + " | ".join(f"{head} | {' | '.join(BASELINES)}" for head in heads) + " |"]
    lines.append("|---|" + "---:|" * len(histories) * (1 + len(BASELINES)))
    for title in dict.fromkeys(key.partition("|")[0] for _, _, found in histories for key in found):
        cells = [f"{found.get(f'{title}|{name}', 0):.0%}" for _, _, found in histories for name in ("", *BASELINES)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--back", type=int, default=150)
    options.add_argument("--history", type=Path, nargs="*", default=[])
    options.add_argument("--meaning", action="store_true")
    given = options.parse_args()
    if not shutil.which("git"):
        raise SystemExit("There is no git.")
    searches.SECONDS = churn.SECONDS = 600.0  # how busy the machine is changes nothing
    by = ("words", "meaning", "all") if given.meaning else ("words", "all")
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "generated")
        generate(made)
        places = {"own": ROOT, "generated": made} | {folder.name: folder.resolve() for folder in given.history}
        rows = [(name, *trio.run(measured, folder, given.back, by)) for name, folder in places.items()]
    print(shown(rows))


if __name__ == "__main__":
    main()
