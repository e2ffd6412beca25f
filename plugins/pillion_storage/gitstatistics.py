"""The door to statistics of commits, for plugins: what each commit changed, by workspace."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from msgspec import Struct

from pillion import ConfigError, Store

from .filecache import chunks, marks
from .rows import Rows, plain
from .store import DatabaseStore


class FileCount(Struct, frozen=True):
    """Lines that a commit added to a file and took out of it."""

    path: str
    insertions: int
    deletions: int


class CommitCount(Struct, frozen=True):
    """`time` is the committer's, seconds since 1970."""

    commit: str
    author: str
    email: str
    time: int
    title: str
    body: str
    touched: Sequence[FileCount] = ()
    files: int = 0
    insertions: int = 0
    deletions: int = 0


class FileSum(Struct, frozen=True):
    """All commits that touched a file; `time` of the last."""

    path: str
    commits: int
    time: int
    insertions: int
    deletions: int


class Together(Struct, frozen=True):
    """How often a file was committed with another one: `commits`, and their sum when each is shared by its files."""

    path: str
    commits: int
    share: float


class GitStatisticsDoor:
    """`GitStatisticsDoor(kernel.store)`. Raises ConfigError where the store is no database; its methods StoreFailed."""

    def __init__(self, store: Store) -> None:
        if not isinstance(store, DatabaseStore):
            raise ConfigError(
                "There are no statistics: the store is no database.",
                key="defaults.store",
                hint='Set store = "storage" in [defaults].',
            )
        self._store = store

    async def commits(self, workspace: str) -> set[str]:
        """The names of all that are kept."""
        statement = "SELECT commit_hash FROM git_log_statistic WHERE workspace = ?"
        return await self._store.reading(lambda rows: {row[0] for row in rows.all(statement, (workspace,))})

    async def put(self, workspace: str, counts: Sequence[CommitCount]) -> None:
        """Keeps them, all or none; what is there of the same commits is replaced."""
        given = {count.commit: count for count in counts}
        log = [
            (workspace, one.commit, plain(one.author), plain(one.email), one.time, plain(one.title), plain(one.body),
             len(one.touched), *(sum(map(attrgetter(what), one.touched)) for what in ("insertions", "deletions")))
            for one in given.values()
        ]  # fmt: skip
        files = {
            (workspace, one.commit, plain(file.path)): (one.time, file.insertions, file.deletions)
            for one in given.values()
            for file in one.touched
        }

        def work(rows: Rows) -> None:
            _drop(rows, workspace, list(given))
            rows.many(
                "INSERT INTO git_log_statistic (workspace, commit_hash, author, email, time, title, body, files,"
                " insertions, deletions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                log,
            )
            rows.many(
                "INSERT INTO file_git_commit_statistic (workspace, commit_hash, path, time, insertions, deletions)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [(*key, *value) for key, value in files.items()],
            )

        await self._store.writing(work)

    async def drop(self, workspace: str, commits: Sequence[str]) -> None:
        """Forgets these, with what they touched."""
        await self._store.writing(lambda rows: _drop(rows, workspace, commits))

    async def newest(self, workspace: str, limit: int) -> list[CommitCount]:
        """By time, without the files that they touched."""
        statement = (
            "SELECT commit_hash, author, email, time, title, body, files, insertions, deletions FROM git_log_statistic"
            " WHERE workspace = ? ORDER BY time DESC, commit_hash LIMIT ?"
        )

        def work(rows: Rows) -> list[CommitCount]:
            found = rows.all(statement, (workspace, limit))
            return [
                CommitCount(id, author, email, time, title, body, (), files, added, removed)
                for id, author, email, time, title, body, files, added, removed in found
            ]

        return await self._store.reading(work)

    async def together(self, workspace: str, path: str, most: int) -> list[Together]:
        """Who was committed with that file, itself left out, by commits of at most so many files; by path."""
        statement = (
            "SELECT other.path, COUNT(*), SUM(1.0 / log.files) FROM file_git_commit_statistic AS own"
            " JOIN git_log_statistic AS log ON log.workspace = own.workspace AND log.commit_hash = own.commit_hash"
            " JOIN file_git_commit_statistic AS other"
            " ON other.workspace = own.workspace AND other.commit_hash = own.commit_hash"
            " WHERE own.workspace = ? AND own.path = ? AND other.path <> own.path AND log.files <= ?"
            " GROUP BY other.path ORDER BY other.path"
        )

        def work(rows: Rows) -> list[Together]:
            found = rows.all(statement, (workspace, plain(path), most))
            return [Together(other, int(commits), float(share)) for other, commits, share in found]

        return await self._store.reading(work)

    async def files(self, workspace: str) -> list[FileSum]:
        """By path."""
        statement = (
            "SELECT path, COUNT(*), MAX(time), SUM(insertions), SUM(deletions) FROM file_git_commit_statistic"
            " WHERE workspace = ? GROUP BY path ORDER BY path"
        )

        def work(rows: Rows) -> list[FileSum]:
            return [FileSum(row[0], *map(int, row[1:])) for row in rows.all(statement, (workspace,))]

        return await self._store.reading(work)


def _drop(rows: Rows, workspace: str, commits: Sequence[str]) -> None:
    for some in chunks(commits):
        for table in ("file_git_commit_statistic", "git_log_statistic"):
            rows.run(f"DELETE FROM {table} WHERE workspace = ? AND commit_hash IN ({marks(some)})", (workspace, *some))
