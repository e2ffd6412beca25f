"""The plugin's entities. docs/reference/entities.md says what each field holds; the tables are made in tables.py.

Rows of the log are written past them, and so are those that follow from it, and what comes by the thousand: see
store.py, projections.py and filecache.py. Deleting a row of `session` deletes all of that session's rows, by foreign
keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .ponytypes import Json, Optional, PrimaryKey, Required, Set, composite_key

if TYPE_CHECKING:
    from .ponytypes import Entity


class Entities:
    """The entity classes of one database."""

    def __init__(self, database: Any) -> None:
        self._sessions(database.Entity)
        self._log(database.Entity)
        self._conversation(database.Entity)
        self._plans(database.Entity)
        self._files(database.Entity)

    def _sessions(self, base: type[Entity]) -> None:
        class Process(base):  # type: ignore[valid-type,misc]
            _table_ = "process"
            id = PrimaryKey(str)
            host = Optional(str)
            pid = Required(int, size=64)
            born = Optional(str)
            started = Required(int, size=64)
            beat = Required(int, size=64)

        class Session(base):  # type: ignore[valid-type,misc]
            _table_ = "session"
            id = PrimaryKey(str)
            workspace = Optional(str)
            title = Optional(str)
            model = Optional(str)
            strategy = Optional(str)
            labels = Required(Json)
            parent = Optional(str)
            origin = Optional(str)
            branched = Required(int, size=64, default=0)
            trusted = Required(bool, default=False)
            archived = Required(bool, default=False)
            created = Required(int, size=64)
            updated = Required(int, size=64)
            generation = Required(int, size=64, default=0)
            last = Required(int, size=64, default=0)
            owner = Optional(str)
            events = Set("AgentEvent")
            drafts = Set("Draft")
            blobs = Set("BlobUse")
            faults = Set("ProjectionFault")
            messages = Set("ConversationMessage")
            open_files = Set("OpenFile")
            calls = Set("LLMData")
            days = Set("LLMDay")
            scratchpad = Optional("ScratchPad")
            plans = Set("Plan")

        self.Process, self.Session = Process, Session

    def _log(self, base: type[Entity]) -> None:
        class AgentEvent(base):  # type: ignore[valid-type,misc]
            _table_ = "agent_event"
            session = Required("Session", column="session")
            seq = Required(int, size=64)
            type = Required(str)
            turn = Optional(str)
            time = Required(int, size=64)
            data = Required(bytes)
            PrimaryKey(session, seq)

        class Draft(base):  # type: ignore[valid-type,misc]
            _table_ = "draft"
            session = Required("Session", column="session")
            item = Required(int, size=64)
            at = Required(int, size=64)
            text = Optional(str)
            PrimaryKey(session, item, at)

        class Blob(base):  # type: ignore[valid-type,misc]
            _table_ = "blob"
            hash = PrimaryKey(str)
            data = Required(bytes)
            uses = Set("BlobUse")

        class BlobUse(base):  # type: ignore[valid-type,misc]
            _table_ = "blob_use"
            session = Required("Session", column="session")
            hash = Required("Blob", column="hash")
            PrimaryKey(session, hash)

        class ProjectionFault(base):  # type: ignore[valid-type,misc]
            _table_ = "projection_fault"
            id = PrimaryKey(int, size=64, auto=True)
            projection = Required(str)
            session = Required("Session", column="session")
            seq = Required(int, size=64)
            reason = Optional(str)
            time = Required(int, size=64)

        self.AgentEvent, self.Draft, self.Blob, self.BlobUse = AgentEvent, Draft, Blob, BlobUse
        self.ProjectionFault = ProjectionFault

    def _conversation(self, base: type[Entity]) -> None:
        class ConversationMessage(base):  # type: ignore[valid-type,misc]
            _table_ = "conversation_message"
            session = Required("Session", column="session")
            turn = Required(str)
            seq = Required(int, size=64)
            query = Optional(str)
            answer = Optional(str)
            steps = Required(int, size=64, default=0)
            state = Required(str)
            reason = Optional(str)
            strategy = Optional(str)
            model = Optional(str)
            open_files = Required(Json, default=[])
            selected_code = Required(Json, default=[])
            context = Required(Json, default=[])
            created = Required(int, size=64)
            updated = Required(int, size=64)
            PrimaryKey(session, turn)

        class OpenFile(base):  # type: ignore[valid-type,misc]
            _table_ = "open_file"
            session = Required("Session", column="session")
            path = Required(str)
            PrimaryKey(session, path)

        class LLMData(base):  # type: ignore[valid-type,misc]
            _table_ = "llm_data"
            session = Required("Session", column="session")
            seq = Required(int, size=64)
            turn = Optional(str)
            step = Required(int, size=64)
            role = Optional(str)
            provider = Required(str)
            model = Required(str)
            input = Required(int, size=64)
            output = Required(int, size=64)
            cached = Required(int, size=64)
            cost = Required(float)
            seconds = Required(float)
            first = Required(float)
            finish = Optional(str)
            error = Optional(str)
            request = Required(Json)
            answer = Optional(str)
            time = Required(int, size=64)
            root = Optional(str)
            PrimaryKey(session, seq)

        class LLMDay(base):  # type: ignore[valid-type,misc]
            _table_ = "llm_day"
            session = Required("Session", column="session")
            day = Required(int, size=64)
            role = Required(str)  # may be "", which Pony would take for none; these rows are written past it
            model = Required(str)
            root = Required(str)
            calls = Required(int, size=64)
            errors = Required(int, size=64)
            input = Required(int, size=64)
            output = Required(int, size=64)
            cached = Required(int, size=64)
            cost = Required(float)
            newest = Required(int, size=64)
            PrimaryKey(session, day, role, model)

        class ScratchPad(base):  # type: ignore[valid-type,misc]
            _table_ = "scratch_pad"
            session = PrimaryKey("Session", column="session")
            text = Optional(str)
            by = Optional(str)
            seq = Required(int, size=64)
            updated = Required(int, size=64)

        self.ConversationMessage, self.OpenFile = ConversationMessage, OpenFile
        self.LLMData, self.LLMDay, self.ScratchPad = LLMData, LLMDay, ScratchPad

    def _plans(self, base: type[Entity]) -> None:
        class Plan(base):  # type: ignore[valid-type,misc]
            _table_ = "plan"
            session = Required("Session", column="session")
            id = Required(str)
            title = Optional(str)
            query = Optional(str)
            state = Required(str)
            created = Required(int, size=64)
            updated = Required(int, size=64)
            steps = Set("PlanStep")
            PrimaryKey(session, id)

        class PlanStep(base):  # type: ignore[valid-type,misc]
            _table_ = "plan_step"
            plan = Required("Plan", columns=["session", "plan"])
            id = Required(str)
            position = Required(int, size=64)
            title = Optional(str)
            description = Optional(str)
            files = Required(Json, default=[])
            state = Required(str)
            child = Optional(str)
            created = Required(int, size=64)
            updated = Required(int, size=64)
            PrimaryKey(plan, id)

        self.Plan, self.PlanStep = Plan, PlanStep

    def _files(self, base: type[Entity]) -> None:
        class FileCache(base):  # type: ignore[valid-type,misc]
            _table_ = "file_cache"
            id = PrimaryKey(int, size=64, auto=True)
            workspace = Required(str)
            path = Required(str)
            hash = Required(str)
            size = Required(int, size=64)
            mtime = Required(int, size=64)
            language = Optional(str)
            seen = Required(int, size=64)
            artefacts = Set("FileArtefact")
            composite_key(workspace, path, hash)

        class FileArtefact(base):  # type: ignore[valid-type,misc]
            _table_ = "file_artefact"
            file = Required("FileCache", column="file")
            kind = Required(str)
            version = Required(str)
            data = Required(bytes)
            PrimaryKey(file, kind)

        class GitLogStatistic(base):  # type: ignore[valid-type,misc]
            _table_ = "git_log_statistic"
            workspace = Required(str)
            commit = Required(str, column="commit_hash")
            author = Optional(str)
            email = Optional(str)
            time = Required(int, size=64)
            title = Optional(str)
            body = Optional(str)
            files = Required(int, size=64, default=0)
            insertions = Required(int, size=64, default=0)
            deletions = Required(int, size=64, default=0)
            touched = Set("FileGitCommitStatistic")
            PrimaryKey(workspace, commit)

        class FileGitCommitStatistic(base):  # type: ignore[valid-type,misc]
            _table_ = "file_git_commit_statistic"
            commit = Required("GitLogStatistic", columns=["workspace", "commit_hash"])
            path = Required(str)
            time = Required(int, size=64)
            insertions = Required(int, size=64, default=0)
            deletions = Required(int, size=64, default=0)
            PrimaryKey(commit, path)

        self.FileCache, self.FileArtefact = FileCache, FileArtefact
        self.GitLogStatistic, self.FileGitCommitStatistic = GitLogStatistic, FileGitCommitStatistic
