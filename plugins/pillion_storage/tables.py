"""The plugin's own tables, step by step. A step is never changed once it was released."""

from __future__ import annotations

from .hookspecs import Migration

STEPS = (
    Migration(
        1,
        (
            """CREATE TABLE process (
                id TEXT PRIMARY KEY, host TEXT NOT NULL, pid {integer} NOT NULL, born TEXT NOT NULL,
                started {integer} NOT NULL, beat {integer} NOT NULL)""",
            """CREATE TABLE session (
                id TEXT PRIMARY KEY, workspace TEXT NOT NULL, title TEXT NOT NULL, model TEXT NOT NULL,
                strategy TEXT NOT NULL, labels {json} NOT NULL, parent TEXT NOT NULL, branched {integer} NOT NULL,
                trusted BOOLEAN NOT NULL, archived BOOLEAN NOT NULL, created {integer} NOT NULL,
                updated {integer} NOT NULL, generation {integer} NOT NULL, last {integer} NOT NULL,
                owner TEXT NOT NULL)""",
            "CREATE INDEX session_by_time ON session (parent, created, id)",
            "CREATE INDEX session_by_workspace ON session (workspace, parent, created, id)",
            """CREATE TABLE agent_event (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, seq {integer} NOT NULL,
                type TEXT NOT NULL, turn TEXT NOT NULL, time {integer} NOT NULL, data {bytes} NOT NULL,
                PRIMARY KEY (session, seq))""",
            """CREATE TABLE draft (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, item {integer} NOT NULL,
                at {integer} NOT NULL, text TEXT NOT NULL, PRIMARY KEY (session, item, at))""",
            "CREATE TABLE blob (hash TEXT PRIMARY KEY, data {bytes} NOT NULL)",
            """CREATE TABLE blob_use (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
                hash TEXT NOT NULL REFERENCES blob (hash), PRIMARY KEY (session, hash))""",
            "CREATE INDEX blob_use_by_hash ON blob_use (hash)",
            """CREATE TABLE projection_fault (
                id {serial}, projection TEXT NOT NULL, session TEXT NOT NULL, seq {integer} NOT NULL,
                reason TEXT NOT NULL, time {integer} NOT NULL)""",
        ),
    ),
    Migration(
        2,
        (
            "ALTER TABLE session ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
            "DROP INDEX session_by_time",
            "DROP INDEX session_by_workspace",
            "CREATE INDEX session_by_time ON session (parent, archived, created, id)",
            "CREATE INDEX session_by_workspace ON session (workspace, parent, archived, created, id)",
        ),
    ),
)
