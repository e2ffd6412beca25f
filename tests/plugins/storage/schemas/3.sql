SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.agent_event (
    session text NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    turn text NOT NULL,
    "time" bigint NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.blob (
    hash text NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.blob_use (
    session text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.conversation_message (
    session text NOT NULL,
    turn text NOT NULL,
    seq bigint NOT NULL,
    query text NOT NULL,
    answer text NOT NULL,
    steps bigint NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    strategy text NOT NULL,
    model text NOT NULL,
    open_files jsonb NOT NULL,
    selected_code jsonb NOT NULL,
    context jsonb NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL
);
CREATE TABLE public.draft (
    session text NOT NULL,
    item bigint NOT NULL,
    at bigint NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.file_artefact (
    file bigint NOT NULL,
    kind text NOT NULL,
    version text NOT NULL,
    data bytea NOT NULL
);
CREATE TABLE public.file_cache (
    id bigint NOT NULL,
    workspace text NOT NULL,
    path text NOT NULL,
    hash text NOT NULL,
    size bigint NOT NULL,
    mtime bigint NOT NULL,
    language text NOT NULL,
    seen bigint NOT NULL
);
CREATE SEQUENCE public.file_cache_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.file_cache_id_seq OWNED BY public.file_cache.id;
CREATE TABLE public.file_git_commit_statistic (
    workspace text NOT NULL,
    commit_hash text NOT NULL,
    path text NOT NULL,
    "time" bigint NOT NULL,
    insertions bigint NOT NULL,
    deletions bigint NOT NULL
);
CREATE TABLE public.git_log_statistic (
    workspace text NOT NULL,
    commit_hash text NOT NULL,
    author text NOT NULL,
    email text NOT NULL,
    "time" bigint NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    files bigint NOT NULL,
    insertions bigint NOT NULL,
    deletions bigint NOT NULL
);
CREATE TABLE public.llm_data (
    session text NOT NULL,
    seq bigint NOT NULL,
    turn text NOT NULL,
    step bigint NOT NULL,
    role text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    input bigint NOT NULL,
    output bigint NOT NULL,
    cached bigint NOT NULL,
    cost double precision NOT NULL,
    seconds double precision NOT NULL,
    first double precision NOT NULL,
    finish text NOT NULL,
    error text NOT NULL,
    request jsonb NOT NULL,
    answer text NOT NULL,
    "time" bigint NOT NULL
);
CREATE TABLE public.open_file (
    session text NOT NULL,
    path text NOT NULL
);
CREATE TABLE public.plan (
    session text NOT NULL,
    id text NOT NULL,
    title text NOT NULL,
    query text NOT NULL,
    state text NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL
);
CREATE TABLE public.plan_step (
    session text NOT NULL,
    plan text NOT NULL,
    id text NOT NULL,
    "position" bigint NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    files jsonb NOT NULL,
    state text NOT NULL,
    child text NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL
);
CREATE TABLE public.process (
    id text NOT NULL,
    host text NOT NULL,
    pid bigint NOT NULL,
    born text NOT NULL,
    started bigint NOT NULL,
    beat bigint NOT NULL
);
CREATE TABLE public.projection_fault (
    id bigint NOT NULL,
    projection text NOT NULL,
    session text NOT NULL,
    seq bigint NOT NULL,
    reason text NOT NULL,
    "time" bigint NOT NULL
);
CREATE SEQUENCE public.projection_fault_anew_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.projection_fault_anew_id_seq OWNED BY public.projection_fault.id;
CREATE TABLE public.rebuild_wanted (
    since bigint NOT NULL
);
CREATE TABLE public.schema_version (
    plugin text NOT NULL,
    number bigint NOT NULL,
    checksum text NOT NULL,
    applied bigint NOT NULL
);
CREATE TABLE public.scratch_pad (
    session text NOT NULL,
    text text NOT NULL,
    by text NOT NULL,
    seq bigint NOT NULL,
    updated bigint NOT NULL
);
CREATE TABLE public.search_text (
    id bigint NOT NULL,
    session text NOT NULL,
    turn text NOT NULL,
    words tsvector NOT NULL
);
CREATE SEQUENCE public.search_text_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.search_text_id_seq OWNED BY public.search_text.id;
CREATE TABLE public.session (
    id text NOT NULL,
    workspace text NOT NULL,
    title text NOT NULL,
    model text NOT NULL,
    strategy text NOT NULL,
    labels jsonb NOT NULL,
    parent text NOT NULL,
    branched bigint NOT NULL,
    trusted boolean NOT NULL,
    archived boolean NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    generation bigint NOT NULL,
    last bigint NOT NULL,
    owner text NOT NULL,
    origin text DEFAULT ''::text NOT NULL
);
ALTER TABLE ONLY public.file_cache ALTER COLUMN id SET DEFAULT nextval('public.file_cache_id_seq'::regclass);
ALTER TABLE ONLY public.projection_fault ALTER COLUMN id SET DEFAULT nextval('public.projection_fault_anew_id_seq'::regclass);
ALTER TABLE ONLY public.search_text ALTER COLUMN id SET DEFAULT nextval('public.search_text_id_seq'::regclass);
INSERT INTO public.agent_event VALUES ('first', 1, 'session.opened', '', 1000, '\x7b2274797065223a2273657373696f6e2e6f70656e6564222c22776f726b7370616365223a222f77227d');
INSERT INTO public.agent_event VALUES ('first', 2, 'prompt.queued', '', 1001, '\x7b2274797065223a2270726f6d70742e717565756564222c2270726f6d7074223a227430222c2274657874223a225769652067726fc39f3f227d');
INSERT INTO public.agent_event VALUES ('first', 3, 'turn.started', 't0', 1002, '\x7b2274797065223a227475726e2e73746172746564222c2270726f6d7074223a227430222c227374726174656779223a226167656e74222c226d6f64656c223a22702f6d227d');
INSERT INTO public.agent_event VALUES ('first', 4, 'text.started', 't0', 1003, '\x7b2274797065223a22746578742e73746172746564222c2273746570223a317d');
INSERT INTO public.agent_event VALUES ('first', 5, 'text.finished', 't0', 1004, '\x7b2274797065223a22746578742e66696e6973686564222c226974656d223a342c2274657874223a22536568722067726fc39f2e222c2273746570223a317d');
INSERT INTO public.agent_event VALUES ('first', 6, 'usage.recorded', 't0', 1005, '\x7b2274797065223a2275736167652e7265636f72646564222c226d6f64656c223a22702f6d222c227573616765223a7b22696e707574223a372c226f7574707574223a332c22636163686564223a322c22636f7374223a302e357d2c227365636f6e6473223a312e352c2266696e697368223a2273746f70222c2273746570223a317d');
INSERT INTO public.agent_event VALUES ('first', 7, 'message.finished', 't0', 1005, '\x7b2274797065223a226d6573736167652e66696e6973686564222c226974656d73223a5b345d2c2266696e697368223a2273746f70222c2273746570223a317d');
INSERT INTO public.agent_event VALUES ('first', 8, 'turn.finished', 't0', 1006, '\x7b2274797065223a227475726e2e66696e6973686564222c227374657073223a317d');
INSERT INTO public.agent_event VALUES ('first', 9, 'prompt.queued', '', 1007, '\x7b2274797065223a2270726f6d70742e717565756564222c2270726f6d7074223a227431222c2274657874223a22416e64207468656e3f227d');
INSERT INTO public.agent_event VALUES ('first', 10, 'turn.started', 't1', 1008, '\x7b2274797065223a227475726e2e73746172746564222c2270726f6d7074223a227431222c227374726174656779223a226167656e74222c226d6f64656c223a22702f6d227d');
INSERT INTO public.agent_event VALUES ('first', 11, 'usage.recorded', 't1', 1009, '\x7b2274797065223a2275736167652e7265636f72646564222c226d6f64656c223a22702f6d222c227573616765223a7b22696e707574223a372c226f7574707574223a332c22636163686564223a322c22636f7374223a302e357d2c227365636f6e6473223a312e352c22726f6c65223a2273756d6d617279222c226572726f72223a2270726f76696465725f646f776e222c2273746570223a317d');
INSERT INTO public.agent_event VALUES ('first', 12, 'text.started', 't1', 1010, '\x7b2274797065223a22746578742e73746172746564222c2273746570223a317d');
INSERT INTO public.agent_event VALUES ('child', 1, 'session.opened', '', 2000, '\x7b2274797065223a2273657373696f6e2e6f70656e6564222c22776f726b7370616365223a222f77222c22706172656e74223a226669727374227d');
INSERT INTO public.agent_event VALUES ('child', 2, 'usage.recorded', 'c', 2001, '\x7b2274797065223a2275736167652e7265636f72646564222c226d6f64656c223a22702f6d222c227573616765223a7b22696e707574223a372c226f7574707574223a332c22636163686564223a322c22636f7374223a302e357d2c227365636f6e6473223a312e352c2266696e697368223a2273746f70222c2273746570223a317d');
INSERT INTO public.blob VALUES ('0000000000000000000000000000000000000000000000000000000000000000', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
INSERT INTO public.blob_use VALUES ('first', '0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO public.conversation_message VALUES ('first', 't0', 3, 'Wie groß?', 'Sehr groß.', 1, 'finished', 'done', 'agent', 'p/m', '[]', '[]', '[]', 1001, 1006);
INSERT INTO public.conversation_message VALUES ('first', 't1', 10, 'And then?', '', 0, 'running', '', 'agent', 'p/m', '[]', '[]', '[]', 1007, 1008);
INSERT INTO public.draft VALUES ('first', 12, 0, 'hal');
INSERT INTO public.draft VALUES ('first', 12, 3, 'f ä');
INSERT INTO public.llm_data VALUES ('first', 6, 't0', 1, '', 'p', 'p/m', 7, 3, 2, 0.5, 1.5, 0, 'stop', '', '[]', '', 1005);
INSERT INTO public.llm_data VALUES ('first', 11, 't1', 1, 'summary', 'p', 'p/m', 7, 3, 2, 0.5, 1.5, 0, '', 'provider_down', '[]', '', 1009);
INSERT INTO public.llm_data VALUES ('child', 2, 'c', 1, '', 'p', 'p/m', 7, 3, 2, 0.5, 1.5, 0, 'stop', '', '[]', '', 2001);
INSERT INTO public.schema_version VALUES ('storage', 1, '53df6a5f51b302f7721869d8319e6e8b050db3f9a3e39716a8de004076167603', 1795957251891);
INSERT INTO public.schema_version VALUES ('storage', 2, '3f349a60243d0d6bb3d38f982ab4ae4344fdba913b2d89c23bf313e22d0ba339', 1795957251900);
INSERT INTO public.schema_version VALUES ('storage', 3, '3f241a84ba4e8f4c8f54900f8ff8c6b81da992df7646d05a4ebf78e243c788ed', 1795957252174);
INSERT INTO public.search_text VALUES (1, 'first', '', '''grösse'':1');
INSERT INTO public.search_text VALUES (3, 'first', 't0', '''gross'':2,4 ''sehr'':3 ''wie'':1');
INSERT INTO public.search_text VALUES (4, 'first', 't1', '''and'':1 ''then'':2');
INSERT INTO public.session VALUES ('first', '/w/öne', 'Größe', 'p/m', 'agent', '{"ü": "ß"}', '', 0, false, false, 1000, 1010, 1, 12, '7345d6781850ca09', '');
INSERT INTO public.session VALUES ('child', '/w/öne', '', '', '', '{}', 'first', 0, true, false, 2000, 2001, 1, 2, '7345d6781850ca09', '');
SELECT pg_catalog.setval('public.file_cache_id_seq', 1, false);
SELECT pg_catalog.setval('public.projection_fault_anew_id_seq', 1, false);
SELECT pg_catalog.setval('public.search_text_id_seq', 4, true);
ALTER TABLE ONLY public.agent_event
    ADD CONSTRAINT agent_event_pkey PRIMARY KEY (session, seq);
ALTER TABLE ONLY public.blob
    ADD CONSTRAINT blob_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.blob_use
    ADD CONSTRAINT blob_use_pkey PRIMARY KEY (session, hash);
ALTER TABLE ONLY public.conversation_message
    ADD CONSTRAINT conversation_message_pkey PRIMARY KEY (session, turn);
ALTER TABLE ONLY public.draft
    ADD CONSTRAINT draft_pkey PRIMARY KEY (session, item, at);
ALTER TABLE ONLY public.file_artefact
    ADD CONSTRAINT file_artefact_pkey PRIMARY KEY (file, kind);
ALTER TABLE ONLY public.file_cache
    ADD CONSTRAINT file_cache_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.file_cache
    ADD CONSTRAINT file_cache_workspace_path_hash_key UNIQUE (workspace, path, hash);
ALTER TABLE ONLY public.file_git_commit_statistic
    ADD CONSTRAINT file_git_commit_statistic_pkey PRIMARY KEY (workspace, commit_hash, path);
ALTER TABLE ONLY public.git_log_statistic
    ADD CONSTRAINT git_log_statistic_pkey PRIMARY KEY (workspace, commit_hash);
ALTER TABLE ONLY public.llm_data
    ADD CONSTRAINT llm_data_pkey PRIMARY KEY (session, seq);
ALTER TABLE ONLY public.open_file
    ADD CONSTRAINT open_file_pkey PRIMARY KEY (session, path);
ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (session, id);
ALTER TABLE ONLY public.plan_step
    ADD CONSTRAINT plan_step_pkey PRIMARY KEY (session, plan, id);
ALTER TABLE ONLY public.process
    ADD CONSTRAINT process_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.projection_fault
    ADD CONSTRAINT projection_fault_anew_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (plugin, number);
ALTER TABLE ONLY public.scratch_pad
    ADD CONSTRAINT scratch_pad_pkey PRIMARY KEY (session);
ALTER TABLE ONLY public.search_text
    ADD CONSTRAINT search_text_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.search_text
    ADD CONSTRAINT search_text_session_turn_key UNIQUE (session, turn);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);
CREATE INDEX blob_use_by_hash ON public.blob_use USING btree (hash);
CREATE INDEX conversation_message_by_place ON public.conversation_message USING btree (session, seq);
CREATE INDEX file_cache_by_age ON public.file_cache USING btree (seen);
CREATE INDEX file_git_commit_statistic_by_path ON public.file_git_commit_statistic USING btree (workspace, path, "time");
CREATE INDEX git_log_statistic_by_time ON public.git_log_statistic USING btree (workspace, "time");
CREATE INDEX llm_data_by_model ON public.llm_data USING btree (model, "time");
CREATE INDEX llm_data_by_time ON public.llm_data USING btree ("time");
CREATE INDEX projection_fault_by_session ON public.projection_fault USING btree (session);
CREATE INDEX search_text_by_words ON public.search_text USING gin (words);
CREATE INDEX session_by_time ON public.session USING btree (parent, archived, created, id);
CREATE INDEX session_by_workspace ON public.session USING btree (workspace, parent, archived, created, id);
ALTER TABLE ONLY public.agent_event
    ADD CONSTRAINT agent_event_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.blob_use
    ADD CONSTRAINT blob_use_hash_fkey FOREIGN KEY (hash) REFERENCES public.blob(hash);
ALTER TABLE ONLY public.blob_use
    ADD CONSTRAINT blob_use_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.conversation_message
    ADD CONSTRAINT conversation_message_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.draft
    ADD CONSTRAINT draft_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.file_artefact
    ADD CONSTRAINT file_artefact_file_fkey FOREIGN KEY (file) REFERENCES public.file_cache(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.file_git_commit_statistic
    ADD CONSTRAINT file_git_commit_statistic_workspace_commit_hash_fkey FOREIGN KEY (workspace, commit_hash) REFERENCES public.git_log_statistic(workspace, commit_hash) ON DELETE CASCADE;
ALTER TABLE ONLY public.llm_data
    ADD CONSTRAINT llm_data_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.open_file
    ADD CONSTRAINT open_file_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.plan_step
    ADD CONSTRAINT plan_step_session_plan_fkey FOREIGN KEY (session, plan) REFERENCES public.plan(session, id) ON DELETE CASCADE;
ALTER TABLE ONLY public.projection_fault
    ADD CONSTRAINT projection_fault_anew_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.scratch_pad
    ADD CONSTRAINT scratch_pad_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.search_text
    ADD CONSTRAINT search_text_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
