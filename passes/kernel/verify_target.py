"""kernel-verify-target: refuse what the target cannot run, all of it at once, before an emitter meets it.

The dialect's own verifier is neutral: a tile of 6x16 without lanes is fine for nobody in particular. What is legal
where stands in `RULES`, one table per target; the emitters rely on it and decide nothing.

    kernel.dot %a, %b, %acc -> tile<8x16xf32, v8>     error[E0831] on AVX2: 8 x 2 + 2 + 1 = 19 registers, 16 there are
    kernel.local -> ref<[6, 16], f32>                 error[E0830] on a GPU: a program has no scratch memory

It changes nothing, and must not: a repair here would be a decision nobody can see in the IR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import IntegerType, ModuleOp
from xdsl.ir import Operation

from neuralc.dialects import kernel
from neuralc.dialects.graph import declared_dims, symbols
from neuralc.dialects.kernel.memory import AccessOp
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import element_bytes
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.kernel.hazards import missing_barriers
from neuralc.passes.kernel.independent_rounds import dependence
from neuralc.passes.locations import span_of
from neuralc.passes.target import Target

ILLEGAL, REGISTERS = "E0830", "E0831"
BARRIERS = "`neuralc-opt -p kernel-place-barriers` places all of them"

TRITON_MAX_ELEMENTS = 1 << 20
"""`tl.TRITON_MAX_TENSOR_NUMEL`."""

TRITON_MIN_DOT_K = {1: 32}
"""Bytes of an element -> the shortest inner dim of `tl.dot`; 16 for all others."""


@dataclass(frozen=True)
class Rule:
    """What a target asks of ops of some types: `broken` yields a sentence for everything that is not as asked."""

    name: str
    op_types: tuple[type[Operation], ...]
    broken: Callable[[Any, Target], Iterator[str]]
    code: str = ILLEGAL
    help: str | None = None


def tiles_of(op: Operation) -> Iterator[TileType]:
    """The types of the tiles an op makes."""
    for result in op.results:
        if isinstance(result.type, TileType):
            yield result.type


# -- CPU -------------------------------------------------------------------------------------------------------------


def _lanes(op: Operation, target: Target) -> Iterator[str]:
    for tile in tiles_of(op):
        # A wider element may take two registers where it meets a narrower one in a conversion. Positions and truth
        # values have the lanes of the elements they belong to, however many registers that takes.
        of_integers = isinstance(tile.element_type, IntegerType)
        widest = max(1, target.vector_bytes // (1 if of_integers else min(4, element_bytes(tile.element_type))))
        if tile.lanes == 0:
            yield f"{tile} has no lanes"
        elif tile.lanes & (tile.lanes - 1):
            yield f"{tile}: {tile.lanes} lanes are not a power of two"
        elif tile.lanes > widest:
            yield f"{tile} has vectors wider than the {target.vector_bytes} bytes of a register of {target.cpu_name}"


def _vector_access(op: kernel.LoadOp | kernel.StoreOp, target: Target) -> Iterator[str]:
    tile = op.tile_type
    if tile.lanes <= 1:
        return
    last = tile.rank - 1
    along = [(dim, index) for dim, index in enumerate(op.indices) if index.over == last]
    if any(index.is_gather for _, index in along):
        yield f"{tile} is gathered along its vectors"
        return
    for dim, _ in along:
        stride = op.ref_type.strides[dim]
        if stride != 1:
            yield f"{tile} has its vectors along dim {dim} of the reference, where the stride is {stride}, not 1"


def _index_tiles(op: AccessOp, target: Target) -> Iterator[str]:
    for index in op.indices:
        if index.is_gather and isinstance(type_ := index.place.type, TileType) and type_.lanes > 1:  # type: ignore[union-attr]
            yield f"index tile {type_} has vectors: addresses are scalars"


def dot_registers(acc: TileType, target: Target) -> int:
    """Vector registers of a dot: the accumulators, one row of the right side, one broadcast value of the left."""
    rows, columns = acc.shape
    width = -(-max(1, acc.lanes) * element_bytes(acc.element_type) // max(1, target.vector_bytes))
    vectors = columns // max(1, acc.lanes) * width
    return rows * vectors + vectors + 1


def _dot_registers(op: kernel.DotOp, target: Target) -> Iterator[str]:
    (acc,) = tiles_of(op)
    needed = dot_registers(acc, target)
    if acc.lanes and needed > target.vector_registers:
        yield f"a dot into {acc} needs {needed} vector registers, {target.cpu_name} has {target.vector_registers}"


# -- GPU -------------------------------------------------------------------------------------------------------------


def _no_lanes(op: Operation, target: Target) -> Iterator[str]:
    for tile in tiles_of(op):
        if tile.lanes:
            yield f"{tile} has lanes, which are Triton's to choose"


def _powers_of_two(op: Operation, target: Target) -> Iterator[str]:
    for tile in tiles_of(op):
        elements = 1
        for size in tile.shape:
            elements *= size
        if any(size & (size - 1) for size in tile.shape):
            yield f"{tile}: the sizes of a tile are powers of two"
        elif elements > TRITON_MAX_ELEMENTS:
            yield f"{tile} has {elements} elements, Triton takes {TRITON_MAX_ELEMENTS}"


def _dot_depth(op: kernel.DotOp, target: Target) -> Iterator[str]:
    lhs = op.lhs.type
    if isinstance(lhs, TileType):
        least = TRITON_MIN_DOT_K.get(element_bytes(lhs.element_type), 16)
        if lhs.shape[1] < least:
            yield f"a dot of {lhs} is {lhs.shape[1]} deep, tensor cores take {least} at least"


def _no_local(op: kernel.LocalOp, target: Target) -> Iterator[str]:
    yield "a program of a GPU has no scratch memory"


MAKERS: tuple[type[Operation], ...] = (
    kernel.LoadOp,
    kernel.GatherOp,
    kernel.SplatOp,
    kernel.IotaOp,
    kernel.MapOp,
    kernel.BroadcastOp,
    kernel.ReshapeOp,
    kernel.TransposeOp,
    kernel.ConvertOp,
    kernel.ReduceOp,
    kernel.DotOp,
)
"""The ops that make tiles; a loop's results are tiles made in it."""

RULES: dict[str, tuple[Rule, ...]] = {
    "cpu": (
        Rule("lanes", MAKERS, _lanes, help="tensor-to-kernel chooses lanes for a CPU target"),
        Rule(
            "vector access",
            (kernel.LoadOp, kernel.StoreOp),
            _vector_access,
            help="let the vectors run along the dim that is contiguous, or use v1",
        ),
        Rule("index tiles", (kernel.LoadOp, kernel.StoreOp), _index_tiles, help="make the index tile v1"),
        Rule("dot registers", (kernel.DotOp,), _dot_registers, REGISTERS, help="take fewer rows or columns"),
    ),
    "cuda": (
        Rule("no lanes", MAKERS, _no_lanes, help="lower from the tensor level with `--target cuda`"),
        Rule("powers of two", MAKERS, _powers_of_two, help="take the next power of two and mask the access"),
        Rule("dot depth", (kernel.DotOp,), _dot_depth, help="take more of the inner dim at a time"),
        Rule("no scratch memory", (kernel.LocalOp,), _no_local, help="keep the values in tiles"),
    ),
}


def check_target(module: ModuleOp, target: Target) -> Iterator[Diagnostic]:
    """Everything in the kernels of a module that the target cannot run, in the order of the text."""
    for func in module.body.block.ops:
        if not isinstance(func, kernel.FuncOp):
            continue
        for op in func.body.walk():
            for rule in RULES[target.name]:
                if isinstance(op, rule.op_types):
                    for sentence in rule.broken(op, target):
                        where = f"`{op.name}` in @{func.sym_name.data}: {sentence}"
                        yield Diagnostic(rule.code, where, span_of(op.location), help=rule.help)


def check_barriers(module: ModuleOp) -> Iterator[Diagnostic]:
    """Every launch, and every condition, that threads may come to before others are done with its memory."""
    for host in module.body.block.ops:
        if isinstance(host, kernel.HostOp):
            for gap in missing_barriers(module, host):
                first, second = (
                    f"@{op.callee_name}" if isinstance(op, kernel.LaunchOp) else f"the condition of `{op.name}`"
                    for op in (gap.first.op, gap.second.op)
                )
                where = f"{second} needs a kernel.barrier before it: it uses memory that {first} may still be using"
                yield Diagnostic(ILLEGAL, where, span_of(gap.second.op.location), help=BARRIERS)


def check_slots(module: ModuleOp) -> Iterator[Diagnostic]:
    """Every loop whose rounds have slots and may need each other."""
    minima = {name: op.minimum.data.value for name, op in declared_dims(module).items()}
    for op in module.walk():
        if isinstance(op, kernel.ForOp) and op.slot_name is not None:
            reason = dependence(op, symbols(module), minima)
            if reason is not None:
                where = f"rounds of @{op.counter.data} have slots and are not independent: {reason}"
                yield Diagnostic(ILLEGAL, where, span_of(op.location), help="without `slots` they are in order")


def need_target(context: PassContext) -> Target:
    """The target of a compilation. Raises E0824 where none is given."""
    if context.target is None:
        raise error(
            "E0824", f"pass `{context.current_pass}` needs a target", help="name one: `--target cpu` or `--target cuda`"
        )
    return context.target


def _threads(module: ModuleOp) -> Iterator[Diagnostic]:
    yield from check_barriers(module)
    yield from check_slots(module)


@dataclass(frozen=True)
class VerifyTargetPass(ModulePass):
    name = "kernel-verify-target"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        target = need_target(context)
        # A GPU's launches run one after the other.
        faults = [*check_target(module, target), *(_threads(module) if target.name == "cpu" else ())]
        if faults:
            raise NeuralcError(faults)
