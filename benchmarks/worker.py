"""One engine of a case in a process of its own; it answers as neuralc.bench.worker does."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.cases import SUITES
from benchmarks.engines import ENGINES
from neuralc.bench.worker import serve


def main() -> None:
    suite, name, engine, folder = sys.argv[1:5]
    case = next(case for case in SUITES[suite]() if case.name == name)
    replies, sys.stdout = sys.stdout, sys.stderr  # what an engine prints is no reply
    call = ENGINES[engine](case, Path(folder))
    output = Path(folder) / f"{abs(hash((name, engine)))}.npy"
    result = call()
    if result is not None:
        np.save(output, np.asarray(result))
    serve(call, {"output": None if result is None else str(output)}, replies, getattr(call, "factor", 1.0))


if __name__ == "__main__":
    main()
