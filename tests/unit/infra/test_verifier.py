"""The verifier: every fault, each at its place."""

import pytest
from xdsl.dialects.builtin import ModuleOp

from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.passes.parsing import make_context, parse_module
from neuralc.passes.verifier import check_module, verify_module


def parse(text: str) -> ModuleOp:
    context = make_context()
    context.allow_unregistered = True
    return parse_module(text, "m.mlir", context=context)


def faults(text: str) -> list[str]:
    source = Source("m.mlir", text)
    return [f"{fault.span}: {fault.message}" for fault in check_module(parse(text), source)]


def test_a_valid_module_passes() -> None:
    verify_module(parse("builtin.module {\n  %a = arith.constant 1 : i32\n}"))


def test_all_faults_are_told_at_once() -> None:
    text = """builtin.module {
  %a = arith.constant 1 : i32
  %b = arith.addi %c, %a : i32
  %c = arith.addi %d, %a : i32
  %d = "arith.addi"(%a) : (i32) -> i32
}"""
    assert faults(text) == [
        "m.mlir:3:3: `arith.addi`: %c is used before it is defined",
        "m.mlir:4:3: `arith.addi`: %d is used before it is defined",
        "m.mlir:5:3: `arith.addi`: expected 2 operands, but got 1",
    ]
    with pytest.raises(NeuralcError) as caught:
        verify_module(parse(text))
    assert len(caught.value.diagnostics) == 3


def test_a_value_of_an_inner_region_is_not_seen_outside() -> None:
    text = """builtin.module {
  "test.outer"() ({
    %a = arith.constant 1 : i32
    "test.end"() : () -> ()
  }) : () -> ()
  "test.use"(%a) : (i32) -> ()
}"""
    with pytest.raises(NeuralcError):  # the parser scopes names; where it does not, the verifier does
        verify_module(parse(text))


def test_a_value_of_an_outer_region_is_seen_inside() -> None:
    text = """builtin.module {
  %a = arith.constant 1 : i32
  "test.outer"() ({
    "test.use"(%a) : (i32) -> ()
  }) : () -> ()
}"""
    assert [fault for fault in faults(text) if "%a" in fault] == []


def test_unknown_symbols_get_the_nearest_name() -> None:
    text = """builtin.module {
  "test.weight"() {sym_name = "dense.kernel"} : () -> ()
  "test.use"() {weight = @dense.kernle} : () -> ()
  "test.use"() {weights = [@dense.kernel, @gone]} : () -> ()
}"""
    found = list(check_module(parse(text), Source("m.mlir", text)))
    assert [(str(fault.span), fault.message, fault.help) for fault in found] == [
        ("m.mlir:3:3", "`builtin.unregistered`: symbol @dense.kernle is not defined", "did you mean `dense.kernel`?"),
        ("m.mlir:4:3", "`builtin.unregistered`: symbol @gone is not defined", None),
    ]


def test_a_symbol_is_defined_once() -> None:
    text = """builtin.module {
  "test.weight"() {sym_name = "w"} : () -> ()
  "test.weight"() {sym_name = "w"} : () -> ()
}"""
    assert faults(text) == ["m.mlir:3:3: `builtin.unregistered`: symbol @w is defined twice"]
