"""The pass manager: what it does when a pass is wrong, and what instruments are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64

from neuralc.dialects import arith
from neuralc.grammar.diagnostics import NeuralcError, error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.instruments import PrintChanged, PrintIr, TimePasses
from neuralc.passes.manager import Instrument, Step, run_pipeline
from neuralc.passes.parsing import parse_module
from neuralc.passes.reproducer import read_reproducer

TEXT = """builtin.module {
  %a = arith.constant 1 : i32
  %b = arith.addi %a, %a : i32
}
"""


@dataclass(frozen=True)
class Append(ModulePass):
    """Adds a constant: a pass that changes something."""

    name: ClassVar[str] = "test-append"
    value: int = 7

    def run(self, module: ModuleOp, context: PassContext) -> None:
        module.body.block.add_op(arith.ConstantOp(IntegerAttr(self.value, 32)))
        context.remark("passed", module, f"added {self.value}")
        context.count("appended")


@dataclass(frozen=True)
class Nothing(ModulePass):
    name: ClassVar[str] = "test-nothing"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        """Changes nothing."""


@dataclass(frozen=True)
class Crash(ModulePass):
    name: ClassVar[str] = "test-crash"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        module.body.block.add_op(arith.ConstantOp(IntegerAttr(99, 32)))
        raise KeyError("lost")


@dataclass(frozen=True)
class Break(ModulePass):
    name: ClassVar[str] = "test-break"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        module.body.block.add_op(arith.AddiOp.create(result_types=[i64]))


@dataclass(frozen=True)
class Refuse(ModulePass):
    name: ClassVar[str] = "test-refuse"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        raise error("E0490", "the model is wrong")


class Record(Instrument):
    wants_texts: ClassVar[bool] = True

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        self.steps.append(step)


def parse() -> ModuleOp:
    return parse_module(TEXT, "model.mlir")


def test_instruments_are_told_what_changed() -> None:
    record = Record()
    run_pipeline(parse(), [Nothing(), Append()], PassContext(), instruments=[record])
    assert [(step.index, step.each.name, step.changed) for step in record.steps] == [
        (1, "test-nothing", False),
        (2, "test-append", True),
    ]
    assert record.steps[1].ops_after == record.steps[1].ops_before + 1


def test_remarks_and_statistics_are_filed_under_the_pass() -> None:
    context = PassContext()
    run_pipeline(parse(), [Append(), Append(value=8)], context)
    assert context.statistics["test-append", "appended"] == 2
    assert [str(remark) for remark in context.remarks.of_kind("passed")] == [
        "model.mlir:1:1: passed: builtin.module: added 7 [test-append]",
        "model.mlir:1:1: passed: builtin.module: added 8 [test-append]",
    ]
    assert context.remarks.of_kind("missed") == []


def test_a_pass_that_raises_is_named_and_leaves_the_ir_before_it(tmp_path: Path) -> None:
    path = tmp_path / "r.mlir"
    with pytest.raises(NeuralcError) as caught:
        run_pipeline(parse(), [Append(), Crash(), Append()], PassContext(options={"mcpu": "znver3"}), reproducer=path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E9901"
    assert diagnostic.message == "pass `test-crash` failed: KeyError: 'lost'"
    assert diagnostic.help == f"run it again with `neuralc-opt --run-reproducer {path}`"
    found = read_reproducer(path.read_text(), str(path))
    assert found.pipeline == "test-crash"
    assert found.settings == {"mcpu": "znver3"}
    assert "arith.constant 7" in found.text
    assert "arith.constant 99" not in found.text
    assert "KeyError: 'lost'" in found.text
    parse_module(found.text)


def test_invalid_ir_is_blamed_on_the_pass_that_left_it(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError) as caught:
        run_pipeline(
            parse(), [Append(), Break(), Append()], PassContext(), verify_each=True, reproducer=tmp_path / "r.mlir"
        )
    first, *faults = caught.value.diagnostics
    assert first.code == "E9903"
    assert "`test-break` left invalid IR" in first.message
    assert faults
    assert all(fault.code == "E0490" for fault in faults)


def test_what_is_wrong_with_the_model_goes_through_without_a_reproducer(tmp_path: Path) -> None:
    path = tmp_path / "r.mlir"
    with pytest.raises(NeuralcError, match="the model is wrong"):
        run_pipeline(parse(), [Refuse()], PassContext(), reproducer=path)
    assert not path.exists()


def test_print_changed_shows_a_diff_of_passes_that_changed_something(capsys: pytest.CaptureFixture[str]) -> None:
    run_pipeline(parse(), [Nothing(), Append(value=5)], PassContext(), instruments=[PrintChanged("diff")])
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err
        == """// ----- test-nothing: no change -----
// ----- test-append{value=5} -----
--- before test-append{value=5}
+++ after test-append{value=5}
@@ -1,4 +1,5 @@
 builtin.module {
   %a = arith.constant 1 : i32
   %b = arith.addi %a, %a : i32
+  %0 = arith.constant 5 : i32
 }
"""
    )


def test_print_changed_in_colour_paints_lines_that_came_and_went(capsys: pytest.CaptureFixture[str]) -> None:
    run_pipeline(parse(), [Append()], PassContext(), instruments=[PrintChanged("diff", color=True)])
    assert "\x1b[32m+  %0 = arith.constant 7 : i32\x1b[0m" in capsys.readouterr().err


def test_print_ir_goes_by_the_name_of_the_pass(capsys: pytest.CaptureFixture[str]) -> None:
    run_pipeline(parse(), [Nothing(), Append()], PassContext(), instruments=[PrintIr(None, "app.*d$")])
    err = capsys.readouterr().err
    assert err.startswith("// ----- IR after test-append -----\nbuiltin.module {")
    assert "test-nothing" not in err


def test_time_passes_reports_each_pass_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    clock = TimePasses()
    run_pipeline(parse(), [Nothing(), Append()], PassContext(), instruments=[clock])
    clock.add("emit", 0.5)
    clock.report()
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert [line[0] for line in lines[2:]] == ["test-nothing", "test-append", "emit", "total"]
    assert lines[3][-3:] == ["3", "->", "4"]
    assert lines[4][1] == "500.0"
