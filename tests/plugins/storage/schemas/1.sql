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
CREATE TABLE public.draft (
    session text NOT NULL,
    item bigint NOT NULL,
    at bigint NOT NULL,
    text text NOT NULL
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
CREATE SEQUENCE public.projection_fault_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.projection_fault_id_seq OWNED BY public.projection_fault.id;
CREATE TABLE public.schema_version (
    plugin text NOT NULL,
    number bigint NOT NULL,
    checksum text NOT NULL,
    applied bigint NOT NULL
);
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
    owner text NOT NULL
);
ALTER TABLE ONLY public.projection_fault ALTER COLUMN id SET DEFAULT nextval('public.projection_fault_id_seq'::regclass);
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
INSERT INTO public.draft VALUES ('first', 12, 0, 'hal');
INSERT INTO public.draft VALUES ('first', 12, 3, 'f ä');
INSERT INTO public.schema_version VALUES ('storage', 1, '53df6a5f51b302f7721869d8319e6e8b050db3f9a3e39716a8de004076167603', 1795957232506);
INSERT INTO public.session VALUES ('first', '/w/öne', 'Größe', 'p/m', 'agent', '{"ü": "ß"}', '', 0, false, false, 1000, 1010, 1, 12, '7bd73cf7c6a21605');
INSERT INTO public.session VALUES ('child', '/w/öne', '', '', '', '{}', 'first', 0, true, false, 2000, 2001, 1, 2, '7bd73cf7c6a21605');
SELECT pg_catalog.setval('public.projection_fault_id_seq', 1, false);
ALTER TABLE ONLY public.agent_event
    ADD CONSTRAINT agent_event_pkey PRIMARY KEY (session, seq);
ALTER TABLE ONLY public.blob
    ADD CONSTRAINT blob_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.blob_use
    ADD CONSTRAINT blob_use_pkey PRIMARY KEY (session, hash);
ALTER TABLE ONLY public.draft
    ADD CONSTRAINT draft_pkey PRIMARY KEY (session, item, at);
ALTER TABLE ONLY public.process
    ADD CONSTRAINT process_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.projection_fault
    ADD CONSTRAINT projection_fault_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (plugin, number);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);
CREATE INDEX blob_use_by_hash ON public.blob_use USING btree (hash);
CREATE INDEX session_by_time ON public.session USING btree (parent, created, id);
CREATE INDEX session_by_workspace ON public.session USING btree (workspace, parent, created, id);
ALTER TABLE ONLY public.agent_event
    ADD CONSTRAINT agent_event_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.blob_use
    ADD CONSTRAINT blob_use_hash_fkey FOREIGN KEY (hash) REFERENCES public.blob(hash);
ALTER TABLE ONLY public.blob_use
    ADD CONSTRAINT blob_use_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.draft
    ADD CONSTRAINT draft_session_fkey FOREIGN KEY (session) REFERENCES public.session(id) ON DELETE CASCADE;
