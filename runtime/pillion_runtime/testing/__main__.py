"""`python -m pillion_runtime.testing`: the vendor server as a process of its own, for benches and docs."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

import trio

from .echo import Echo
from .rules import Program
from .server import vendor_server


def main() -> None:
    """Serves until it is ended. One JSON line on stdout says where."""
    parser = argparse.ArgumentParser(prog="python -m pillion_runtime.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0: any that is free")
    parser.add_argument("--program", default="echo", help="echo, or module:function")
    parser.add_argument("--model", action="append", help="a model to list; may be given again")
    options = parser.parse_args()
    trio.run(_serve, _program(options.program), options.port, tuple(options.model or ("scripted",)))


def _program(name: str) -> Program:
    if name == "echo":
        return Echo()
    module, _, attribute = name.partition(":")
    sys.path.insert(0, "")
    found: Program = getattr(importlib.import_module(module), attribute)
    return found


async def _serve(program: Program, port: int, models: tuple[str, ...]) -> None:
    async with vendor_server(program, port=port, models=models) as vendor:
        print(json.dumps({"event": "listening", "url": vendor.url}), flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
