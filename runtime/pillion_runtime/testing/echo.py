"""A program for benches and docs: the prompt says what to answer."""

from __future__ import annotations

import re
from collections import Counter

from pillion.values import Usage

from .asked import Asked
from .script import Call, Cut, Fault, Reply, Status

STREAM = re.compile(
    r"stream (?P<count>\d+) chunks"
    r"(?: of (?P<size>\d+) characters)?"
    r"(?: (?P<pause>\d+) ms apart)?"
    r"(?: after (?P<delay>\d+) ms)?"
    r"(?: cut once after (?P<cut>\d+))?"
)
CALL = re.compile(r"call (?P<name>[\w-]+) (?P<arguments>\{.*\})", re.DOTALL)
BUSY = re.compile(r"busy (?P<times>\d+) times for (?P<seconds>[\d.]+) s")


class Echo:
    """Reads the prompt; what fits nothing is said back word by word.

    - `stream 200 chunks of 20 characters 5 ms apart after 100 ms cut once after 60`: all but the count may be left out
    - `call read_file {"path": "README.md"}`: that call, then a word on its result
    - `busy 2 times for 1 s`: so many 429 with that `retry-after`, for each prompt anew
    """

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._streams: dict[tuple[int, int, float, float, Fault | None], Reply] = {}

    def __call__(self, asked: Asked) -> Reply:
        prompt = asked.prompt
        self._asked[prompt] += 1
        if found := BUSY.search(prompt):
            if self._asked[prompt] <= int(found["times"]):
                return Reply(fault=Status(429, retry_after=float(found["seconds"])))
            self._asked[prompt] = 0
        if found := CALL.search(prompt):
            return self._call(asked, found)
        if found := STREAM.search(prompt):
            return self._stream(found, first=self._asked[prompt] == 1)
        return Reply(text=tuple(re.findall(r"\S+\s*", prompt)))

    def _call(self, asked: Asked, found: re.Match[str]) -> Reply:
        if asked.results:
            return Reply(text=("The tool said ", f"{sum(len(result.text) for result in asked.results)} characters."))
        arguments = found["arguments"]
        half = len(arguments) // 2
        return Reply(calls=(Call(found["name"], (arguments[:half], arguments[half:])),))

    def _stream(self, found: re.Match[str], *, first: bool) -> Reply:
        """The reply is made once and then the same object, so that its encoding is found by identity."""
        count, size = int(found["count"]), int(found["size"] or 20)
        pause, delay = (int(found[name] or 0) / 1000 for name in ("pause", "delay"))
        fault = Cut(int(found["cut"])) if found["cut"] and first else None
        key = (count, size, pause, delay, fault)
        if key not in self._streams:
            text = tuple(f"{at} ".ljust(size, ".")[:size] for at in range(count))
            usage = Usage(input=10, output=count)
            self._streams[key] = Reply(text=text, usage=usage, pause=pause, delay=delay, fault=fault)
        return self._streams[key]
