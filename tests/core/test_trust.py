"""Which folders are trusted, and what that opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.contracts.workspace import lenders_of
from pillion.testing.kit import kernel_host


@pytest.mark.parametrize(
    ("place", "trusted"),
    [
        ("mine", True),
        ("mine/in", True),
        ("linked", True),
        ("theirs", False),
        ("mine/../theirs", False),
        ("mine/out", False),
    ],
)
async def test_a_folder_is_trusted_by_where_it_really_is(tmp_path: Path, place: str, trusted: bool) -> None:
    """A repository in it may then borrow objects from outside of it, too."""
    for name in ("mine/in", "theirs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "linked").symlink_to("mine")
    (tmp_path / "mine" / "out").symlink_to(tmp_path / "theirs")
    workspace = f"{tmp_path}/{place}"
    async with kernel_host(tmp_path, trust__folders=[str(tmp_path / "mine")]) as host:
        session = await host.kernel.create(workspace)
        assert session.info.trusted == trusted
        assert lenders_of(host.kernel.catalog.workspace(workspace)) == (("/",) if trusted else ())
