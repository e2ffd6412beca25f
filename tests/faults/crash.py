"""`python tests/faults/crash.py --kills 300 --seed 1`: kills servers at every kill point and at random moments.

Prints the kill points with how often the scenario passes each, then a line for each kill, then a summary. The exit code
is 1 when a promise broke or a point was not passed; `--point NAME --hit N` runs one kill again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.crashrun import Harness, Kill, Outcome, kills, run_all
from tests.faults.crashserver import Forker, forking
from tests.faults.killpoints import kill_points


async def main(asked: argparse.Namespace) -> int:
    async with forking() as forker:
        return await report(forker, asked)


async def report(forker: Forker, asked: argparse.Namespace) -> int:
    began = time.monotonic()
    points = kill_points()
    harness = Harness(forker, Path(tempfile.mkdtemp(prefix="crash")), points)
    visits = await harness.prepare()
    for point in points:
        print(f"{visits[point.name]:6} {point.name}  {point.file}:{point.line}", flush=True)
    never = [point.name for point in points if not visits[point.name]]
    print(f"{len(points)} points, {len(never)} of them not passed: {', '.join(never) or 'none'}", flush=True)
    chosen = kills(visits, asked.kills, asked.seed)
    if asked.point:
        chosen = [Kill(number, asked.point, asked.hit) for number in range(1, asked.kills + 1)]
    done = Counter[str]()

    def tell(outcome: Outcome) -> None:
        done["all"] += 1
        done["ok" if not outcome.broken else "broken"] += 1
        done["missed"] += not outcome.reached
        how = "ok" if not outcome.broken else f"BROKEN, see {outcome.folder}"
        missed = "" if outcome.reached else " (killed when the scenario was over)"
        print(f"[{done['all']}/{len(chosen)}] {outcome.kill}{missed}: {how}, {outcome.seconds:.1f} s", flush=True)
        for broken in outcome.broken:
            print(f"    seed {asked.seed}: {broken}", flush=True)

    outcomes = await run_all(harness, chosen, tell, asked.at_once)
    died_at = {outcome.kill.point for outcome in outcomes if outcome.kill.point and outcome.reached}
    moments = sum(not outcome.kill.point for outcome in outcomes)
    print(
        f"{done['all']} kills in {time.monotonic() - began:.0f} s, seed {asked.seed}: {done['ok']} ok, "
        f"{done['broken']} broken; {len(died_at)} of {len(points)} points died at, {moments} moments, "
        f"{done['missed']} not reached; {len(never)} points not passed"
    )
    return 1 if done["broken"] or never else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--point", default="", help="Only this one.")
    parser.add_argument("--hit", type=int, default=1)
    sys.exit(trio.run(main, parser.parse_args()))
