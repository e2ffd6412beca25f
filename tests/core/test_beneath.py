"""Links swapped in while files are read and written: nothing leads out, neither with `openat2` nor without it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillion import beneath
from pillion.contracts.workspace import Write
from pillion.errors import PillionError
from pillion.localworkspace import LocalWorkspace

RACES = 10_000
"""Of a link with a file or folder, at least, in all tests of this file together."""
SECRET, INSIDE = b"not for you", b"inside"
SHARED = Path("/dev/shm")
"""In memory, where there is such a place: a write is synced, and a disk would take minutes."""


@pytest.fixture(params=["openat2", "walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "walk":
        monkeypatch.setattr(beneath, "can_openat2", lambda: False)
    elif not beneath.can_openat2():
        pytest.skip("this kernel has no openat2")
    return str(request.param)


@pytest.fixture
def ground(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace `root`, and `outside` with a file of the same name."""
    with contextlib.ExitStack() as stack:
        place = tmp_path
        if SHARED.is_dir():
            place = SHARED / f"pillion-{os.getpid()}-{tmp_path.name}"
            place.mkdir()
            stack.callback(lambda: subprocess.run(["rm", "-rf", str(place)], check=True))
        (place / "outside").mkdir()
        (place / "outside" / "secret").write_bytes(SECRET)
        (place / "root" / "in" / "door").mkdir(parents=True)
        (place / "root" / "in" / "door" / "secret").write_bytes(INSIDE)
        (place / "root" / "in" / "door" / "wall").symlink_to(place / "outside" / "secret")
        (place / "root" / "in" / "link").symlink_to(place / "outside")
        yield place


@contextlib.contextmanager
def swapping(folder: Path, one: str, other: str) -> Iterator[None]:
    """The two names change places all the time, by another process."""
    program = [sys.executable, str(Path(__file__).with_name("swapper.py")), one, other]
    with subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE) as swapper:
        try:
            assert swapper.stdout is not None and swapper.stdout.readline() == b"begun\n"
            yield
            assert swapper.poll() is None, "it swapped to the end"
        finally:
            swapper.kill()


def raced(times: int, work: Callable[[], object]) -> Counter[object]:
    """What came of it, each time: an answer, or the error that was raised."""
    found: Counter[object] = Counter()
    for _ in range(times):
        try:
            found[work()] += 1
        except PillionError as error:
            found[type(error)] += 1
    return found


def met(times: int, work: Callable[[], object]) -> Counter[object]:
    """As raced, and on until the swaps were met: a busy machine may let the other process wait."""
    found = raced(times, work)
    for _ in range(100):
        if 0 < len(answers(found)) < len(found):
            break
        found += raced(times, work)
    return found


def answers(found: Counter[object]) -> set[object]:
    """Without the errors."""
    return {one for one in found if not isinstance(one, type)}


PLACES = [("in", "door", "link"), ("in/door", "secret", "wall")]
"""Where, and which two names are swapped: a folder with a link to one outside; a file with a link to one outside."""


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize(("folder", "one", "other"), PLACES)
def test_a_link_swapped_in_meanwhile_shows_nothing(ground: Path, way: str, folder: str, one: str, other: str) -> None:
    workspace = LocalWorkspace(ground / "root")  # the threads of its public methods would cost most of the time
    with swapping(ground / "root" / folder, one, other):
        read = met(RACES // 8, lambda: workspace._read("in/door/secret", 100).data)
        stats = met(RACES // 32, lambda: (found := workspace._stat("in/door/secret")) and (found.kind, found.size))
        names = raced(RACES // 64, lambda: tuple(entry.path for entry in workspace._list("in/door")))
    assert answers(read) == {INSIDE} and len(read) > 1, "nothing else, and the swaps were met"
    assert ("file", len(SECRET)) not in stats and ("file", len(INSIDE)) in stats
    assert ("in/door/secret",) not in names, "what the other folder holds"


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize(("folder", "one", "other"), PLACES)
def test_a_link_swapped_in_meanwhile_is_not_written_through(
    ground: Path, way: str, folder: str, one: str, other: str
) -> None:
    workspace = LocalWorkspace(ground / "root")
    several = [Write("in/door/secret", b"written"), Write("in/door/other", b"written")]
    found: Counter[object] = Counter()
    with swapping(ground / "root" / folder, one, other):
        for _ in range(20):  # till both are met: a write may have taken the link's place, and then all are of a file
            found += raced(RACES // 16, lambda: workspace._write("in/door/secret", b"written", None))
            found += raced(RACES // 16, lambda: workspace._write("in/door/new/one", b"written", None))
            found += raced(RACES // 64, lambda: tuple(workspace._write_all(several)))
            if 0 < len(answers(found)) < len(found):
                break
            if one == "secret":
                (ground / "link").symlink_to(ground / "outside" / "secret")
                os.replace(ground / "link", ground / "root" / folder / other)
    assert 0 < len(answers(found)) < len(found), "the swaps were met"
    assert os.listdir(ground / "outside") == ["secret"]
    assert (ground / "outside" / "secret").read_bytes() == SECRET


def test_both_ways_lead_to_the_same(ground: Path, way: str) -> None:
    root = os.open(ground / "root", beneath.FOLDER)
    for names in [(), ("in",), ("in", "door"), ("in", "a" * 5000)]:
        with contextlib.suppress(OSError), beneath.opened(root, names) as folder:
            assert os.path.samestat(os.fstat(folder), os.stat(ground.joinpath("root", *names)))
    for names in [("in", "link"), ("in", "door", "secret"), ("missing",), ("in", "a" * 300), ("in", "a" * 5000)]:
        with pytest.raises(OSError, match=r"."), beneath.opened(root, names):
            pass
    with beneath.opened(root, ("x", "y", "z"), create=True):
        assert (ground / "root" / "x" / "y" / "z").is_dir()
    os.close(root)
