"""The parts of the import that need no torch: sizes, guards, names of outputs, types, programs without writes."""

from __future__ import annotations

from typing import Any

import pytest
from xdsl.dialects.builtin import f32, f64, i1, i64

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape
from neuralc.frontends.refusals import Refused
from neuralc.frontends.symbols import Symbols
from neuralc.frontends.torch import expressions, guards
from neuralc.frontends.torch.dtypes import common
from neuralc.frontends.torch.mutations import without_writes
from neuralc.frontends.torch.ops.contraction import written_out
from neuralc.frontends.torch.program import Call, Name, Port, Program, Result, Spec
from neuralc.frontends.torch.treespec import output_names, parsed
from neuralc.frontends.values import Value

S = "Symbol('s77', positive=True, integer=True)"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (S, "n"),
        (f"Mul(Integer(2), {S})", "n * 2"),
        (f"Add({S}, Integer(-1))", "n - 1"),
        (f"FloorDiv({S}, Integer(2))", "floordiv(n, 2)"),
        (f"Mod({S}, Integer(4))", "mod(n, 4)"),
        (f"Max(Integer(3), {S})", "max(3, n)"),
        (f"Pow({S}, Integer(2))", "n * n"),
        (f"CeilToInt(IntTrueDiv({S}, Integer(3)))", "ceildiv(n, 3)"),
        (f"TruncToInt(Mul(Float('2.0', precision=53), ToFloat({S})))", "n * 2"),
    ],
)
def test_expressions_of_sizes(text: str, size: str) -> None:
    assert expressions.read(text, lambda name: Dim.symbol("n")) == Dim.parse(size)


@pytest.mark.parametrize(
    "text", ["", "f(", "__import__('os')", "open('x')", f"Mul(Float('1.5'), {S})", "lambda: 0", "()" * 9]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        expressions.read(text, lambda name: Dim.symbol("n"))


@pytest.mark.parametrize(
    ("guard", "shape"),
    [
        ("L['x'].size()[0] % 4 == 0", ("n_by_4 * 4", "m")),
        ("L['x'].size()[0] == L['x'].size()[1]", ("n", "n")),
        ("L['x'].size()[0] == 2*L['x'].size()[1]", ("m * 2", "m")),
        ("L['x'].size()[0] != 24", ("n", "m")),
    ],
)
def test_guards_that_are_kept(guard: str, shape: tuple[str, ...]) -> None:
    symbols, before = open_sizes()
    assert guards.keep(guard, {"x": before}, symbols)
    assert [str(size) for size in symbols.current(before)] == list(shape)


def test_guards_that_are_bounds() -> None:
    symbols, shape = open_sizes()
    assert guards.keep("3 <= L['x'].size()[0] and L['x'].size()[0] <= 24", {"x": shape}, symbols)
    assert (symbols.bounds.minimum("n"), symbols.bounds.maximum("n")) == (3, 24)


@pytest.mark.parametrize("guard", ["L['x'].size()[0] * L['x'].size()[1] < 9", "f(x)", "x ==", "L['y'].size()[0] == 3"])
def test_guards_that_are_not_understood(guard: str) -> None:
    symbols, shape = open_sizes()
    assert not guards.keep(guard, {"x": shape}, symbols)


def open_sizes() -> tuple[Symbols, Shape]:
    symbols = Symbols()
    return symbols, (symbols.named("n", "dim 0"), symbols.named("m", "dim 1"))


def test_names_of_outputs() -> None:
    leaf: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
    pair = {"type": "builtins.tuple", "context": "null", "children_spec": [leaf, leaf]}
    named = {"type": "builtins.dict", "context": '["out", "states"]', "children_spec": [leaf, pair]}
    assert output_names(leaf) == ["output"]
    assert output_names(pair) == ["output_0", "output_1"]
    assert output_names(named) == ["out", "states_0", "states_1"]
    with pytest.raises(ValueError, match="tree"):
        parsed('{"no": "tree"}')


def test_types_of_operands_together() -> None:
    def x(kind: Any, rank: int) -> Value:
        import numpy as np

        return Value("x", kind, np.zeros((1,) * rank))

    assert common((x(f32, 2), x(f64, 0))) == f32
    assert common((x(i64, 2), 1.5)) == f32
    assert common((x(i64, 1), x(f64, 0))) == f64
    assert common((x(i1, 1), 2)) == i64
    assert common((x(f32, 1), x(f64, 1))) == f64


@pytest.mark.parametrize(
    ("equation", "ranks", "spec"),
    [
        ("ij,jk", (2, 2), "ij,jk->ik"),
        ("ii", (2,), "ii->"),
        ("...ij,jk->...ik", (4, 2), "YZij,jk->YZik"),
        ("...i,...i", (1, 2), "i,Zi->Z"),
    ],
)
def test_equations_are_written_out(equation: str, ranks: tuple[int, ...], spec: str) -> None:
    assert written_out(equation, ranks) == spec


# --- writes ----------------------------------------------------------------------------------------------------------
SPEC = Spec("float32", (4, 3))
ROW = Spec("float32", (3,))


def program(*calls: Call, returns: str) -> Program:
    return Program("p", [Port("x", Name("x"), SPEC)], [], list(calls), [Port("y", Name(returns))], {}, {})


def called(name: str, op: str, *args: Any, spec: Spec = SPEC) -> Call:
    return Call(name, f"aten.{op}", args, {}, (Result(name, spec),))


def test_a_write_to_a_view_is_put_back() -> None:
    before = program(
        called("a", "clone.default", Name("x")),
        called("b", "select.int", Name("a"), 0, 1, spec=ROW),
        called("c", "mul_.Tensor", Name("b"), 2, spec=ROW),
        called("d", "relu.default", Name("a")),
        returns="d",
    )
    after = without_writes(before)
    assert [call.op for call in after.calls] == [
        "aten.clone.default", "aten.select.int", "aten.mul.Tensor", "aten.select_scatter.default", "aten.relu.default",
    ]  # fmt: skip
    assert after.calls[3].args[:2] == (Name("a"), Name("c"))
    assert after.calls[4].args == (Name(after.calls[3].results[0].name),)  # type: ignore[union-attr]


def test_a_view_of_what_was_written_is_made_anew() -> None:
    before = program(
        called("a", "clone.default", Name("x")),
        called("b", "view.default", Name("a"), [12]),
        called("c", "add_.Tensor", Name("a"), 1),
        called("d", "relu.default", Name("b")),
        returns="d",
    )
    ops = [call.op for call in without_writes(before).calls]
    assert ops == [
        "aten.clone.default",
        "aten.view.default",
        "aten.add.Tensor",
        "aten.view.default",
        "aten.relu.default",
    ]


def test_a_write_that_nobody_sees_needs_nothing() -> None:
    before = program(called("a", "clone.default", Name("x")), called("b", "relu_.default", Name("a")), returns="b")
    after = without_writes(before)
    assert [call.op for call in after.calls] == ["aten.clone.default", "aten.relu.default"]


@pytest.mark.parametrize("op", ["reshape.default", "contiguous.default", "to.dtype"])
def test_a_write_through_what_may_be_a_copy_is_refused(op: str) -> None:
    before = program(
        called("a", "clone.default", Name("x")),
        called("b", op, Name("a")),
        called("c", "add_.Tensor", Name("b"), 1),
        called("d", "relu.default", Name("a")),
        returns="d",
    )
    with pytest.raises(Refused, match="copy"):
        without_writes(before)


def test_a_write_to_an_input_is_refused() -> None:
    with pytest.raises(Refused, match="input"):
        without_writes(program(called("a", "add_.Tensor", Name("x"), 1), returns="a"))
