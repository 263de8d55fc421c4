"""Programs of the tensor level for tests: each is interpreted, lowered and compiled, and all have to agree.

    check("%y = tensor.map ..", ["tensor<4x8xf32>"], "tensor<4x8xf32>", [x])

runs a body that defines %y (or %y0, %y1, ..) from %x0, %x1, .. at every level of optimization.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from support.compare import Array, assert_close
from support.pipelines import NATIVE, POLYNOMIALS
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm.in_process import load_native
from neuralc.emit.llvm.products import generate
from neuralc.passes.base import PassContext
from neuralc.passes.parsing import parse_module
from neuralc.passes.pipelines import load, pipeline, slice_pipeline
from neuralc.passes.printing import print_module
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.runtime import Model

LEVELS = (0, 1, 2)


def program(body: str, operands: Sequence[str], results: str | Sequence[str], symbols: Iterable[str] = ()) -> str:
    """The text of a model around a body."""
    results = [results] if isinstance(results, str) else list(results)
    arguments = ", ".join(f"%x{i}: {type_}" for i, type_ in enumerate(operands))
    inputs = ", ".join(f'"x{i}"' for i in range(len(operands)))
    values = ["%y"] if len(results) == 1 else [f"%y{i}" for i in range(len(results))]
    outputs = ", ".join(f'"y{i}"' for i in range(len(results)))
    dims = "\n".join(f'graph.dim @{name} from 0 to 100000 origin "test"' for name in symbols)
    return f"""{dims}
graph.model @program({arguments}) -> ({", ".join(results)}) inputs [{inputs}] outputs [{outputs}] {{
  {body}
  graph.return {", ".join(values)}
}}
"""


def check(
    body: str,
    operands: Sequence[str],
    results: str | Sequence[str],
    inputs: Sequence[Array] | Sequence[Sequence[Array]],
    *,
    symbols: Iterable[str] = (),
    levels: Sequence[int] = LEVELS,
    tolerance: float = NATIVE,
) -> None:
    """The interpreter on every level and native code find the same; `inputs` is one run, or a list of runs."""
    text = program(body, operands, results, symbols)
    runs = [list(inputs)] if not inputs or isinstance(inputs[0], np.ndarray | np.generic) else [list(i) for i in inputs]
    for level in levels:
        check_module(parse_module(text), runs, level, tolerance)


def check_module(module: ModuleOp, runs: Sequence[Sequence[Array]], level: int, tolerance: float = NATIVE) -> None:
    """One module of the tensor level, changed in place."""
    verify_module(module)
    store, target = WeightStore(), Target.host()
    named = [{f"x{i}": array for i, array in enumerate(run)} for run in runs]
    expected = [run_module(module, run, store) for run in named]
    lowered = lower(module, level, store, target)
    for run, wanted in zip(named, expected, strict=True):
        agree(run_module(lowered, run, store), wanted, max(POLYNOMIALS, tolerance if tolerance > NATIVE else 0))
    model = load_native(generate(lowered, store, target, opt=level, threads=1))
    for run, wanted in zip(named, expected, strict=True):
        found = model(**run)
        agree(found if isinstance(found, tuple) else [found], wanted, tolerance)


def lower(module: ModuleOp, level: int, store: WeightStore, target: Target) -> ModuleOp:
    """The kernel level of a module of the tensor level."""
    context = PassContext(target=target, weights=store)
    for each in load(slice_pipeline(pipeline(level), start="tensor")):
        each.run_in(module, context)
        verify_module(module)
    return module


def agree(found: Sequence[Array], wanted: Sequence[Array], tolerance: float) -> None:
    assert len(found) == len(wanted)
    for after, before in zip(found, wanted, strict=True):
        assert_close(after, before, tolerance)


def kernels(
    body: str, operands: Sequence[str], results: str | Sequence[str], symbols: Iterable[str] = (), level: int = 2
) -> str:
    """The kernel level as text, for tests that look at it: of one processor, whatever this machine is."""
    module = parse_module(program(body, operands, results, symbols))
    return print_module(lower(module, level, WeightStore(), Target.cpu("haswell")))


def compiled(
    body: str, operands: Sequence[str], results: str | Sequence[str], level: int, symbols: Iterable[str] = ()
) -> Model:
    """Native code in this process."""
    store, target = WeightStore(), Target.host()
    module = lower(parse_module(program(body, operands, results, symbols)), level, store, target)
    return load_native(generate(module, store, target, opt=level, threads=1))
