"""What a model is sent once a conversation was made shorter: verbatim parts, prefix, forks, restarts, children."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import trio

from pillion import Image, Message, ModelInfo, Text, Thinking, ThinkingSeal, Turn
from pillion import events as e
from pillion.contracts.provider import Finish, Request
from pillion.memorystore import MemoryStore
from pillion.onlooker import Onlooker
from pillion.overlay import Overlay
from pillion.recovery import recall
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, frames
from pillion.testing.scripted import Answer, Gate, calls, says
from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store

from .windows import NO_LIMIT, SMALL, Windowed, compacting, compactions, failures, paired, prose, told

DOT = Image("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (28).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0")


def chatting(words: int = 120) -> Any:
    """Answers each prompt with so many words."""
    return lambda request: says(prose(words, len(request.messages)))


def bytes_of(request: Request) -> list[bytes]:
    return [msgspec.json.encode(message) for message in request.messages]


def looks(times: int, size: int = 100, thinking: bool = False) -> Any:
    """A model that looks so often, each time elsewhere, and then is done."""
    count = 0

    def answer(request: Request) -> Answer:
        nonlocal count
        count += 1
        if count > times:
            return says("Done.")
        called = calls(("look", f'{{"text": "{count}"}}'))
        return [Thinking("Hm."), ThinkingSeal(f"seal{count}"), *called] if thinking else called

    return answer


def looking(size: int = 100) -> FunctionTool:
    async def look(arguments: Any, call: Any) -> str:
        return f"seen at {arguments.text}: {prose(size, int(arguments.text))}"

    return FunctionTool("look", look)


async def test_between_two_cuts_each_request_begins_with_the_one_before(tmp_path: Path, autojump_clock: Any) -> None:
    provider = Windowed(looks(60, thinking=True), model=SMALL)
    async with compacting(tmp_path, provider, looking()) as host:
        session = await host.open(limits=NO_LIMIT)
        await host.run(session, "Look round.", images=[DOT])
        found = await events(session)
        asked = [bytes_of(request) for request in provider.asked]
        broken = [n for n in range(1, len(asked)) if asked[n][: len(asked[n - 1])] != asked[n - 1]]
        assert 1 < len(broken) == len(compactions(found)) < 15
        for request in provider.asked:
            assert paired(request.messages)
            assert request.messages[0] == Message("user", (DOT, Text("Look round.")))
            kept = [part for message in request.messages for part in message.parts if isinstance(part, Thinking)]
            assert all(part.signature for part in kept)
        for event in compactions(found):
            assert event.after < event.before and event.after <= 0.5 * 3_000
            assert (event.by, event.why, event.model) == ("estimate", "window", SMALL.name)


async def test_task_and_last_words_of_the_user_stay_as_they_were(tmp_path: Path, autojump_clock: Any) -> None:
    provider = Windowed(looks(40), model=SMALL)
    said = "Mind the switch,   too!\n\n  (It is hot.)"

    async def look(arguments: Any, call: Any) -> str:
        if arguments.text == "5":
            await session.prompt(said, when="steer")
        return prose(100, int(arguments.text))

    async with compacting(tmp_path, provider, FunctionTool("look", look)) as host:
        session = await host.open()
        provider.script(says("It is done."))
        await host.run(session, "An earlier thing.")
        await host.run(session, "Look round.")
        assert len(compactions(await events(session))) > 1
        texts = [message.text for message in provider.asked[-1].messages if message.role == "user"]
        assert texts[:2] == ["Look round.", said]
        assert "An earlier thing." not in told(provider.asked[-1].messages)


async def test_a_fork_is_as_its_place_was(tmp_path: Path, autojump_clock: Any) -> None:
    provider = Windowed(chatting(), model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        for n in range(25):
            await host.run(session, f"prompt {n}")
        (cut, *_) = compactions(await events(session))
        seq = next(int(f.id) for f in await frames(session) if f.type == "history.compacted")
        before, behind = await host.kernel.fork(session.id, seq - 1), await host.kernel.fork(session.id, seq)
        assert before.cut.messages == 0
        assert (behind.cut.messages, behind.cut.text) == (cut.messages, cut.text)
        assert (
            await before.messages()
            == await behind.messages()
            == (await session.messages())[: len(await before.messages())]
        )
        history, _, head = await recall(session.id, host.kernel.store)
        looked_at = await Onlooker(session.info, host.kernel.store, history, head).sent()
        assert looked_at == await session.sent()
        assert len(looked_at) < len(await session.messages())
        await host.run(behind, "And now?")
        sent = provider.asked[-1].messages
        assert cut.text in told(sent) and sent[-1].text == "And now?"


async def test_what_is_sent_outlives_the_process_and_moves_with_the_session(tmp_path: Path) -> None:
    place = Place(tmp_path / FILE, "")
    first = Windowed(chatting(), model=SMALL)
    async with compacting(tmp_path, first, store=await open_store(place)) as host:
        session = await host.open()
        for n in range(25):
            await host.run(session, f"prompt {n}")
        assert compactions(await events(session))
        file = b"".join([some async for some in host.kernel.export(session.id)])
    second = Windowed(chatting(), model=SMALL)
    async with compacting(tmp_path, second, store=await open_store(place), at=0.99) as host:
        await host.run(await host.kernel.session(session.id), "And now?")
        pieces = iter([file])

        async def more() -> bytes:
            return next(pieces, b"")

        moved = await host.kernel.import_(more, new_ids=True)
        await host.run(moved, "And now?")
    last, after, elsewhere = bytes_of(first.asked[-1]), bytes_of(second.asked[0]), bytes_of(second.asked[1])
    assert after[: len(last)] == last
    assert elsewhere == after


async def test_a_crash_amid_the_summary_leaves_all_as_it_was(tmp_path: Path, autojump_clock: Any) -> None:
    store, gate = MemoryStore(), Gate()
    provider = Windowed(chatting(), [gate, Finish("stop")], model=SMALL)
    async with compacting(tmp_path, provider, store=store) as host:
        session = await host.open()
        async with trio.open_nursery() as nursery:

            async def talk() -> None:
                for n in range(40):
                    await host.run(session, f"prompt {n}")

            nursery.start_soon(talk)
            with trio.fail_after(3600):
                await gate.reached.wait()
            dead = copy.deepcopy(store)
            nursery.cancel_scope.cancel()
        await session.cancel()
    again = Windowed(chatting(), model=SMALL)
    async with compacting(tmp_path, again, store=dead) as host:
        session = await host.kernel.session(session.id)
        assert (session.cut.messages, compactions(await events(session))) == (0, [])
        whole = await session.messages()
        await host.run(session, "And now?")
        assert compactions(await events(session))
        assert (await session.messages())[: len(whole)] == whole


async def test_a_cancel_ends_the_summary(tmp_path: Path, autojump_clock: Any) -> None:
    gate = Gate()
    provider = Windowed(chatting(), [gate, Finish("stop")], model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        passing: list[str] = []

        async def watch() -> None:
            reader = session.follow("latest")
            while page := await reader.page():
                passing.extend(frame.type for frame in page if "." in frame.id)

        async with trio.open_nursery() as nursery:

            async def stop() -> None:
                await gate.reached.wait()
                await session.cancel()

            nursery.start_soon(watch)
            nursery.start_soon(stop)
            for _ in range(40):
                if isinstance(await host.run(session, "Go on."), e.TurnCancelled):
                    break
            nursery.cancel_scope.cancel()
        found = await events(session)
        assert (compactions(found), failures(found), provider.running) == ([], [], 0)
        call = next(event for event in found if isinstance(event, e.UsageRecorded) and event.role == "compact")
        assert call.error == "cancelled"
        assert "history.compacting" in passing


async def test_a_child_makes_its_own_conversation_shorter(tmp_path: Path, autojump_clock: Any) -> None:
    class Delegates:
        name, description = "delegates", "For tests."

        async def run(self, turn: Turn) -> None:
            async with turn.child(strategy="loop") as child:
                accepted = await child.prompt("Look round.")
                self.end = await child.ended(accepted.turn)
                self.found = await events(child)

    strategy, provider = Delegates(), Windowed(looks(30), model=SMALL)
    async with compacting(tmp_path, provider, looking(), plugins={"d": StrategyPlugin(strategy)}) as host:
        session = await host.open()
        ending = await host.run(session, "Have somebody look.", strategy="delegates")
        assert isinstance(strategy.end, e.TurnFinished)
        summed = [event for event in strategy.found if isinstance(event, e.UsageRecorded) and event.role == "compact"]
        assert len(summed) == len(compactions(strategy.found)) > 1
        assert compactions(await events(session)) == []
        assert isinstance(ending, e.TurnFinished) and provider.overflows == 0


async def test_an_open_file_that_was_spoken_of_is_there_as_it_is_now(tmp_path: Path, autojump_clock: Any) -> None:
    def answer(request: Request) -> Answer:
        return says(prose(120, len(request.messages)) + (" I read lamp.py." if len(request.messages) < 3 else ""))

    provider = Windowed(answer, model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        for path in ("lamp.py", "never_named.py"):
            await session.overlays.put(Overlay.of(path, "on = False\n", None))
        for _ in range(40):
            await host.run(session, "Go on.")
        cut = compactions(await events(session))[0]
        assert "lamp.py:\n<file>\non = False\n\n</file>" in cut.text
        assert "never_named.py" not in cut.text


async def test_a_small_models_chat_becomes_shorter_too(tmp_path: Path, autojump_clock: Any) -> None:
    from pillion_agent.plugin import Plugin as Agent

    autojump_clock.autojump_threshold = 0.2  # the README is read in a thread, which the clock does not wait for
    (tmp_path / "README.md").write_text("# lantern\n\nLights the hall.\n")
    provider = Windowed(chatting(), model=ModelInfo("scripted/one", context=4_000, output=1_000, tools="none"))
    async with compacting(tmp_path, provider, plugins={"agent": Agent()}) as host:
        session = await host.open()
        for n in range(30):
            assert isinstance(await host.run(session, f"prompt {n}", strategy="chat"), e.TurnFinished)
        assert provider.overflows == 0
        assert len(compactions(await events(session))) > 1
        assert "Lights the hall." in provider.asked[-1].messages[-1].text
