"""What Triton cannot say: looked for in the whole module before anything is printed, and reported at once."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import arith
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import kernel
from neuralc.emit.triton.functions import COMBINE, SPELLINGS
from neuralc.emit.triton.types import ELEMENTS, MINIMUM_DOT_K
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error
from neuralc.passes.locations import span_of

CODE = "E0860"
MAX_TILE = 2**20
"""Elements of one tile (`triton.language.core.TRITON_MAX_TENSOR_NUMEL`)."""
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


def check(module: ModuleOp) -> None:
    """Raise E0860 with everything in the module's kernels that has no Triton form."""
    found: dict[tuple[str, str], Diagnostic] = {}
    for func in module.walk():
        if not isinstance(func, kernel.FuncOp):
            continue
        kernel_name = func.sym_name.data
        for op in func.walk():
            for reason in _reasons(op):
                message = f"kernel @{kernel_name} as Triton: {reason}"
                found.setdefault((kernel_name, reason), Diagnostic(CODE, message, span_of(op.location)))
    if found:
        raise NeuralcError(found.values())
    if not any(isinstance(op, kernel.FuncOp) for op in module.walk()):
        raise error(CODE, "the module has no kernels", help="Triton is made from the kernel level")


def _reasons(op: Operation) -> Iterator[str]:
    for type_ in dict.fromkeys(value.type for value in (*_arguments(op), *op.results)):
        yield from _type_reasons(type_)
    match op:
        case kernel.LocalOp():
            yield "kernel.local: a program has no memory of its own that it can index"
        case kernel.DotOp():
            element, depth = _tile(op.lhs.type).element_type, _tile(op.lhs.type).shape[1]
            least = MINIMUM_DOT_K.get(element)
            if least is None:
                yield f"a dot of {element}"
            elif depth < least:
                yield f"a dot over {depth} values; of {element} it takes at least {least}"
        case kernel.MapOp() if op.literal("fn") not in SPELLINGS:
            yield f"the function `{op.literal('fn')}`"
        case kernel.ReduceOp() if op.literal("kind") != "add" and not any(
            op.literal("kind") == kind for kind, _ in COMBINE
        ):
            yield f"a reduction by `{op.literal('kind')}`"
        case _ if op.name.startswith("arith.") and type(op) not in INDEX_OPS and not isinstance(op, arith.ConstantOp):
            yield f"`{op.name}`"


def _arguments(op: Operation) -> Iterator[SSAValue]:
    for region in op.regions:
        for block in region.blocks:
            yield from block.args


def _type_reasons(type_: Attribute) -> Iterator[str]:
    if isinstance(type_, kernel.TileType):
        if type_.lanes:
            yield f"{type_}: lanes are for a CPU"
        if any(size & (size - 1) for size in type_.shape):
            yield f"{type_}: a size is not a power of two"
        elements = 1
        for size in type_.shape:
            elements *= size
        if elements > MAX_TILE:
            yield f"{type_}: more than {MAX_TILE} elements"
    if isinstance(type_, kernel.TileType | kernel.RefType) and type_.element_type not in ELEMENTS:
        yield f"elements of type {type_.element_type}"
    if isinstance(type_, kernel.RefType) and type_.span.is_static and type_.span.value >= MAX_SPAN:
        yield f"{type_}: an index needs more than 32 bits"


def _tile(type_: Attribute) -> kernel.TileType:
    if not isinstance(type_, kernel.TileType):
        raise TypeError(f"expected a tile, got {type_}")
    return type_
