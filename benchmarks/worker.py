"""One engine in a process of its own. Speaks JSON lines: `{"do": "run", "seconds": 0.05}` answers the times of a round.

The first answer, before any command, is `{"output": path}`: the engine's result on the case's input.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.cases import SUITES
from benchmarks.engines import ENGINES, Call


def main() -> None:
    suite, name, engine, folder = sys.argv[1:5]
    case = next(case for case in SUITES[suite]() if case.name == name)
    replies = sys.stdout
    sys.stdout = sys.stderr  # what an engine prints is no reply
    call = ENGINES[engine](case, Path(folder))
    output = Path(folder) / f"{abs(hash((name, engine)))}.npy"
    result = call()
    if result is not None:
        np.save(output, np.asarray(result))
    print(json.dumps({"output": None if result is None else str(output)}), file=replies, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "stop":
            return
        factor = getattr(call, "factor", 1.0)
        times = [factor * each for each in _round(call, command["seconds"])]
        print(json.dumps({"seconds": times}), file=replies, flush=True)


def _round(call: Call, seconds: float) -> list[float]:
    """Times of single calls over about `seconds`, after a few that are not counted."""
    warm_end = time.perf_counter() + seconds / 5
    call()
    while time.perf_counter() < warm_end:
        call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main()
