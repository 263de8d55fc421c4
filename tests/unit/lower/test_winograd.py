"""Winograd convolutions: within their bounds of PyTorch in float64, whatever the sizes, the padding, what is behind.

The reference semantics hold the algorithms exactly (1e-9); native code rounds, F(4, 3) more than F(2, 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from support.compare import Array, assert_close, calls
from support.graph_modules import GraphModule, random_array, tensor
from support.pipelines import EXACT, NATIVE, as_tuple, assert_levels_agree, compile_native
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects import tensor as loops
from neuralc.dialects.types import element_type_of
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.pipelines import load, pipeline
from neuralc.passes.target import Target
from neuralc.passes.tensor.winograd import WinogradPass

BOUNDS = {2: NATIVE, 4: 1e-4}
"""Of native fp32, times max(1, max|y|), by the tile of an algorithm."""
THOROUGH = pytest.mark.thorough


def passes_with(tile: int) -> list[ModulePass]:
    """The passes of -O2; every convolution that can be is of the algorithm, however small its gain."""
    chosen = WinogradPass(tiles=(tile,), least_gain=0.0, growth=-1.0)
    return [chosen if each.name == chosen.name else each for each in load(pipeline(2))]


@dataclass(frozen=True)
class Case:
    """One convolution with a bias and what may stand behind it."""

    batch: int | str
    height: int
    width: int
    channels: int
    outputs: int
    pads: tuple[int, int, int, int] = (1, 1, 1, 1)
    data_format: str = "NHWC"
    dtype: str = "float32"
    residual: bool = False
    relu: bool = True

    @property
    def shape(self) -> tuple[int | str, ...]:
        pixels = (self.height, self.width)
        if self.data_format == "NHWC":
            return self.batch, *pixels, self.channels
        return self.batch, self.channels, *pixels

    def array(self, seed: int = 0) -> Array:
        shape = [3 if isinstance(size, str) else size for size in self.shape]
        return random_array(np.random.default_rng(seed), *shape, dtype=self.dtype)

    def module(self) -> tuple[ModuleOp, WeightStore]:
        rng, made = np.random.default_rng(1), GraphModule()
        kernel = random_array(rng, 3, 3, self.channels, self.outputs, dtype=self.dtype)
        bias = random_array(rng, self.outputs, dtype=self.dtype)

        def body(x: SSAValue) -> SSAValue:
            weights = made.weight("conv.kernel", kernel / np.sqrt(9 * self.channels, dtype=self.dtype))
            y = graph.ConvOp.of(
                x, weights, made.weight("conv.bias", bias), pads=self.pads, data_format=self.data_format
            ).result
            y = graph.AddOp.of(y, x).result if self.residual else y
            return graph.ReluOp.of(y).result if self.relu else y

        element = element_type_of(np.dtype(self.dtype))
        return made.model({"x": tensor(*self.shape, element=element)}, body), made.weights


def torch_result(case: Case, x: Array, weights: WeightStore) -> Array:
    """The case in PyTorch, in float64."""
    torch = pytest.importorskip("torch")
    first = case.data_format == "NCHW"
    pixels = torch.tensor(np.asarray(x, "float64") if first else np.moveaxis(x, -1, 1).astype("float64"))
    kernel = torch.tensor(np.asarray(weights["conv.kernel"], "float64")).permute(3, 2, 0, 1)
    top, left, bottom, right = case.pads
    padded = torch.nn.functional.pad(pixels, (left, right, top, bottom))
    y = torch.nn.functional.conv2d(padded, kernel, torch.tensor(np.asarray(weights["conv.bias"], "float64")))
    y = y + pixels if case.residual else y
    y = torch.relu(y) if case.relu else y
    found: Array = y.numpy()
    return found if first else np.moveaxis(found, 1, -1)


def native(case: Case, tile: int, x: Array, threads: int = 1) -> Array:
    module, weights = case.module()
    model = compile_native(module, weights, 2, Target.host(), threads=threads, passes=passes_with(tile))
    return as_tuple(model(x))[0]


CASES = {
    "one tile": Case(1, 2, 2, 16, 16),
    "one pixel": Case(1, 3, 3, 16, 16, (0, 0, 0, 0)),
    "odd sizes": Case(1, 7, 9, 32, 32),
    "several blocks": Case(1, 30, 26, 96, 64),
    "no padding": Case(2, 11, 8, 16, 48, (0, 0, 0, 0)),
    "padding on one side": Case(1, 8, 8, 24, 16, (2, 0, 0, 1)),
    "channels that fill no vector": Case(1, 6, 6, 21, 16),
    "outputs that fill no panel": Case(1, 6, 6, 16, 37),
    "channels first": Case(1, 9, 6, 16, 32, data_format="NCHW"),
    "channels first, no padding": Case(1, 9, 6, 16, 32, (0, 0, 0, 0), "NCHW"),
    "residual": Case(2, 27, 26, 96, 96, residual=True),
    "residual, channels first": Case(1, 7, 6, 32, 32, data_format="NCHW", residual=True),
    "batch": Case(5, 6, 5, 16, 16),
    "symbolic batch": Case("batch", 7, 7, 16, 32),
    "fp64": Case(1, 7, 6, 16, 16, dtype="float64"),
    "many channels": Case(1, 8, 8, 256, 128),
    "nothing behind": Case(1, 6, 6, 16, 16, relu=False),
}


FAST = ("odd sizes", "channels first")


@pytest.mark.parametrize("tile", BOUNDS)
@pytest.mark.parametrize("name", [name if name in FAST else pytest.param(name, marks=THOROUGH) for name in CASES])
def test_native_code_is_within_the_bound_of_torch(name: str, tile: int) -> None:
    case = CASES[name]
    x = case.array()
    _, weights = case.module()
    bound = EXACT if case.dtype == "float64" else BOUNDS[tile]
    assert_close(native(case, tile, x), torch_result(case, x, weights), bound)


@pytest.mark.parametrize("tile", BOUNDS)
@pytest.mark.parametrize(
    "name",
    [
        "odd sizes",
        pytest.param("symbolic batch", marks=THOROUGH),
        pytest.param("padding on one side", marks=THOROUGH),
        pytest.param("outputs that fill no panel", marks=THOROUGH),
    ],
)
def test_levels_agree(name: str, tile: int) -> None:
    case = CASES[name]
    module, weights = case.module()
    assert_levels_agree(module, weights, [{"x": case.array()}], 2, Target.cpu("x86-64-v3"), passes=passes_with(tile))


@THOROUGH
@pytest.mark.parametrize("tile", BOUNDS)
@pytest.mark.parametrize("seed", range(20))
def test_random_cases(seed: int, tile: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(3, 24, 2))
    channels, outputs = (int(n) for n in rng.integers(1, 80, 2))
    top, left, bottom, right = (int(n) for n in rng.integers(0, 3, 4))
    layout = str(rng.choice(["NHWC", "NCHW"]))
    batches: list[int | str] = [1, 2, 5, "batch"]
    batch, pads = batches[int(rng.integers(4))], (top, left, bottom, right)
    case = Case(batch, height, width, channels, outputs, pads, layout, relu=bool(rng.integers(2)))
    x = case.array(seed)
    _, weights = case.module()
    assert_close(native(case, tile, x), torch_result(case, x, weights), BOUNDS[tile])


@THOROUGH
@pytest.mark.parametrize("tile", BOUNDS)
def test_large_layers_are_within_the_bound(tile: int) -> None:
    """As many sums as real layers have, of values of one sign too, whose sums are large."""
    for channels, size in ((512, 7), (256, 14), (64, 56)):
        case = Case(1, size, size, channels, channels, relu=False)
        for x in (case.array(), np.abs(case.array())):
            assert_close(native(case, tile, x), torch_result(case, x, case.module()[1]), BOUNDS[tile])


@THOROUGH
@pytest.mark.parametrize("tile", BOUNDS)
def test_threads_give_the_same_bits(tile: int) -> None:
    case = Case(3, 31, 29, 64, 64)
    x = case.array()
    np.testing.assert_array_equal(native(case, tile, x, threads=1), native(case, tile, x, threads=2))


def test_a_nan_reaches_the_places_whose_windows_hold_it() -> None:
    case = Case(1, 9, 9, 16, 16, relu=False)
    x = case.array()
    x[0, 4, 5, 3] = np.nan
    expected = np.zeros((9, 9), bool)
    expected[3:6, 4:7] = True
    module, weights = case.module()
    context = PassContext(target=Target.host())
    for each in passes_with(2):
        each.run_in(module, context)
        if each.name == "tensor-winograd":
            break
    assert any(isinstance(op, loops.WinogradOp) for op in module.walk())
    for found in (native(case, 2, x), calls(module, {"x": x}, weights)[0]):
        np.testing.assert_array_equal(np.isnan(found).all(-1)[0], expected)
        np.testing.assert_array_equal(np.isnan(found).any(-1)[0], expected)


@THOROUGH
@pytest.mark.parametrize("mcpu", ["x86-64", "x86-64-v3", "x86-64-v4"])
def test_other_processors_have_kernels_of_their_own(mcpu: str) -> None:
    case = Case(1, 5, 4, 16, 24)
    module, weights = case.module()
    assert_levels_agree(module, weights, [{"x": case.array()}], 2, Target.cpu(mcpu), passes=passes_with(2))
