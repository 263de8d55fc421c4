"""Runs the cases of a file against jax, in a process of its own: `worker.py FILE exact|native`; one JSON line a case.

exact: both in float64, the reference interpreter without rounding. native: compiled code in float32.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
MODE = sys.argv[2]
jax.config.update("jax_enable_x64", MODE == "exact")

from cases import CASES, Case  # noqa: E402

import neuralc  # noqa: E402
from neuralc.dialects.interp.run import run_module  # noqa: E402
from neuralc.imported import ImportedModel  # noqa: E402

STRUCTURE = {
    "graph.get_weight",
    "graph.return",
    "graph.yield",
    "graph.model",
    "graph.weight",
    "graph.dim",
    "builtin.module",
}


def check(case: Case) -> dict[str, Any]:
    args = jax.tree_util.tree_map(jax.numpy.asarray, tuple(case.args))
    params = jax.tree_util.tree_map(jax.numpy.asarray, case.params)
    given = () if params is None else (params,)
    wanted = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(case.function(*given, *args))]
    model = neuralc.from_jax(case.function, params, *args, dynamic=case.dynamic)
    inputs = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(args)]
    found = run(model, inputs)
    ops = sorted({op.name.removeprefix("graph.") for op in model.module.walk() if op.name not in STRUCTURE})
    return {
        "error": max((distance(*pair) for pair in zip(found, wanted, strict=True)), default=0.0),
        "ops": ops,
        "wanted": case.ops,
    }


def run(model: ImportedModel, inputs: list[Any]) -> list[Any]:
    if MODE == "exact":
        return list(run_module(model.module, inputs, model.weights))
    found = model.compile(cache=False, threads=1)(*inputs)
    return list(found) if isinstance(found, tuple) else [found]


def distance(found: Any, wanted: Any) -> float:
    """The largest difference as a part of max(1, max|y|); infinite where shapes, dtypes or places of NaN differ."""
    found = np.asarray(found)
    if found.shape != wanted.shape or (found.dtype != wanted.dtype and found.dtype != np.float64):
        return float("inf")
    if wanted.dtype.kind in "biu":
        return 0.0 if np.array_equal(found, wanted) else float("inf")
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    if same.all():
        return 0.0
    if not np.isfinite(found[~same]).all() or not np.isfinite(wanted[~same]).all():
        return float("inf")
    scale = max(1.0, float(np.abs(wanted[np.isfinite(wanted)]).max()))
    return float(np.abs(found[~same] - wanted[~same]).max()) / scale


def main() -> None:
    spec = spec_from_file_location("cases_of_file", sys.argv[1])
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module_from_spec(spec))
    for name in sys.argv[3:] or CASES:
        try:
            report = check(CASES[name](np.random.default_rng(0)))
        except Exception:
            report = {"failure": traceback.format_exc()}
        print(json.dumps({"name": name, **report}), flush=True)


main()
