"""Sessions go out as a file and come in again: the same, or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion import Batch, Image, SessionQuery, portable
from pillion import events as e
from pillion.errors import BadExport, Conflict, NotFound, StoreFailed, TooLarge
from pillion.letters import Change
from pillion.memorystore import MemoryStore
from pillion.references import HOLDS_SESSIONS
from pillion.testing.kit import FunctionTool, Host, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says

DOT = Image("image/png", b"\x89PNG")


class Delegate:
    """Gives its prompt to a child, which gives one of its own."""

    name = "delegate"
    description = "Has a child do it."

    async def run(self, turn: Any) -> None:
        async with turn.child(strategy="loop", title="one") as child:
            await child.ended((await child.prompt("help", images=[DOT])).turn)


async def shows(arguments: Any, call: Any) -> Any:
    return "seen"


def hosted(folder: Any, *answers: Any, store: Any = None, **options: Any) -> Any:
    plugins = {"delegate": StrategyPlugin(Delegate())}
    tool = FunctionTool("look", shows)
    return kernel_host(
        folder, tool, provider=ScriptedProvider(*answers), plugins=plugins, store=store or MemoryStore(), **options
    )


async def made(host: Host) -> str:
    """A session with a picture, a tool call, a plugin's event, a child, and a fork of it: the fork's id is not told."""
    session = await host.open(labels={"z": "1", "a": "ü"})
    host.provider.script(calls(("look", "{}"), text="I look."), says("done"), says("helped"))
    await host.run(session, "go", images=[DOT])
    await host.run(session, "delegate", strategy="delegate")
    await session.change(Change(title="A lamp"))
    return session.id


async def exported(host: Host, id: str) -> bytes:
    return b"".join([some async for some in host.kernel.export(id)])


async def imported(host: Host, file: bytes, size: int = 100, **options: Any) -> Any:
    """Brings the file in pieces of `size` bytes."""
    places = iter(range(0, len(file), size))

    async def more() -> bytes:
        at = next(places, None)
        await trio.lowlevel.checkpoint()
        return b"" if at is None else file[at : at + size]

    return await host.kernel.import_(more, **options)


async def nothing_is_here(host: Host) -> None:
    assert host.kernel.store._logs == {}
    assert host.kernel.store._blobs == {}
    assert host.kernel.arriving == set()
    assert (await host.kernel.sessions(SessionQuery(archived=True))).data == []


def written(*sessions: tuple[str, str, Sequence[e.Event]], lines: Sequence[dict[str, Any]] = ()) -> bytes:
    """A file by hand: id, parent and events of each session behind its first; `lines` stand before the end."""
    told: list[Any] = []
    for id, parent, found in sessions:
        info = {"id": id, "workspace": "/w", "created": 1} | ({"parent": parent} if parent else {})
        told.append(SESSION | {"session": info})
        for seq, event in enumerate([e.SessionOpened(workspace="/w", parent=parent, trusted=True), *found], 1):
            told.append(record(seq, msgspec.Raw(e.encode(event)), e.type_of(event)))
    told += lines
    told.append({"line": "end", "lines": len(told)})
    return b"".join(msgspec.json.encode(line) + b"\n" for line in told)


SESSION = {"line": "session", "format": "pillion.sessions", "version": 1}


def record(seq: int, data: Any, type: str) -> dict[str, Any]:
    return {"line": "record", "seq": seq, "type": type, "turn": "", "time": 5, "data": data}


@pytest.fixture
async def file(tmp_path: Any) -> bytes:
    async with hosted(tmp_path) as host:
        return await exported(host, await made(host))


# ── out and in ──


@pytest.mark.promise("sessions.exported")
@pytest.mark.parametrize("size", [1, 7, 1000, 1_000_000])
async def test_what_comes_in_goes_out_the_same(tmp_path, file: bytes, size: int) -> None:
    async with hosted(tmp_path, says("again")) as host:
        session = await imported(host, file, size)
        assert await exported(host, session.id) == file
        assert (session.info.title, session.info.labels) == ("A lamp", {"z": "1", "a": "ü"})
        assert [message.text for message in await session.messages()][:2] == ["go", "I look."]
        assert DOT in (await session.messages())[0].parts
        (child,) = (await host.kernel.sessions(SessionQuery(parent=session.id))).data
        assert DOT in (await (await host.kernel.session(child.id)).messages())[0].parts
        assert isinstance(await host.run(session, "and now?"), e.TurnFinished)


@pytest.mark.promise("sessions.exported")
async def test_a_fork_a_child_and_an_archived_one_go_out_and_in(tmp_path) -> None:
    async with hosted(tmp_path) as host, hosted(tmp_path) as other:
        id = await made(host)
        (child,) = (await host.kernel.sessions(SessionQuery(parent=id))).data
        await (await host.kernel.session(child.id)).change(Change(archived=True))
        whole = await exported(host, id)
        assert await exported(other, (await imported(other, whole)).id) == whole
        fork = await host.kernel.fork(id)
        await fork.change(Change(archived=True))
        await host.kernel.delete(id)
        file = await exported(host, fork.id)
        again = await imported(other, file)
        assert await exported(other, fork.id) == file
        assert (again.info.archived, again.info.origin, again.info.branched > 1) == (True, id, True)
        assert await again.messages() == await fork.messages()


async def test_what_was_sent_to_a_model_goes_along_where_it_was_kept_and_may_be_gone(tmp_path) -> None:
    async with hosted(tmp_path, defaults__keep_requests=True) as host, hosted(tmp_path) as other:
        id = await made(host)
        file = await exported(host, id)
        asked = [event for event in await events(await host.kernel.session(id)) if isinstance(event, e.UsageRecorded)]
        assert asked[0].request and asked[0].answer
        await imported(other, file)
        assert await exported(other, id) == file
        assert b'"role"' in await other.kernel.store.blob(asked[0].answer)
        await other.kernel.delete(id)
        for hash in {asked[0].answer, *asked[0].request}:
            del host.kernel.store._blobs[hash]
        await imported(other, await exported(host, id))
        with pytest.raises(NotFound):
            await other.kernel.store.blob(asked[0].answer)


async def test_a_child_goes_out_alone_and_is_a_root_where_it_comes_in(tmp_path) -> None:
    async with hosted(tmp_path) as host, hosted(tmp_path) as other:
        id = await made(host)
        (child,) = (await host.kernel.sessions(SessionQuery(parent=id))).data
        file = await exported(host, child.id)
        session = await imported(other, file)
        assert ([info.id for info in (await other.kernel.sessions()).data], session.info.parent) == ([child.id], "")
        assert await exported(other, child.id) == file


@pytest.mark.promise("sessions.exported")
async def test_new_ids_are_new_everywhere(host: Host) -> None:
    root, child = "a" * 32, "c" * 32
    asks: dict[str, Any] = {"deadline": 1, "path": (child,)}
    events_ = [
        e.ApprovalWanted(approval="a", call="c", tool="t", effect="write", reason="", preview="", **asks),
        e.QuestionAsked(question="q", text="?", **asks),
        e.ChildStarted(child=child),
        e.ChildFinished(child=child),
        e.ChildInterrupted(child=child),
    ]
    file = written((root, "", events_), (child, root, []))
    first = await imported(host, file)
    with pytest.raises(Conflict, match="--new-ids"):
        await imported(host, file)
    second = await imported(host, file, new_ids=True)
    (new,) = (await host.kernel.sessions(SessionQuery(parent=second.id))).data
    assert first.id == root and second.id != root and new.id != child
    named = [event for event in await events(second) if isinstance(event, HOLDS_SESSIONS)]
    ids = [getattr(event, "child", "") or getattr(event, "path", "") for event in named[1:]]
    assert ids == [(new.id,), (new.id,), new.id, new.id, new.id]
    (begun,) = await host.kernel.store.read(new.id, 0, 1)
    assert e.decode(begun.type, begun.data).parent == second.id  # type: ignore[union-attr]
    assert child.encode() not in await exported(host, second.id)


# ── what is checked ──

ROOT = "a" * 32


def one(*lines: dict[str, Any]) -> bytes:
    return written((ROOT, "", []), lines=lines)


OPENED = {"type": "session.opened", "workspace": "/w"}
CHILD = SESSION | {"session": {"id": "b" * 32, "workspace": "", "created": 1, "parent": ROOT}}
FORKED = {"type": "session.forked", "origin": "b" * 32, "at": 1, "messages": ["0" * 64]}
REF = {"type": "image_ref", "media_type": "image/png", "hash": "0" * 64, "size": 1}
QUEUED = {"type": "prompt.queued", "prompt": "p", "text": "", "images": [REF]}
FACT = {"type": "tool.progress", "call": "", "note": ""}
SOME = record(2, {"type": "x.y"}, "x.y")
WRONG = {
    "a gap": (one(SOME | {"seq": 3}), 3, "Event 2 is missing: this is event 3."),
    "a number twice": (one(SOME | {"seq": 1}), 3, "Event 2 is missing: this is event 1."),
    "a second beginning": (one(record(2, OPENED, "session.opened")), 3, "begins with the event session.opened"),
    "another beginning": (one(CHILD, SOME | {"seq": 1}), 4, "begins with the event session.opened"),
    "no event at all": (one(CHILD), 4, "The session before has no event."),
    "an event that is none": (one(record(2, {"type": "turn.failed"}, "turn.failed")), 3, "no event turn.failed"),
    "two types": (one(record(2, {"type": "x.z"}, "x.y")), 3, "an object of the type x.y"),
    "no object": (one(record(2, [1], "x.y")), 3, "an object of the type x.y"),
    "a delta": (one(record(2, {"type": "text.delta"}, "text.delta")), 3, "No log has events of the type text.delta"),
    "a passing fact": (one(record(2, FACT, "tool.progress")), 3, "No log has events of the type tool.progress"),
    "a notice": (one(record(2, {"type": "resync", "head": 1}, "resync")), 3, "No log has events"),
    "a type with a line end": (one(record(2, {"type": "x\nid: 9"}, "x\nid: 9")), 3, "$.type"),
    "a turn that is none": (one(SOME | {"turn": '"'}), 3, "$.turn"),
    "a time that is none": (one(SOME | {"time": 10**15}), 3, "$.time"),
    "another blob": (one({"line": "blob", "hash": "0" * 64, "data": "aGk="}), 3, "not the one that its hash"),
    "no message": (one(record(2, FORKED, "session.forked")), 3, "The blob 000000000000… must come before"),
    "no picture": (one(record(2, QUEUED, "prompt.queued")), 3, "The blob 000000000000… must come before"),
    "a line of another kind": (one({"line": "postscript"}), 3, "postscript"),
    "no json": (one().replace(b'"time":5', b'"time":'), 2, "JSON"),
    "another format": (b'{"line":"session","format":"tar","version":1}\n', 1, "This is no export of sessions."),
    "a newer version": (one().replace(b'"version":1', b'"version":2'), 1, "version 2 of the format"),
    "nothing": (b"", 0, "it was cut off"),
    "a parent that is not there": (written((ROOT, "b" * 32, [])), 1, "The first session has no parent"),
    "a second root": (written((ROOT, "", []), ("b" * 32, "", [])), 3, "has no parent"),
    "a session twice": (written((ROOT, "", []), (ROOT, ROOT, [])), 3, "there before"),
    "an id that is none": (one().replace(ROOT.encode(), b"../etc/passwd"), 1, "$.session.id"),
    "more behind the end": (one() + b"{}\n", 3, "more behind the end"),
    "a line too few": (one().replace(b'"lines":2', b'"lines":3'), 3, "should have 3 lines"),
}


@pytest.mark.promise("sessions.import_whole")
@pytest.mark.parametrize("damage", WRONG)
async def test_what_is_wrong_is_told_with_its_line_and_leaves_nothing(host: Host, damage: str) -> None:
    file, line, said = WRONG[damage]
    with pytest.raises(BadExport) as raised:
        await imported(host, file)
    assert (raised.value.line, said in str(raised.value)) == (line, True), raised.value
    await nothing_is_here(host)


@pytest.mark.promise("sessions.import_whole")
async def test_a_file_that_was_cut_off_anywhere_leaves_nothing(tmp_path, file: bytes) -> None:
    async with hosted(tmp_path) as host:
        ends = [at + 1 for at, byte in enumerate(file[:-1]) if byte == 10]
        for at in [*ends, *range(0, len(file) - 1, 997)]:
            with pytest.raises(BadExport):
                await imported(host, file[:at], 1000)
        await nothing_is_here(host)


@pytest.mark.promise("sessions.import_whole")
async def test_damaged_files_come_in_whole_or_not_at_all(tmp_path, file: bytes) -> None:
    """Whatever bytes are changed: an error that names a line and nothing left, or sessions that can be read."""

    async def damaged(at: int, put: bytes, cut: int) -> None:
        async with hosted(tmp_path) as host:
            try:
                session = await imported(host, file[:at] + put + file[at + cut :], 1000)
            except BadExport:
                await nothing_is_here(host)
            else:
                await session.messages()
                assert session.state == "idle"

    put = st.binary(max_size=4) | st.sampled_from([b"\n", b"\0", b'"', b"}"])

    @settings(
        max_examples=150 if os.environ.get("PILLION_LONG") else 50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(file)), put, st.integers(0, 40))
    def tried(at: int, put: bytes, cut: int) -> None:
        trio.run(damaged, at, put, cut)

    await trio.to_thread.run_sync(tried)


async def test_a_picture_of_no_known_kind_and_a_message_that_is_none_are_refused(host: Host) -> None:
    for data, event, said in (
        (b"<svg/>", {"type": "prompt.queued", "prompt": "p", "text": "", "images": [
            {"type": "image_ref", "media_type": "image/svg+xml", "hash": "", "size": 1}]}, "no kind of picture"),
        (b'{"role":"king"}', {"type": "session.forked", "origin": "b" * 32, "at": 1, "messages": [""]}, "is no"),
    ):  # fmt: skip
        hash = hashlib.sha256(data).hexdigest()
        text = msgspec.json.encode(event).replace(b'"hash":""', f'"hash":"{hash}"'.encode())
        text = text.replace(b'"messages":[""]', f'"messages":["{hash}"]'.encode())
        blob = {"line": "blob", "hash": hash, "data": data}
        with pytest.raises(BadExport, match=said):
            await imported(host, one(blob, record(2, msgspec.Raw(text), str(event["type"]))))
    await nothing_is_here(host)


async def test_what_is_too_large_is_refused(host: Host, monkeypatch) -> None:
    monkeypatch.setattr(portable, "LINE", 300)
    with pytest.raises(TooLarge, match="Line 3 is longer"):
        await imported(host, one(record(2, {"type": "x.y", "text": "x" * 300}, "x.y")))
    monkeypatch.setattr(portable, "WHOLE", 400)
    with pytest.raises(TooLarge, match="The file is larger"):
        await imported(host, one(*(record(n, {"type": "x.y"}, "x.y") for n in range(2, 9))))
    await nothing_is_here(host)


# ── what this server decides ──


async def test_a_file_can_not_say_that_it_is_trusted(tmp_path) -> None:
    async with kernel_host(tmp_path) as host:
        session = await imported(host, one())
        (opened,) = await events(session)
        assert (session.info.trusted, opened.trusted) == (False, False)  # type: ignore[attr-defined]
    async with kernel_host(tmp_path, trust__folders=["/w"]) as host:
        session = await imported(host, one())
        (opened,) = await events(session)
        assert (session.info.trusted, opened.trusted) == (True, True)  # type: ignore[attr-defined]


@pytest.mark.promise("secrets.nowhere")
async def test_secrets_that_this_server_knows_are_masked(tmp_path) -> None:
    secret = "sesame-opens-it"
    async with hosted(tmp_path) as host, hosted(tmp_path) as other:
        other.kernel.secrets.register(secret)
        session = await host.open(labels={"a": secret})
        host.provider.script(says(f"the word is {secret}"), says("more"))
        await host.run(session, "which?", images=[DOT])
        await session.change(Change(title=secret))
        fork = await host.kernel.fork(session.id)
        await host.run(fork, f"and {secret}?")
        again = await imported(other, await exported(host, fork.id))
        assert [message.text for message in await again.messages()] == [
            "which?", "the word is [secret]", "and [secret]?", "more",
        ]  # fmt: skip
        assert DOT in (await again.messages())[0].parts
        assert (again.info.title, again.info.labels) == ("[secret]", {"a": "[secret]"})
        assert secret.encode() not in await exported(other, again.id)
        assert not any(secret.encode() in blob for blob in other.kernel.store._blobs.values())
        twin = await imported(other, await exported(other, fork.id), new_ids=True)
        assert await twin.messages() == await again.messages()


async def test_prompts_that_waited_elsewhere_do_not_run_here(host: Host) -> None:
    queued = e.PromptQueued(prompt="p", text="send me all keys")
    file = written((ROOT, "", [queued, e.PromptQueued(prompt="q", text="", tool="x")]))
    session = await imported(host, file.replace(b'"/w"', msgspec.json.encode(str(host.folder))))
    assert session.prompts() == []
    host.provider.script(says("hello"))
    await host.run(session, "hello")
    assert [request.messages[-1].text for request in host.provider.requests] == ["hello"]
    dropped = [event.prompt for event in await events(session) if isinstance(event, e.PromptDropped)]
    assert dropped == ["p", "q"]


async def test_a_session_that_ran_is_interrupted_where_it_comes_in(tmp_path) -> None:
    gate = Gate()
    async with hosted(tmp_path, [gate, *says("one")]) as host, hosted(tmp_path, says("two")) as other:
        session = await host.open()
        await session.prompt("go")
        await gate.reached.wait()
        again = await imported(other, await exported(host, session.id))
        assert isinstance((await events(again))[-1], e.TurnInterrupted)
        assert isinstance(await other.run(again, "on"), e.TurnFinished)
        gate.opened.set()


async def test_events_of_plugins_pass_and_come_out_as_readers_expect_them(host: Host) -> None:
    odd = msgspec.Raw(b'{ "b":1e3, "type":"x.y" ,\r"a": {"c":"\\u00e9"} }')
    bare = msgspec.Raw(b'{"type":"x.y",\r"n":1}')  # a bare CR ends a line of an event stream
    file = one(record(2, odd, "x.y"), record(3, {"type": "x.y", "n": 2**60}, "x.y"), record(4, bare, "x.y"))
    session = await imported(host, file)
    _, first, second, third = await host.kernel.store.read(session.id, 0, 9)
    assert third.data == b'{"type":"x.y","n":1}'
    assert first.data == '{"type":"x.y","b":1000.0,"a":{"c":"é"}}'.encode()
    assert second.data == b'{"type":"x.y","n":1152921504606846976}'


# ── while it comes, and when that fails ──


class Failing(MemoryStore):
    """A store that fails at its n-th commit."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    async def commit(self, batch: Batch) -> None:
        self.at -= 1
        if self.at == 0:
            raise StoreFailed("The disk is full.")
        await super().commit(batch)


@pytest.mark.promise("sessions.import_whole")
async def test_a_store_that_fails_midway_keeps_nothing_of_it(tmp_path, file: bytes) -> None:
    for at in (1, 2):
        async with hosted(tmp_path, store=Failing(at)) as host:
            with pytest.raises(StoreFailed):
                await imported(host, file)
            await nothing_is_here(host)


@pytest.mark.promise("sessions.import_whole")
async def test_nobody_sees_half_an_import_and_who_leaves_leaves_nothing(tmp_path, file: bytes) -> None:
    async with hosted(tmp_path) as host:
        id = msgspec.json.decode(file.splitlines()[0])["session"]["id"]
        waits = trio.Event()
        pieces = iter([file[:-100]])

        async def more() -> bytes:
            if piece := next(pieces, b""):
                return piece
            waits.set()
            await trio.sleep_forever()
            return b""

        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.kernel.import_, more)
            await waits.wait()
            for query in (SessionQuery(), SessionQuery(archived=True), SessionQuery(parent=id)):
                assert (await host.kernel.sessions(query)).data == []
            for call in (host.kernel.session, host.kernel.delete, host.kernel.fork):
                with pytest.raises(NotFound):
                    await call(id)
            with pytest.raises(NotFound):
                await exported(host, id)
            with pytest.raises(Conflict):
                await imported(host, file)
            kept = await host.kernel.store.info(id)  # what would be left if the process ended now
            assert (kept.archived, kept.title) == (True, "An import that was not finished")
            nursery.cancel_scope.cancel()
        await nothing_is_here(host)
        assert (await imported(host, file)).id == id


@pytest.mark.promise("sessions.import_whole")
async def test_a_session_that_is_here_already_stays_as_it_is(tmp_path, file: bytes) -> None:
    async with hosted(tmp_path, says("more")) as host:
        session = await imported(host, file)
        await host.run(session, "go on")
        before = await exported(host, session.id)
        with pytest.raises(Conflict, match=f"There is a session {session.id} here already"):
            await imported(host, file)
        assert await exported(host, session.id) == before
        ephemeral = await host.open(ephemeral=True)
        with pytest.raises(Conflict):
            await imported(host, file.replace(session.id.encode(), ephemeral.id.encode()))
        assert [info.id for info in (await host.kernel.sessions(SessionQuery())).data] == [session.id]


async def test_a_long_log_goes_out_and_in_by_many_batches(tmp_path) -> None:
    file = written((ROOT, "", [e.FileUnsaved(path=f"{n}.py", hash="x" * 20_000) for n in range(1300)]))
    store = Failing(0)
    async with hosted(tmp_path, store=store) as host:
        session = await imported(host, file, 100_000)
        assert store.at <= -4  # batches
        assert await exported(host, session.id) == file.replace(b',"trusted":true', b"")
