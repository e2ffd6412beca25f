"""`python -m tests.plugins.edit.corpus`: edits from the histories of real, released and generated files, drifted.

Each file that a commit changed is written as an edit in the five formats, and drifted. The commit's own after-image
must come of it, or a refusal where a rule, which looks at the file and the edit alone, says that nobody could tell.
Prints what was applied, what refused, and what was applied wrongly, and ends with 1 where there is any of that.
Further repositories may be named; the packages' releases come by pip, and are left out, which is said, where it
reaches none.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import trio

from pillion.contracts.workspace import Content
from pillion.errors import NoSuchFile, ToolError
from pillion_edit.hunk import FileEdit
from pillion_edit.planning import planned
from pillion_edit.refusals import Refused

from .drifts import DRIFTS, Case
from .histories import OWN, generated, released, revisions
from .pairs import Pair, paired
from .wholes import WHOLES
from .written import HUNKS, ORDERED, PATH, whole

SEED = 7
RELEASES = {
    "click": ("8.1.3", "8.1.4", "8.1.5", "8.1.6", "8.1.7", "8.1.8", "8.2.0", "8.2.1"),
    "flask": ("2.2.5", "2.3.0", "2.3.1", "2.3.2", "2.3.3", "3.0.0", "3.0.3", "3.1.0"),
    "jinja2": ("3.0.3", "3.1.0", "3.1.1", "3.1.2", "3.1.3", "3.1.4", "3.1.5", "3.1.6"),
    "requests": ("2.28.2", "2.29.0", "2.30.0", "2.31.0", "2.32.0", "2.32.3"),
    "attrs": ("22.2.0", "23.1.0", "23.2.0", "24.1.0", "24.2.0"),
}
VERDICTS = ("right", "refused", "lost", "wrong")
"""Applied as wanted; refused, as it must be; refused, and could have been applied; applied otherwise than wanted."""


class Held:
    """A workspace of one file, held in memory: what the edits are worked out of."""

    root = Path("/nowhere")

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, path: str, limit: int = 0) -> Content:
        if path != PATH:
            raise NoSuchFile(f"There is no {path}.")
        return Content(self._data, "")


class Tally:
    """What came of the edits of one source."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: Counter[tuple[str, str, str]] = Counter()
        """By drift, format and verdict."""
        self.wrong: list[str] = []

    def note(self, drift: str, format: str, said: str, pair: Pair) -> None:
        self.found[drift, format, said] += 1
        if said == "wrong":
            first = sum(map(len, pair.gaps[:1])) + 1
            self.wrong.append(f"{drift} as {format} in {pair.path} of {self.name}, first change at line {first}")

    def count(self, *verdicts: str) -> int:
        return sum(count for (_, _, said), count in self.found.items() if said in verdicts or not verdicts)

    def row(self, name: str, drift: str = "", format: str = "") -> str:
        """Of those of one drift, or of one format, or of all."""
        some: Counter[str] = Counter()
        for (one, written, said), count in self.found.items():
            if drift in ("", one) and format in ("", written):
                some[said] += count
        return f"{name:24}" + "".join(f"{some[said]:>9}" for said in VERDICTS)

    def table(self) -> str:
        drifts, formats = (list(dict.fromkeys(key[at] for key in self.found)) for at in (0, 1))
        rows = [f"{self.name:24}" + "".join(f"{said:>9}" for said in VERDICTS)]
        rows += [self.row(f"  {drift}", drift=drift) for drift in drifts]
        rows += [self.row(f"  as {format}", format=format) for format in formats]
        total = self.count() or 1
        share = f"{self.count('right') / total:.1%} applied, {self.count('refused', 'lost') / total:.1%} refused"
        return "\n".join([*rows, f"{self.row('  all')}   of {self.count()}: {share}, {self.count('wrong')} wrong"])

    def __add__(self, other: Tally) -> Tally:
        both = Tally("all sources")
        both.found, both.wrong = self.found + other.found, self.wrong + other.wrong
        return both


async def verdict(edits: Sequence[FileEdit], before: bytes, wanted: bytes | None) -> str:
    """One of VERDICTS. `wanted` None: it must be refused."""
    try:
        (change,) = await planned(edits, Held(before))  # type: ignore[arg-type]
    except Refused as refused:
        already = refused.why == "already" and wanted == before
        return "right" if already else "refused" if wanted is None else "lost"
    except ToolError:
        return "refused" if wanted is None else "lost"
    return "right" if wanted is not None and change.after == wanted else "wrong"


def data_of(case: Case, lines: Sequence[str]) -> bytes:
    return case.mark + "".join(line + case.newline for line in lines).encode("utf-8", "surrogateescape")


async def judge(tally: Tally, pair: Pair, chance: random.Random) -> None:
    """The pair in all drifts and formats."""
    for drift in DRIFTS:
        if (case := drift(pair, chance)) is None:
            continue
        before = data_of(case, case.file)
        for format, write in HUNKS.items():
            refused = case.wanted is None or case.is_ambiguous(format in ORDERED)
            if (edits := write(case.hunks)) is not None:
                wanted = None if refused else data_of(case, case.wanted or ())
                tally.note(drift.__name__, format, await verdict(edits, before, wanted), pair)
    for written in WHOLES:
        if (one := written(pair, chance)) is not None:
            wanted = None if one.case.wanted is None else data_of(one.case, one.case.wanted)
            said = await verdict(whole(one.said, one.around), data_of(one.case, one.case.file), wanted)
            tally.note(written.__name__, "whole", said, pair)


def pairs(repository: Path, count: int, chance: random.Random) -> Iterator[Pair]:
    """The first `count` of its history; fewer where there are no more."""
    return islice(filter(None, (paired(one, chance) for one in revisions(repository))), count)


async def tallied(name: str, repository: Path, count: int) -> Tally:
    chance, tally = random.Random(SEED), Tally(name)
    for pair in pairs(repository, count, chance):
        await judge(tally, pair, chance)
    return tally


def sources(folder: Path, given: Iterable[Path], offline: bool) -> Iterator[tuple[str, Path]]:
    """By name, the repositories."""
    yield "the project's history", OWN
    yield "a generated history", generated(folder / "generated", random.Random(SEED), 200)
    yield from ((str(one), one) for one in given)
    for package, versions in RELEASES.items() if not offline else ():
        try:
            yield f"releases of {package}", released(folder, package, versions)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"The releases of {package} are left out: {error}")


async def main(given: Sequence[Path], count: int, offline: bool) -> int:
    total = Tally("")
    with tempfile.TemporaryDirectory() as folder:
        for name, repository in sources(Path(folder), given, offline):
            tally = await tallied(name, repository, count)
            total += tally
            print("\n".join([tally.table(), *tally.wrong]), flush=True)
    print(total.table())
    return 1 if total.wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path, nargs="*", help="further git repositories")
    parser.add_argument("--pairs", type=int, default=150, help="changed files that are taken of each source")
    parser.add_argument("--offline", action="store_true", help="no releases")
    options = parser.parse_args()
    sys.exit(trio.run(main, options.repository, options.pairs, options.offline))
