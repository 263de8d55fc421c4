"""What Triton cannot say: looked for in the whole module before anything is printed, and reported at once.

What a GPU cannot run (lanes, scratch memory, sizes, short dots) is known to the pass kernel-verify-target; here are the
words that are missing beside that.
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.types import is_float
from neuralc.emit.triton.functions import COMBINE, SPELLINGS
from neuralc.emit.triton.scope import tile_type
from neuralc.emit.triton.types import ELEMENTS
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error
from neuralc.passes.kernel.verify_target import check_target
from neuralc.passes.locations import span_of
from neuralc.passes.target import Target

CODE = "E0860"
MAX_SPAN = 2**31
"""Elements a kernel can reach: its index arithmetic has 32 bits."""

INDEX_OPS: dict[type[Operation], str] = {
    arith.AddiOp: "+",
    arith.SubiOp: "-",
    arith.MuliOp: "*",
    arith.DivUIOp: "//",
    arith.DivSIOp: "//",
    arith.RemUIOp: "%",
    arith.RemSIOp: "%",
    arith.MinUIOp: "tl.minimum",
    arith.MinSIOp: "tl.minimum",
    arith.MaxUIOp: "tl.maximum",
    arith.MaxSIOp: "tl.maximum",
    arith.CeilDivUIOp: "tl.cdiv",
}
"""Index arithmetic and its operator or function; division truncates in both."""


def check(module: ModuleOp, target: Target) -> None:
    """Raise E0830 and E0860 with everything in the module's kernels that has no Triton form."""
    funcs = [op for op in module.walk() if isinstance(op, kernel.FuncOp)]
    if not funcs:
        raise error(CODE, "the module has no kernels", help="Triton is made from the kernel level")
    found = [*check_target(module, target), *(fault for func in funcs for fault in _missing_words(func))]
    if found:
        raise NeuralcError(found)


def _missing_words(func: kernel.FuncOp) -> Iterator[Diagnostic]:
    """One message for each reason, at the first place it is met."""
    met: set[str] = set()
    for op in func.walk():
        for reason in _reasons(op):
            if reason not in met:
                met.add(reason)
                yield Diagnostic(CODE, f"kernel @{func.sym_name.data} as Triton: {reason}", span_of(op.location))


def _reasons(op: Operation) -> Iterator[str]:
    for value in (*_arguments(op), *op.results):
        yield from _type_reasons(value.type)
    match op:
        case kernel.MapOp() if op.literal("fn") not in SPELLINGS:
            yield f"it has no function `{op.literal('fn')}`"
        case kernel.MapOp() if op.literal("fn") == "pow" and not is_float(tile_type(op.result).element_type):
            yield "it has no power of integers"
        case kernel.ScatterOp() if tile_type(op.value).rank:
            yield "it stores the elements of a tile in no order, a scatter has one"
        case kernel.ReduceOp() if op.literal("kind") not in {"add", *(kind for kind, _ in COMBINE)}:
            yield f"it has no reduction by `{op.literal('kind')}`"
        case _ if op.name.startswith("arith.") and type(op) not in INDEX_OPS and not isinstance(op, arith.ConstantOp):
            yield f"it has no form of `{op.name}`"


def _arguments(op: Operation) -> Iterator[SSAValue]:
    for region in op.regions:
        for block in region.blocks:
            yield from block.args


def _type_reasons(type_: Attribute) -> Iterator[str]:
    if isinstance(type_, kernel.TileType | kernel.RefType) and type_.element_type not in ELEMENTS:
        yield f"it has no elements of type {type_.element_type}"
    if isinstance(type_, kernel.RefType) and type_.span.is_static and type_.span.value >= MAX_SPAN:
        yield f"an index into {type_} needs more than 32 bits"
