"""tensor-winograd: 3x3 convolutions by Winograd's minimal filtering, with 2.25 times fewer products.

    %p = tensor.pad %x {..}                               %u = graph.get_weight @conv.kernel.folded   (winograd_weight)
    %v = tensor.window %p {sizes = [3, 3], ..}        ->  %p = tensor.pad (tensor.transpose %x) {..}  channels last
    %y = tensor.contract "nchwij,ijco->nhwo" %v, %w       %y = tensor.winograd %p, %u {tile = 2}

A direct convolution runs at the peak of multiply-adds, so it gets faster only by fewer of them. F(2, 3) makes 2x2
places of the result with 16 products a pair of channels instead of 36, for sums of a few values of a tile around them:
the kernel (passes/lower/cpu/winograd.py) keeps these in registers and in second-level cache.
Fires on contractions of 3x3 windows with a weight, stride 1, no holes, one group, fp32 or fp64, where the model of the
target (passes/lower/cpu/winograd_cost.py) sees a gain of `least_gain`: not with few channels, nor with so few pixels
that reading 16/9 as much weight takes longer. Must not fire where the size of pictures is known at run time only, nor
on other types, whose range the sums may leave. Remarks name the gain, or what is missing.

Transformed weights may make an artifact larger by `growth` of the model's weights and `spare` bytes. Where all do not
fit, those come first that gain the most by a byte: layers of large pictures, which have few weights and most of the
products. A layer of 7x7 pixels has the largest weights and gains least, since it waits for them.

Errors: F(2, 3) stays within 1e-5 x max(1, max|y|) of the float64 reference, as all native fp32 does (measured: a third
of the direct form's error, since fewer values are added up). F(4, 3) multiplies by numbers from 1/24 to 8 and stays
within 1e-4 x max(1, max|y|): it is for those who ask. A NaN reaches the places whose windows hold it, with F(2, 3) no
others; an infinity may become a NaN there.
Effect of AVX-512 (Zen 4) on one core, models of ONNX, direct -> F(2, 3) -> F(4, 3) allowed, without a limit to bytes:
ResNet-18 32.7 -> 20.3 -> 17.6 ms, ResNet-50 73.3 -> 60.4 -> 58.5 ms, U-Net of 128x128 43.0 -> 23.5 -> 16.3 ms.
Effect of the limit with AVX2 (Zen 3), direct -> default -> F(2, 3) without it, and bytes of the library:
ResNet-18 41.8 -> 33.9 -> 33.1 ms, 46.8 -> 50.5 -> 76.2 MB; ResNet-50 100 -> 93 -> 98 ms, 102.3 -> 111.4 -> 127.9 MB;
U-Net 52.4 -> 45.5 -> 34.9 ms, 7.8 -> 8.4 -> 13.2 MB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, f32, f64
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.control import blocks_in
from neuralc.dialects.tensor.winograd import ALGORITHMS, WINDOW, Algorithm
from neuralc.dialects.types import Shape, as_tensor, element_of, shape_of
from neuralc.grammar.diagnostics import error, usage_error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.fold_constants import FoldConstantsPass
from neuralc.passes.graph.weight_values import is_known, is_static, is_worth_storing, static_bytes
from neuralc.passes.lower.cpu.winograd_cost import Cost, cost_of
from neuralc.passes.lower.cpu.winograd_plan import MAX_SCRATCH, WinogradPlan, choose_plan
from neuralc.passes.target import Target
from neuralc.passes.target_table import architecture_of

TOO_LARGE = "its transformed weight or a tile is too large"
SMALL_STACKS = ("wasm32",)
"""Architectures whose threads have no room for the tiles of a block."""


@dataclass(frozen=True)
class WinogradPass(ModulePass):
    """Rewrites the convolutions that gain by it."""

    name = "tensor-winograd"
    tiles: tuple[int, ...] = (2,)
    """Which algorithms may be taken: 2 for F(2, 3), 4 for F(4, 3), whose error is larger."""
    least_gain: float = 1.05
    """How many times faster a form has to be, by the model of the target."""
    growth: float = 0.1
    """How much larger weights may become, as a part of all weights of the model; below 0 without a limit."""
    spare: int = 96 * 1024
    """Bytes that they may grow beyond that, for small models."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        if context.target is None:
            raise error("E0824", "tensor-winograd needs a target", help="add `--target cpu`")
        if unknown := [tile for tile in self.tiles if tile not in ALGORITHMS]:
            known = ", ".join(map(str, ALGORITHMS))
            raise usage_error("E0811", f"tensor-winograd has no tiles of {unknown[0]}", help=f"there are {known}")
        if context.target.name != "cpu" or not self.tiles:
            return
        choices = [
            choice
            for op in [op for block in blocks_in(graph.the_model(module).block) for op in block.ops]
            if isinstance(op, tensor.ContractOp) and (found := _find(op)) is not None
            if (choice := self._choose(found, context.target, context)) is not None
        ]
        left = math.inf if self.growth < 0 else self.growth * _weight_bytes(module) + self.spare
        taken = _within(choices, left)
        for number, choice in enumerate(choices):
            if number in taken:
                context.remark("passed", _rewrite(choice.convolution, choice.tile), choice.text)
            else:
                context.remark("missed", choice.convolution.op, f"stays a direct convolution: {choice.too_many_bytes}")
        FoldConstantsPass().run_in(module, context)

    def _choose(self, found: Convolution, target: Target, context: PassContext) -> Choice | None:
        """The form that one convolution gains most by; a remark says why it has none."""
        if (problem := _obstacle(found, target)) is not None:
            context.remark("missed", found.op, f"stays a direct convolution: {problem}")
            return None
        fits = [tile for tile in self.tiles if _fits(found, ALGORITHMS[tile], target)]
        if not fits:
            context.remark("missed", found.op, f"stays a direct convolution: {TOO_LARGE}")
            return None
        costs = {tile: _cost(found, ALGORITHMS[tile], target) for tile in fits}
        best = max(fits, key=lambda tile: (costs[tile].gain, tile))
        choice = Choice(found, best, costs[best])
        if choice.cost.gain < self.least_gain:
            context.remark("missed", found.op, f"stays a direct convolution: {choice.text}")
            return None
        return choice


@dataclass(frozen=True)
class Choice:
    """A convolution with the form it may get."""

    convolution: Convolution
    tile: int
    cost: Cost

    @property
    def added(self) -> int:
        """Bytes that the transformed weight is larger than the plain one; all of its own where others read that."""
        size, transformed = _sizes_of_weight(self.convolution, ALGORITHMS[self.tile])
        return transformed - (size if self.convolution.weight.has_one_use() else 0)

    @property
    def saved(self) -> float:
        """What the form is cheaper by, in the unit of the cost."""
        return self.cost.direct - self.cost.winograd

    @property
    def text(self) -> str:
        return f"F({self.tile}, 3) is {self.cost.gain:.2f} times as fast by the model"

    @property
    def too_many_bytes(self) -> str:
        return f"{self.text}, its weight {self.added} bytes larger; `--winograd=f2` takes it"


def _within(choices: Sequence[Choice], left: float) -> set[int]:
    """Which choices fit into the bytes that are left; those that save most by a byte come first."""
    taken = set()
    for number in sorted(range(len(choices)), key=lambda number: -choices[number].saved / choices[number].added):
        if choices[number].added <= left:
            left -= choices[number].added
            taken.add(number)
    return taken


def _weight_bytes(module: ModuleOp) -> int:
    """The bytes of all weights that the model reads, each counted once."""
    read = {op.weight_name: op for op in module.walk() if isinstance(op, graph.GetWeightOp)}
    return sum(static_bytes(as_tensor(op.result.type)) for op in read.values())


@dataclass(frozen=True)
class Convolution:
    """A contraction over windows of 3x3 pixels, by its letters."""

    op: tensor.ContractOp
    window: tensor.WindowOp
    weight: SSAValue
    picture_word: str
    """The letters of the windows: n, h, w, i, j, c in some order."""
    weight_word: str
    pixels: str
    """The letters of the two windowed dims."""
    taps: str
    """The letters of the places inside a window."""

    @property
    def shape(self) -> Shape:
        """Pictures, rows, columns and channels of the result."""
        result = dict(zip(self.op.subscripts.result, shape_of(self.op.result.type), strict=True))
        return tuple(result[letter] for letter in (self.batch, *self.pixels, self.output))

    @property
    def sizes(self) -> tuple[int, int, int, int, int]:
        """Pictures, rows and columns of the result, channels, outputs; one picture where a symbol gives the batch."""
        batch, *sizes = self.shape
        channels = shape_of(self.weight.type)[self.weight_word.index(self.channel)]
        height, width, outputs, depth = (size for size in (*sizes, channels) if isinstance(size, int))
        return batch if isinstance(batch, int) else 1, height, width, depth, outputs

    @property
    def batch(self) -> str:
        return next(c for c in self.picture_word if c in self.op.subscripts.result and c not in self.pixels)

    @property
    def channel(self) -> str:
        return next(c for c in self.picture_word if c not in self.op.subscripts.result and c not in self.taps)

    @property
    def output(self) -> str:
        return next(c for c in self.weight_word if c in self.op.subscripts.result)


def _find(op: tensor.ContractOp) -> Convolution | None:
    """The convolution that a contraction is, if its windows are 3x3 and follow each other pixel by pixel."""
    for number in (0, 1):
        window, weight = op.operands[number].owner, op.operands[1 - number]
        if not isinstance(window, tensor.WindowOp) or not is_known(weight):
            continue
        words = op.subscripts.operands
        picture, kernel, result = words[number], words[1 - number], op.subscripts.result
        dims = window.literal("dims")
        plain = window.literal("strides") == window.literal("dilations") == (1,) * len(dims)
        if window.literal("sizes") != (WINDOW, WINDOW) or not plain or len(picture) != 6 or len(kernel) != 4:
            continue
        taps = picture[dims[-1] + 1 : dims[-1] + 3]
        pixels = "".join(picture[dim] for dim in dims)
        found = Convolution(op, window, weight, picture, kernel, pixels, taps)
        if _is_plain(found, result):
            return found
    return None


def _is_plain(found: Convolution, result: str) -> bool:
    """Whether each letter has the one role it has in a convolution without groups."""
    picture, kernel = set(found.picture_word), set(found.weight_word)
    return (
        len(picture) == 6
        and len(kernel) == len(result) == 4
        and set(found.taps) <= kernel
        and not set(found.taps) & set(result)
        and len(picture & set(result)) == 3
        and set(found.pixels) <= set(result)
        and len(picture & kernel) == 3
        and len(kernel & set(result)) == 1
        and not picture & kernel & set(result)
    )


def _obstacle(found: Convolution, target: Target) -> str | None:
    """Why a convolution has no Winograd form on a target, or None."""
    element, shape = element_of(found.op.result.type), found.shape
    if element not in (f32, f64):
        return f"its values are {element}"
    if not is_static((*shape[1:], *shape_of(found.weight.type))):
        return "the size of its pictures is known at run time only"
    if found.op.literal("precision") != "ieee":
        return f"its precision is {found.op.literal('precision')}"
    if architecture_of(target.triple) in SMALL_STACKS:
        return "its tiles need more memory than the stack of the target has"
    return None


def _fits(found: Convolution, algorithm: Algorithm, target: Target) -> bool:
    """Whether the transformed weight is worth its bytes, and the tiles of a block fit into scratch memory."""
    size, transformed = _sizes_of_weight(found, algorithm)
    stored = is_worth_storing(transformed, size, FoldConstantsPass.max_bytes)
    return stored and _plan(found, algorithm, target).scratch <= MAX_SCRATCH


def _sizes_of_weight(found: Convolution, algorithm: Algorithm) -> tuple[int, int]:
    """Bytes of the weight, plain and transformed."""
    size = static_bytes(as_tensor(found.weight.type))
    return size, size * algorithm.span**2 // WINDOW**2


def _plan(found: Convolution, algorithm: Algorithm, target: Target) -> WinogradPlan:
    """How the convolution would be cut; where a symbol gives the batch, for one picture."""
    pictures, height, width, channels, outputs = found.sizes
    tiles = pictures * -(-height // algorithm.tile) * -(-width // algorithm.tile)
    lanes = target.lanes_of(element_of(found.op.result.type))
    return choose_plan(algorithm, tiles, channels, outputs, lanes, target)


def _cost(found: Convolution, algorithm: Algorithm, target: Target) -> Cost:
    pictures, height, width, channels, outputs = found.sizes
    return cost_of(_plan(found, algorithm, target), pictures * height * width, channels, outputs, target)


def _rewrite(found: Convolution, tile: int) -> tensor.WinogradOp:
    """The convolution from transformed weights, in the place of the contraction; its windows go."""
    op = found.op
    before = "".join(c for c in found.picture_word if c not in found.taps)
    order = tuple(before.index(c) for c in (found.batch, *found.pixels, found.channel))
    x = _picture(found.window.x, order)
    weight_order = tuple(found.weight_word.index(c) for c in (*found.taps, found.channel, found.output))
    weight = tensor.TransposeOp.of(found.weight, perm=weight_order)
    u = tensor.WinogradWeightOp.of(weight.result, tile=tile)
    new = tensor.WinogradOp.of(x[-1].results[0], u.result, tile=tile)
    letters = (found.batch, *found.pixels, found.output)
    back = tensor.TransposeOp.of(new.result, perm=tuple(letters.index(c) for c in op.subscripts.result))
    for each in (*x, weight, u, new, back):
        each.location = op.location
    new.result.name_hint = op.result.name_hint
    Rewriter.replace_op(op, [*x, weight, u, new, back], [back.result])
    for unread in (found.window, found.window.x.owner):
        if isinstance(unread, tensor.WindowOp | tensor.PadOp) and not unread.result.uses:
            Rewriter.erase_op(unread)
    return new


def _picture(value: SSAValue, order: tuple[int, ...]) -> list[Operation]:
    """The operand with its channels last; what is padded anyway is laid out so when it is padded."""
    if not isinstance(value.owner, tensor.PadOp):
        return [tensor.TransposeOp.of(value, perm=order)]
    pad = value.owner
    inner = tensor.TransposeOp.of(pad.x, perm=order)
    low, high = (tuple(pad.literal(name)[dim] for dim in order) for name in ("low", "high"))
    return [inner, tensor.PadOp.of(inner.result, low=low, high=high, value=pad.value)]
