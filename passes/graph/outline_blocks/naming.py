"""What a block is called whose class is not known, and what its arguments are called: by what it does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_bytes, element_of
from neuralc.passes.graph.outline_blocks.groups import CONTAINERS, Group
from neuralc.passes.scopes import CALLED

SAYS_NOTHING = frozenset(
    {"", "self", "h", "m", "l", "layer", "layers", "block", "blocks", "module", "model", "stage", "stages", "features"}
)
"""Words of a path that do not tell what a block is."""

ACTIVATIONS = (graph.GeluOp, graph.ReluOp, graph.SiluOp, graph.TanhOp, graph.MishOp, graph.Relu6Op, graph.HardSwishOp)
RECURRENT = (graph.LstmOp, graph.GruOp, graph.RnnOp)
BINARY = tuple(graph.BINARY)


def block_name(group: Group) -> str:
    """The class of a block, else the last word of its path, else what it does."""
    if group.kind and group.kind not in CONTAINERS:
        return re.sub(r"\W", "_", group.kind.removesuffix(CALLED))
    word = next((part for part in reversed(group.path.split(".")) if not part.isdigit()), "")
    word = re.sub(r"(\D)_?\d+$", r"\1", word)
    return what_it_does(group.ops) if word.lower() in SAYS_NOTHING or len(word) < 3 else word


def parts_of(group: Group) -> list[str]:
    """The layers and modules that a block holds weights of, and whether it adds two values."""
    inside = [name.removeprefix(f"{group.path}.") for name in group.weights if name.startswith(f"{group.path}.")]
    names = [name.split(".")[:-1] for name in inside]
    found = dict.fromkeys(name[0] for name in names if name and not name[0].isdigit())
    adds = any(isinstance(op, graph.AddOp) and not set(op.operands) & set(group.held) for op in group.ops)
    return [*found, *(["skip"] if adds else [])]


def what_it_does(ops: Sequence[Operation]) -> str:
    counts = Counter(type(op) for op in ops)
    activated = any(isinstance(op, ACTIVATIONS) for op in ops)
    if counts[graph.SoftmaxOp] and counts[graph.MatmulOp] + counts[graph.EinsumOp] >= 2:
        return "transformer_block" if activated else "attention"
    if any(isinstance(op, RECURRENT) for op in ops):
        return "recurrent_block"
    if counts[graph.ConvOp]:
        return _convolutional(ops)
    if counts[graph.DenseOp] > 1:
        return "feed_forward"
    return "block"


def _convolutional(ops: Sequence[Operation]) -> str:
    groups = [op.literal("groups") > 1 for op in ops if isinstance(op, graph.ConvOp)]
    sums = [op for op in ops if isinstance(op, graph.AddOp)]
    if groups == [False, True, False]:
        return "inverted_residual"
    if any(all(_is_made_by(value, ops) for value in op.operands) for op in sums):
        return "downsample_block"
    return "residual_block" if sums else "conv_block"


def _is_made_by(value: SSAValue, ops: Sequence[Operation]) -> bool:
    return isinstance(value.owner, Operation) and value.owner in ops


# -- arguments -------------------------------------------------------------------------------------------------------


def input_names(group: Group) -> list[str]:
    """`x` for what the block works on, for others what they are called: a mask by its use."""
    return ["x" if index == 0 else _input_name(value, group) for index, value in enumerate(group.inputs)]


def _input_name(value: SSAValue, group: Group) -> str:
    users = [use.operation for use in value.uses if use.operation in group.inside]
    if element_of(value.type) == i1 or any(_masks(op) for op in users):
        return "mask"
    if all(isinstance(op, graph.AddOp) for op in users):
        return "residual"
    return last_word(value.name_hint) or "y"


def _masks(op: Operation) -> bool:
    """Whether an op puts a mask on scores: a sum before softmax, or a choice by flags."""
    if isinstance(op, graph.AddOp):
        return any(isinstance(use.operation, graph.SoftmaxOp) for use in op.result.uses)
    return isinstance(op, graph.WhereOp) and element_bytes(element_of(op.operands[0].type)) == 1


def last_word(hint: str | None) -> str:
    word = (hint or "").rpartition(".")[2]
    return word if word and not word.isdigit() else ""


def weight_names(group: Group) -> list[str]:
    """Paths below that of the block; a weight from elsewhere by the layer that it is in: `conv_1.kernel`."""
    layers: dict[Operation, str] = {}
    found: list[str] = []
    for name, value in group.weights.items():
        inside = name.removeprefix(f"{group.path}.")
        if not group.path or inside == name or re.match(r"\d+\.\w+$", inside):
            found.append(_role(value, group, layers) or last_word(name) or "weight")
        else:
            found.append(numbered(inside))
    taken: Counter[str] = Counter()
    for index, name in enumerate(found):
        taken[name] += 1
        if taken[name] > 1:
            head, _, role = name.rpartition(".")
            found[index] = f"{head}_{taken[name] - 1}.{role}" if head else f"{name}_{taken[name] - 1}"
    return found


def numbered(path: str) -> str:
    """A path as a name may be: members of a container are called layers."""
    return f"layers.{path}" if path[:1].isdigit() else path


def _role(value: SSAValue, group: Group, layers: dict[Operation, str]) -> str:
    use = next((use for use in value.uses if use.operation in group.inside), None)
    if use is None:
        return ""
    op = use.operation
    if isinstance(op, BINARY):
        return "mask" if _masks(op) else ""
    if isinstance(op, graph.TransposeOp | graph.ReshapeOp) and op.result.has_one_use():
        return _role(op.result, group, layers)
    operands = [name for name, _ in op.get_irdl_definition().operands] if hasattr(op, "get_irdl_definition") else []
    if op not in layers:
        kind = op.name.partition(".")[2]
        number = sum(1 for other in layers if type(other) is type(op))
        layers[op] = f"{kind}_{number}" if number else kind
    fixed = len(operands) == len(op.operands) or use.index < len(operands)
    return f"{layers[op]}.{operands[use.index]}" if fixed and operands else ""
