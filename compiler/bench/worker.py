"""One engine in a process of its own: `python -m neuralc.bench.worker FOLDER`, which has request.json and inputs.npz.

Speaks JSON lines. The first, before any question, is `{"outputs": FILE, "seconds": s}`: what the engine computes, and
how long it took to get ready. `{"seconds": 0.05}` is answered with the times of single calls over so long. The end of
stdin ends it. benchmarks/ has workers of its own, which answer in the same way through `serve`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np


def main(folder: Path) -> None:
    from neuralc.bench.engines import ENGINES, restrict

    replies, sys.stdout = sys.stdout, sys.stderr  # what an engine prints is no reply
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    with np.load(folder / "inputs.npz") as stored:
        inputs = [stored[f"arr_{index}"] for index in range(len(stored.files))]
    restrict(request)
    start = time.perf_counter()
    call = ENGINES[request["engine"]](request, inputs)
    outputs = call()
    ready = time.perf_counter() - start
    np.savez(folder / "outputs.npz", *outputs)
    serve(call, {"outputs": str(folder / "outputs.npz"), "seconds": ready}, replies)


def serve(call: Callable[[], Any], first: dict[str, Any], replies: TextIO, factor: float = 1.0) -> None:
    """Answer the questions for the times of calls; a call counts `factor` times."""
    answer(lambda seconds: [factor * each for each in round_of(call, seconds)], first, replies)


def answer(times_in: Callable[[float], list[float]], first: dict[str, Any], replies: TextIO) -> None:
    """Answer the questions for the times of a round of so many seconds, until there are no more."""
    print(json.dumps(first), file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps({"times": times_in(json.loads(line)["seconds"])}), file=replies, flush=True)


def round_of(call: Callable[[], Any], seconds: float) -> list[float]:
    """Times of single calls over about `seconds`, after a few that are not counted."""
    warm_end = time.perf_counter() + seconds / 5
    call()
    while time.perf_counter() < warm_end:
        call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not times:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main(Path(sys.argv[1]))
