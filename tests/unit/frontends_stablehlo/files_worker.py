"""Loads StableHLO files, in a process of its own: `files_worker.py FILE..`; one JSON line a file.

A line has the codes of the error, or what the model gives for an input of ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuralc import driver
from neuralc.dialects.graph import the_model
from neuralc.dialects.interp.run import run_module
from neuralc.dialects.types import shape_of
from neuralc.grammar.diagnostics import NeuralcError


def report(path: Path) -> dict[str, Any]:
    try:
        loaded = driver.load(path, driver.Options())
    except NeuralcError as failure:
        return {"codes": [each.code for each in failure.diagnostics], "text": str(failure)}
    model = the_model(loaded.module)
    shapes = [[size if isinstance(size, int) else 2 for size in shape_of(value.type)] for value in model.arguments]
    results = run_module(loaded.module, [np.ones(shape) for shape in shapes], loaded.weights)
    return {
        "inputs": model.inputs,
        "outputs": model.outputs,
        "shapes": [str(value.type) for value in model.arguments],
        "values": [result.reshape(-1)[:8].tolist() for result in results],
    }


for name in sys.argv[1:]:
    print(json.dumps({"file": Path(name).name, **report(Path(name))}), flush=True)
