"""Models of JAX: functions over trees of parameters, and where Flax is installed those of Flax."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.round_trip.original import Original, Subject
from benchmarks.suite import ROOT
from neuralc.driver import Options

CASES = ROOT / "tests" / "unit" / "frontends_stablehlo"
"""What importing from JAX is tried on."""


def jax_models(folders: Sequence[Path]) -> Iterator[Subject]:
    """The whole models among the cases of the front end."""
    sys.path.insert(0, str(CASES))
    for file in ("model_cases", *(["flax_models"] if find_spec("flax") else [])):
        import_module(file)
    for name, make in import_module("cases").CASES.items():
        yield Subject("jax", name, lambda folder, make=make: _of_jax(make(np.random.default_rng(0))))


def _of_jax(case: Any) -> Original:
    import jax

    import neuralc

    args, params = jax.tree_util.tree_map(jax.numpy.asarray, (tuple(case.args), case.params))
    given = () if params is None else (params,)
    expected = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(jax.jit(case.function)(*given, *args))]
    model = neuralc.from_jax(case.function, params, *args, dynamic=case.dynamic)
    return Original(model, [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(args)], expected, Options())
