"""`neuralc.from_torch`: its arguments, names, sizes, states, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.compare import assert_close
from support.torch_modules.structured import RunningMean
from support.torch_programs import Halves, Sampler, Small, Twice, WithACondition, WritesItsInput
from torch import Tensor, nn
from xdsl.ir import Operation

import neuralc
from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import shape_of
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.imported import ImportedModel
from neuralc.passes.scopes import scopes_of

pytestmark = pytest.mark.thorough


def ops(model: ImportedModel, name: str) -> list[Operation]:
    return [op for op in model.module.walk() if op.name == name]


def sizes(model: ImportedModel) -> dict[str, tuple[int, int | None]]:
    found = [op for op in model.module.walk() if isinstance(op, graph.DimOp)]
    return {op.sym_name.data: (op.minimum.data.value, op.maximum.data.value if op.maximum else None) for op in found}


# --- arguments -------------------------------------------------------------------------------------------------------
def test_the_module_is_as_before_afterwards() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.BatchNorm1d(4)).train()
    module[1].eval()
    neuralc.from_torch(module, (torch.zeros(2, 4),))
    assert [part.training for part in module.modules()] == [True, True, False, True]


def test_a_program_of_torch_export_is_taken_too() -> None:
    exported = torch.export.export(nn.Linear(4, 2), (torch.zeros(3, 4),))
    model = neuralc.from_torch(exported, name="layer")
    assert (model.name, sorted(model.weights)) == ("layer", ["bias", "weight"])
    assert model.compile()(np.zeros((3, 4), np.float32)).shape == (3, 2)


def test_keyword_arguments_and_numbers() -> None:
    model = neuralc.from_torch(Small(), (torch.zeros(1, 3, 8, 8),), {"scale": 3.0})
    (found,) = [op for op in model.module.body.block.ops if isinstance(op, graph.ModelOp)]
    assert found.inputs == ("image",)
    assert found.outputs == ("logits", "features")


def test_a_layer_that_torch_cannot_export_is_told() -> None:
    with pytest.raises(NeuralcError, match="E0630"):
        neuralc.from_torch(nn.Linear(4, 2), (torch.zeros(3),))
    with pytest.raises(NeuralcError, match="E0630"):
        neuralc.from_torch("model.pt", ())  # type: ignore[arg-type]


# --- names -----------------------------------------------------------------------------------------------------------
def test_values_and_ops_know_their_module() -> None:
    model = neuralc.from_torch(nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.ReLU())), (torch.zeros(2, 4),))
    (dense,) = ops(model, "graph.dense")
    assert dense.results[0].name_hint == "v0.0"
    assert [scope.path for scope in scopes_of(dense.location)] == ["0", "0.0"]


def test_a_layer_that_is_called_twice_has_one_weight() -> None:
    model = neuralc.from_torch(Twice(), (torch.zeros(2, 4),))
    assert len(ops(model, "graph.dense")) == 2
    assert sorted(model.weights) == ["fc.bias", "fc.weight"]


def test_running_statistics_are_not_trained() -> None:
    model = neuralc.from_torch(nn.BatchNorm1d(3), (torch.zeros(2, 3),))
    fixed = {op.sym_name.data for op in model.module.walk() if isinstance(op, graph.WeightOp) and op.attributes}
    assert fixed == {"running_mean", "running_var"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_views(dtype: torch.dtype) -> None:
    module = nn.Linear(4, 2).to(dtype)
    array = neuralc.from_torch(module, (torch.zeros(1, 4, dtype=dtype),)).weights["weight"]
    assert array.dtype.name == str(dtype).removeprefix("torch.")
    assert array.__array_interface__["data"][0] == module.weight.data_ptr()


def test_dropout_stays() -> None:
    model = neuralc.from_torch(nn.Sequential(nn.Dropout(0.3), nn.Dropout2d(0.2)), (torch.zeros(1, 2, 3, 3),))
    assert [op.properties["rate"].value.data for op in ops(model, "graph.dropout")] == [0.3, 0.2]  # type: ignore[attr-defined]


# --- sizes -----------------------------------------------------------------------------------------------------------
class Added(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.cat([x + y, x], 1)


def test_sizes_have_the_users_names() -> None:
    dynamic = {"x": {0: "batch", 1: "width"}, "y": {0: "batch", 1: "width"}}
    model = neuralc.from_torch(Added(), (torch.zeros(2, 3), torch.zeros(2, 3)), dynamic=dynamic)
    assert sizes(model) == {"batch": (1, 1 << 28), "width": (1, 1 << 28)}
    assert [str(size) for size in shape_of(ops(model, "graph.concat")[0].results[0].type)] == ["batch", "width * 2"]


def test_bounds_of_dims_are_kept() -> None:
    length = torch.export.Dim("length", min=3, max=7)
    model = neuralc.from_torch(nn.ReLU(), (torch.zeros(4, 2),), dynamic={"input": {0: length}})
    assert sizes(model) == {"length": (3, 7)}


def test_sizes_that_have_to_be_even_are() -> None:
    model = neuralc.from_torch(Halves(), (torch.zeros(6, 4),), dynamic={"x": {0: "length"}})
    x = np.random.default_rng(0).standard_normal((8, 4))
    (found,) = run_module(model.module, [x], model.weights)
    assert_close(found, x[:4] * x[4:], 1e-10)
    with pytest.raises(NeuralcError, match="E0904"):
        run_module(model.module, [x[:7]], model.weights)


def test_an_open_size_that_torch_closes_is_told() -> None:
    class Reads(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * len(list(x))

    with pytest.raises(NeuralcError, match="`length` is not open"):
        neuralc.from_torch(Reads(), (torch.zeros(6, 4),), dynamic={"x": {0: "length"}})


def test_a_condition_that_is_not_understood_is_told() -> None:
    model = neuralc.from_torch(WithACondition(), (torch.zeros(6, 4),), dynamic={"x": {0: "length"}})
    assert {notice.code for notice in model.notices} <= {"W0631"}


# --- states ----------------------------------------------------------------------------------------------------------
def test_a_buffer_that_is_written_is_a_state() -> None:
    module = RunningMean().eval()
    model = neuralc.from_torch(module, (torch.zeros(5, 4),)).compile()
    for seed in range(3):
        torch.manual_seed(seed)
        x = torch.randn(5, 4)
        with torch.no_grad():
            assert_close(model(x.numpy()), module(x).numpy(), 1e-5)


# --- refusals --------------------------------------------------------------------------------------------------------
def test_all_that_is_not_compiled_is_listed_with_module_and_line() -> None:
    with pytest.raises(NeuralcError) as caught:
        neuralc.from_torch(Sampler(), (torch.zeros(8),))
    (found,) = caught.value.diagnostics
    assert found.code == "E0632"
    text = str(caught.value)
    assert "rand" in text
    assert "fft" in text
    assert "noise" in text
    assert "torch_programs.py:" in text


def test_a_write_to_an_input_is_refused() -> None:
    with pytest.raises(NeuralcError, match="E0633"):
        neuralc.from_torch(WritesItsInput(), (torch.zeros(3),))


def test_training_is_refused() -> None:
    class Careless(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.dropout(x, 0.5)

    with pytest.raises(NeuralcError, match="training"):
        neuralc.from_torch(Careless(), (torch.zeros(3),))


def test_complex_weights_are_refused() -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(3, dtype=torch.complex64))

        def forward(self, x: Tensor) -> Tensor:
            return (x * self.w).real

    with pytest.raises(NeuralcError, match="E0632"):
        neuralc.from_torch(Complex(), (torch.zeros(3),))
