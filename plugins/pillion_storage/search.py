"""Finds sessions by the words of titles, prompts and answers. All words must stand somewhere in a session.

Words are cut and folded here, so that both databases find the same. On SQLite they are in a table of FTS5, where it has
that, else LIKE finds them; on PostgreSQL in a tsvector with a GIN index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from .rows import Rows

TITLE = ""
"""The turn under which a session's title stands."""
QUERY, ANSWER = 20_000, 40_000
"""Characters of a prompt and an answer that can be searched."""
LONGEST = 64
"""Characters of a word that count."""
MOST_WORDS = 16
"""Words of a search that count."""
PLACES = 16_383
"""The last place that PostgreSQL knows in a text."""
COMMON = 1000
"""Texts with a word from which on most sessions are taken to have it."""
PASSAGE = 160
"""Characters of the passage that is shown."""
# a letter of Han, Hiragana or Katakana is a word of its own: those are written without spaces
_ALONE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")


def folded(text: str) -> str:
    """`text` as it is compared: upper and lower case, wide and narrow forms are one."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """The words of a text, in order, folded."""
    return [word[:LONGEST] for word in _WORD.findall(folded(text))]


def wanted(text: str) -> list[list[str]]:
    """What a search asks for: of each piece between spaces its words, which must stand side by side."""
    return [found for piece in text.split()[:MOST_WORDS] if (found := words(piece)[:MOST_WORDS])]


class Search:
    """The words of one database's sessions. In the database's thread."""

    def __init__(self, rows: Rows, *, fts: bool) -> None:
        self._rows, self._fts = rows, fts
        self._sqlite = rows.dialect.name == "sqlite"

    def put(self, session: str, turn: str, query: str, answer: str = "") -> None:
        """From now on a turn is found by these texts, or a session by its title."""
        found = words(f"{query[:QUERY]}\n{answer[:ANSWER]}")
        self._rows.run("DELETE FROM search_text WHERE session = ? AND turn = ?", (session, turn))
        if found:
            value = " ".join(found) if self._sqlite else _vector(found)
            self._rows.run("INSERT INTO search_text (session, turn, words) VALUES (?, ?, ?)", (session, turn, value))

    def forget(self, session: str) -> None:
        """All its turns."""
        self._rows.run("DELETE FROM search_text WHERE session = ? AND turn <> ?", (session, TITLE))

    def conditions(self, pieces: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
        """For each piece of a search: SQL that is true of a row `s` of `session`, with its one value. The last word may
        go on, since people type.
        """
        for n, piece in enumerate(pieces):
            yield self._condition(piece, last=n == len(pieces) - 1)

    def _condition(self, piece: Sequence[str], *, last: bool) -> tuple[str, str]:
        if not self._sqlite:
            value = " <-> ".join(f"'{word}'" for word in piece) + (":*" if last else "")
            self._rows.run(POSTGRES_SCANS, ("off",))
            few = self._rows.all(POSTGRES_FEW, (value, COMMON))
            self._rows.run(POSTGRES_SCANS, ("on",))
            if len(few) < COMMON:
                return POSTGRES_RARE, ",".join(session for (session,) in few)
            return POSTGRES_COMMON, value
        if self._fts:
            value = f'"{" ".join(piece)}"' + (" *" if last else "")
            return (FTS_COMMON if self._rows.all(MANY, (value, COMMON)) == [(COMMON,)] else FTS_RARE), value
        value = f"% {' '.join(piece)}%" if last else f"% {' '.join(piece)} %"
        return "s.id IN (SELECT session FROM search_text WHERE ' ' || words || ' ' LIKE ?)", value


# the planner knows nothing of how rare the beginning of a word is: it would read the whole table, or ask each session
POSTGRES_SCANS = "SELECT set_config('enable_seqscan', ?, true)"
POSTGRES_FEW = "SELECT session FROM search_text WHERE words @@ ?::tsquery LIMIT ?"
POSTGRES_RARE = "s.id = ANY(string_to_array(?, ','))"
POSTGRES_COMMON = "s.id IN (SELECT session FROM search_text WHERE words @@ ?::tsquery)"
MATCHING = "SELECT rowid FROM search_words WHERE search_words MATCH ?"
MANY = f"SELECT count(*) FROM ({MATCHING} LIMIT ?)"
FTS_RARE = f"s.id IN (SELECT session FROM search_text WHERE id IN ({MATCHING}))"
# the newest sessions are asked one after the other, till the page is full
FTS_COMMON = f"EXISTS (SELECT 1 FROM search_text AS t WHERE t.session = s.id AND +t.id IN ({MATCHING}))"


def prepared(rows: Rows) -> Search:
    """The search of a database with the newest tables. In a db_session."""
    return Search(rows, fts=rows.dialect.name == "sqlite" and _fts(rows))


def _fts(rows: Rows) -> bool:
    """Has the database a table of FTS5 that is in step with `search_text`? Makes it where it can.

    Where SQLite was built without FTS5, nothing keeps that table any more; it is made again when one has it.
    """
    has = bool(rows.all("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'"))
    kept = bool(rows.all("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'search_text_new'"))
    if has and not kept:
        for statement in FTS:
            rows.run(statement)
    if kept and not has:
        for name in ("search_text_new", "search_text_gone"):
            rows.run(f"DROP TRIGGER {name}")
    return has


FTS = (
    """CREATE VIRTUAL TABLE IF NOT EXISTS search_words
        USING fts5(words, content='search_text', content_rowid='id', tokenize='ascii')""",
    "INSERT INTO search_words (search_words) VALUES ('rebuild')",
    """CREATE TRIGGER search_text_new AFTER INSERT ON search_text BEGIN
        INSERT INTO search_words (rowid, words) VALUES (new.id, new.words); END""",
    """CREATE TRIGGER search_text_gone AFTER DELETE ON search_text BEGIN
        INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', old.id, old.words); END""",
)


def passage(text: str, pieces: Sequence[Sequence[str]]) -> tuple[int, str]:
    """How many pieces of a search stand in `text`, and about PASSAGE characters round the first of them."""
    found = [place for piece in pieces if (place := _place(text, piece)) is not None]
    if not found:
        return 0, ""
    middle = min(found)
    start = max(0, min(middle - PASSAGE // 3, len(text) - PASSAGE))
    end = min(len(text), start + PASSAGE)
    if start > 0:
        start = text.find(" ", start, middle) + 1 or start
    if end < len(text):
        end = max(text.rfind(" ", middle + 1, end), middle + 1) if " " in text[middle + 1 : end] else end
    shown = " ".join(text[start:end].split())
    return len(found), f"{'… ' if start > 0 else ''}{shown}{' …' if end < len(text) else ''}"


def _place(text: str, piece: Sequence[str]) -> int | None:
    """Where the piece's words stand side by side; the last one may go on."""
    begin = "" if re.match(f"[{_ALONE}]", piece[0]) else r"(?<![^\W_])"
    pattern = begin + r"[\W_]*".join(map(re.escape, piece))
    match = re.search(pattern, folded(text))
    return min(match.start(), len(text)) if match else None


def _vector(found: Sequence[str]) -> str:
    """The text of a tsvector: each word with its places."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(found, 1):
        places.setdefault(word, []).append(str(min(place, PLACES)))
    return " ".join(f"'{word}':{','.join(at[:255])}" for word, at in places.items())
