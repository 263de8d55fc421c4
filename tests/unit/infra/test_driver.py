"""The rewrite driver: what fires, in which order, where new ops say they come from, and that it ends."""

from typing import ClassVar

import pytest
from xdsl.dialects.builtin import FusedLoc, IntegerAttr, ModuleOp
from xdsl.ir import Operation

from neuralc.dialects import arith
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.locations import describe_location
from neuralc.passes.parsing import parse_module
from neuralc.passes.printing import print_module

SUM = """builtin.module {
  %a = arith.constant 1 : i32
  %b = arith.constant 2 : i32
  %c = arith.addi %a, %b : i32
  %d = arith.muli %c, %b : i32
  "test.keep"(%d) : (i32) -> ()
}
"""


def parse(text: str) -> ModuleOp:
    """A module that may hold ops of no dialect: they have unknown effects and stay."""
    from neuralc.passes.parsing import make_context

    context = make_context()
    context.allow_unregistered = True
    return parse_module(text, "sum.mlir", context=context)


class FoldAdd(RewritePattern[arith.AddiOp]):
    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.AddiOp,)

    def rewrite(self, op: arith.AddiOp, rewriter: Rewriter) -> None:
        match op.lhs.owner, op.rhs.owner:
            case arith.ConstantOp(value=IntegerAttr() as lhs), arith.ConstantOp(value=IntegerAttr() as rhs):
                folded = arith.ConstantOp(IntegerAttr(lhs.value.data + rhs.value.data, 32))
                rewriter.replace(
                    op, folded, fused=[rhs_owner] if isinstance(rhs_owner := op.rhs.owner, Operation) else []
                )


class AddToSub(RewritePattern[arith.AddiOp]):
    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.AddiOp,)

    def rewrite(self, op: arith.AddiOp, rewriter: Rewriter) -> None:
        rewriter.replace(op, arith.SubiOp(op.lhs, op.rhs))


class SubToAdd(RewritePattern[arith.SubiOp]):
    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.SubiOp,)

    def rewrite(self, op: arith.SubiOp, rewriter: Rewriter) -> None:
        rewriter.replace(op, arith.AddiOp(op.lhs, op.rhs))


class SwapMul(RewritePattern[arith.MuliOp]):
    """Moves a constant lhs to the right, in place."""

    op_types: ClassVar[tuple[type[Operation], ...]] = (arith.MuliOp,)

    def rewrite(self, op: arith.MuliOp, rewriter: Rewriter) -> None:
        if isinstance(op.lhs.owner, arith.ConstantOp) and not isinstance(op.rhs.owner, arith.ConstantOp):
            lhs, rhs = op.operands
            rewriter.set_operand(op, 0, rhs)
            rewriter.set_operand(op, 1, lhs)


def test_a_pattern_that_fires_replaces_the_op_and_dead_ops_go():
    module = parse(SUM)
    assert rewrite(module, [FoldAdd()])
    assert (
        print_module(module)
        == """builtin.module {
  %b = arith.constant 2 : i32
  %c = arith.constant 3 : i32
  %d = arith.muli %c, %b : i32
  "test.keep"(%d) : (i32) -> ()
}
"""
    )


def test_dead_ops_stay_when_asked():
    module = parse(SUM)
    rewrite(module, [FoldAdd()], erase_dead=False)
    assert "arith.constant 1 : i32" in print_module(module)


def test_nothing_fires_nothing_changes():
    module = parse(SUM)
    assert not rewrite(module, [SubToAdd()])
    assert print_module(module) == SUM


def test_new_ops_have_the_places_of_the_ops_they_stand_for():
    module = parse(SUM)
    rewrite(module, [FoldAdd()])
    folded = list(module.body.block.ops)[1]
    assert isinstance(folded.location, FusedLoc)
    assert [describe_location(part) for part in folded.location.locations] == ["sum.mlir:4:3", "sum.mlir:3:3"]


def test_chains_are_folded_to_the_end():
    lines = ["%v0 = arith.constant 0 : i32", "%one = arith.constant 1 : i32"]
    lines += [f"%v{i + 1} = arith.addi %v{i}, %one : i32" for i in range(50)]
    module = parse("builtin.module {\n" + "\n".join(lines) + '\n"test.keep"(%v50) : (i32) -> ()\n}')
    context = PassContext(current_pass="fold")
    rewrite(module, [FoldAdd()], context)
    assert "arith.constant 50 : i32" in print_module(module)
    assert context.statistics["fold", "FoldAdd"] == 50


def test_changes_in_place_are_seen():
    module = parse(SUM.replace("arith.muli %c, %b", "arith.muli %b, %c").replace("arith.addi", "arith.subi"))
    assert rewrite(module, [SwapMul()])
    assert "arith.muli %c, %b" in print_module(module)


def test_patterns_that_undo_each_other_end_in_an_error_that_names_them():
    module = parse(SUM)
    with pytest.raises(NeuralcError) as caught:
        rewrite(module, [AddToSub(), SubToAdd()])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E9902"
    assert "AddToSub, SubToAdd" in diagnostic.notes[0]
    assert str(diagnostic.span) == "sum.mlir:4:3"


def test_the_result_does_not_depend_on_anything_but_the_input():
    texts = set()
    for _ in range(3):
        module = parse(SUM)
        rewrite(module, [SwapMul(), FoldAdd(), SubToAdd()])
        texts.add(print_module(module, locations=True))
    assert len(texts) == 1
