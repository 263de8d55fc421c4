"""Names of inputs, outputs, weights and sizes, as jax writes them; and which texts are StableHLO. No jax is needed."""

from __future__ import annotations

import pytest

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import ShapeError
from neuralc.frontends.stablehlo.ports import identifier, output_names, path_of, unique
from neuralc.frontends.stablehlo.symbolic_sizes import parse_size
from neuralc.frontends.stablehlo.texts import is_stablehlo


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("['encoder'][0].kernel", "encoder.0.kernel"),
        ("params['Dense_0']['bias']", "params.Dense_0.bias"),
        (".scale", "scale"),
        ('["a b"]', "a b"),
    ],
)
def test_a_path_of_a_tree_names_a_weight(text: str, path: str) -> None:
    assert path_of(text) == path


def test_names_of_ports_are_identifiers() -> None:
    assert identifier("x['image']") == "x_image"
    assert identifier("[0]") == "v0"
    assert unique(["x", "y", "x", "x"]) == ["x", "y", "x_1", "x_2"]


def test_outputs_are_called_by_the_keys_of_a_dictionary() -> None:
    assert output_names(["result['logits']", "result['state'][0]"]) == ["logits", "state_0"]
    assert output_names([""]) == ["output"]
    assert output_names(["[0]", "[1]"]) == ["output_0", "output_1"]
    assert output_names(["", ""]) == ["output_0", "output_1"]


def test_sizes_of_jax_are_sizes() -> None:
    b, s = Dim.symbol("b"), Dim.symbol("s")
    assert parse_size("2*b + floordiv(s, 3)", Dim.symbol) == b * 2 + s // 3
    assert parse_size("b^2 - 1", Dim.symbol) == b * b - 1
    assert parse_size("max(b, mod(s, 4))", Dim.symbol) == b.max(s % 4)
    assert parse_size("7", Dim.symbol) == 7


@pytest.mark.parametrize("text", ["", "b +", "f(b, 2)", "b.c", "b^1000000000", "__import__('os')"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ShapeError):
        parse_size(text, Dim.symbol)


def test_our_own_ir_is_no_stablehlo() -> None:
    assert is_stablehlo("module { func.func @main() { return } }")
    assert is_stablehlo("%0 = stablehlo.add %a, %b : tensor<2xf32>")
    assert not is_stablehlo('graph.model @m(%x: tensor<2xf32>) -> (tensor<2xf32>) inputs ["func.func"] outputs ["y"]')
    assert not is_stablehlo("builtin.module { }")
