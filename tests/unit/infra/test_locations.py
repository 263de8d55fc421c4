"""Locations: fused without repetition, shown as file:line:column, turned into spans that show the line."""

from pathlib import Path

from xdsl.dialects.builtin import ArrayAttr, FusedLoc, IntegerAttr, NameLoc, NoneAttr, StringAttr, UnknownLoc

from neuralc.dialects import arith
from neuralc.grammar.diagnostics import Diagnostic, Source, render
from neuralc.passes.locations import (
    UNKNOWN,
    describe_location,
    file_location,
    fuse_locations,
    inherit_location,
    span_of,
)
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

A, B, C = (file_location("m.nr", line, 5) for line in (1, 2, 3))


def test_fusion_is_flat_and_holds_each_place_once() -> None:
    assert fuse_locations([A, UNKNOWN, A]) == A
    assert fuse_locations([]) == UNKNOWN
    fused = fuse_locations([fuse_locations([A, B]), C, A])
    assert fused == FusedLoc(ArrayAttr([A, B, C]), NoneAttr())


def test_only_ops_without_a_place_inherit_one() -> None:
    op = arith.ConstantOp(IntegerAttr(1, 32))
    inherit_location(op, A)
    inherit_location(op, B)
    assert op.location == A


def test_the_first_place_of_any_location_is_shown() -> None:
    named = NameLoc(StringAttr("conv"), B)
    assert describe_location(named) == "m.nr:2:5"
    assert describe_location(FusedLoc(ArrayAttr([UnknownLoc(), named]), NoneAttr())) == "m.nr:2:5"
    assert describe_location(UNKNOWN) == ""


def test_a_span_is_the_word_at_the_place(tmp_path: Path) -> None:
    source = Source("m.nr", "one\n    Conv2D(3)\n")
    span = span_of(B, source)
    assert span is not None
    assert span.text == "Conv2D"
    path = tmp_path / "m.nr"
    path.write_text(source.text)
    from_file = span_of(file_location(str(path), 2, 5))
    assert from_file is not None
    assert from_file.text == "Conv2D"


def test_a_place_in_a_file_that_is_gone_still_says_line_and_column() -> None:
    span = span_of(file_location("gone.nr", 7, 3))
    assert str(span) == "gone.nr:7:3"
    assert "gone.nr:7:3" in render(Diagnostic("E0490", "wrong", span))


def test_a_place_beyond_the_text_is_no_place() -> None:
    assert span_of(C, Source("m.nr", "one line")) is None
    assert span_of(UNKNOWN) is None


def test_locations_are_read_from_the_text_or_are_the_line_itself() -> None:
    text = 'builtin.module {\n  %a = arith.constant 1 : i32 loc("m.nr":4:5)\n  %b = arith.constant 2 : i32\n}\n'
    module = parse_module(text, "dump.mlir")
    assert [describe_location(op.location) for op in module.walk()] == ["dump.mlir:1:1", "m.nr:4:5", "dump.mlir:3:3"]
    printed = print_module(module, locations=True)
    assert 'loc("m.nr":4:5)' in printed
    again = parse_module(printed, "other.mlir")
    assert print_module(again, locations=True) == printed
