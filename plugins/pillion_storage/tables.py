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
    Migration(
        3,
        (
            """CREATE TABLE projection_fault_anew (
                id {serial}, projection TEXT NOT NULL,
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, seq {integer} NOT NULL,
                reason TEXT NOT NULL, time {integer} NOT NULL)""",
            """INSERT INTO projection_fault_anew (projection, session, seq, reason, time)
                SELECT projection, session, seq, reason, time FROM projection_fault
                WHERE session IN (SELECT id FROM session) ORDER BY id""",
            "DROP TABLE projection_fault",
            "ALTER TABLE projection_fault_anew RENAME TO projection_fault",
            "CREATE TABLE rebuild_wanted (since {integer} NOT NULL)",
            "CREATE INDEX projection_fault_by_session ON projection_fault (session)",
            """CREATE TABLE conversation_message (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, turn TEXT NOT NULL,
                seq {integer} NOT NULL, query TEXT NOT NULL, answer TEXT NOT NULL, steps {integer} NOT NULL,
                state TEXT NOT NULL, reason TEXT NOT NULL, strategy TEXT NOT NULL, model TEXT NOT NULL,
                open_files {json} NOT NULL, selected_code {json} NOT NULL, context {json} NOT NULL,
                created {integer} NOT NULL, updated {integer} NOT NULL, PRIMARY KEY (session, turn))""",
            "CREATE INDEX conversation_message_by_place ON conversation_message (session, seq)",
            """CREATE TABLE open_file (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, path TEXT NOT NULL,
                PRIMARY KEY (session, path))""",
            """CREATE TABLE llm_data (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, seq {integer} NOT NULL,
                turn TEXT NOT NULL, step {integer} NOT NULL, role TEXT NOT NULL, provider TEXT NOT NULL,
                model TEXT NOT NULL, input {integer} NOT NULL, output {integer} NOT NULL, cached {integer} NOT NULL,
                cost {real} NOT NULL, seconds {real} NOT NULL, first {real} NOT NULL, finish TEXT NOT NULL,
                error TEXT NOT NULL, request {json} NOT NULL, answer TEXT NOT NULL, time {integer} NOT NULL,
                PRIMARY KEY (session, seq))""",
            "CREATE INDEX llm_data_by_time ON llm_data (time)",
            "CREATE INDEX llm_data_by_model ON llm_data (model, time)",
            """CREATE TABLE scratch_pad (
                session TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE, text TEXT NOT NULL,
                by TEXT NOT NULL, seq {integer} NOT NULL, updated {integer} NOT NULL)""",
            """CREATE TABLE plan (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, id TEXT NOT NULL,
                title TEXT NOT NULL, query TEXT NOT NULL, state TEXT NOT NULL, created {integer} NOT NULL,
                updated {integer} NOT NULL, PRIMARY KEY (session, id))""",
            """CREATE TABLE plan_step (
                session TEXT NOT NULL, plan TEXT NOT NULL, id TEXT NOT NULL, position {integer} NOT NULL,
                title TEXT NOT NULL, description TEXT NOT NULL, files {json} NOT NULL, state TEXT NOT NULL,
                child TEXT NOT NULL, created {integer} NOT NULL, updated {integer} NOT NULL,
                PRIMARY KEY (session, plan, id),
                FOREIGN KEY (session, plan) REFERENCES plan (session, id) ON DELETE CASCADE)""",
            """CREATE TABLE file_cache (
                id {serial}, workspace TEXT NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL,
                size {integer} NOT NULL, mtime {integer} NOT NULL, language TEXT NOT NULL, seen {integer} NOT NULL,
                UNIQUE (workspace, path, hash))""",
            "CREATE INDEX file_cache_by_age ON file_cache (seen)",
            """CREATE TABLE file_artefact (
                file {integer} NOT NULL REFERENCES file_cache (id) ON DELETE CASCADE, kind TEXT NOT NULL,
                version TEXT NOT NULL, data {bytes} NOT NULL, PRIMARY KEY (file, kind))""",
            """CREATE TABLE git_log_statistic (
                workspace TEXT NOT NULL, commit_hash TEXT NOT NULL, author TEXT NOT NULL, email TEXT NOT NULL,
                time {integer} NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, files {integer} NOT NULL,
                insertions {integer} NOT NULL, deletions {integer} NOT NULL, PRIMARY KEY (workspace, commit_hash))""",
            "CREATE INDEX git_log_statistic_by_time ON git_log_statistic (workspace, time)",
            """CREATE TABLE file_git_commit_statistic (
                workspace TEXT NOT NULL, commit_hash TEXT NOT NULL, path TEXT NOT NULL, time {integer} NOT NULL,
                insertions {integer} NOT NULL, deletions {integer} NOT NULL,
                PRIMARY KEY (workspace, commit_hash, path),
                FOREIGN KEY (workspace, commit_hash) REFERENCES git_log_statistic (workspace, commit_hash)
                    ON DELETE CASCADE)""",
            """CREATE INDEX file_git_commit_statistic_by_path
                ON file_git_commit_statistic (workspace, path, time)""",
        ),
        sqlite=(
            """CREATE TABLE search_text (
                id {serial}, session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, turn TEXT NOT NULL,
                words TEXT NOT NULL, UNIQUE (session, turn))""",
        ),
        postgres=(
            """CREATE TABLE search_text (
                id {serial}, session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, turn TEXT NOT NULL,
                words TSVECTOR NOT NULL, UNIQUE (session, turn))""",
            "CREATE INDEX search_text_by_words ON search_text USING gin (words)",
        ),
    ),
    Migration(
        4,
        (
            "ALTER TABLE llm_data ADD COLUMN root TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX llm_data_by_root ON llm_data (root, time)",
            """CREATE TABLE llm_day (
                session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE, day {integer} NOT NULL,
                role TEXT NOT NULL, model TEXT NOT NULL, root TEXT NOT NULL, calls {integer} NOT NULL,
                errors {integer} NOT NULL, input {integer} NOT NULL, output {integer} NOT NULL,
                cached {integer} NOT NULL, cost {real} NOT NULL, newest {integer} NOT NULL,
                PRIMARY KEY (session, day, role, model))""",
            "CREATE INDEX llm_day_by_day ON llm_day (day)",
            "CREATE INDEX llm_day_by_root ON llm_day (root, day)",
        ),
    ),
)
