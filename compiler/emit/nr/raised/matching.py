"""Whether ops of a model are those of a template, up to sizes, the order of what commutes, and views of weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import isclose

from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, simplest
from neuralc.dialects.graph import the_model
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import DimAttr, DimsAttr, element_of, shape_of, tensor_type
from neuralc.emit.nr.raised.template import NAME, Template

FP32 = 2e-7
"""Two numbers that differ by less, relatively, are one number of fp32: exporters round what is a constant."""

COMMUTATIVE = (
    graph.AddOp, graph.MulOp, graph.LogicalAndOp, graph.LogicalOrOp, graph.MaximumOp, graph.MinimumOp,
    graph.EqualOp, graph.NotEqualOp,
)  # fmt: skip

VIEWS = (graph.TransposeOp, graph.ReshapeOp, graph.SliceOp, graph.ConcatOp)


@dataclass
class Match:
    """The values of a model that those of a template are."""

    template: Template
    values: dict[SSAValue, SSAValue] = field(default_factory=dict)
    weights: dict[str, SSAValue] = field(default_factory=dict)
    """By path in the layer."""
    sizes: dict[str, int | Dim] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    """The states of the model by those of the template."""

    def copy(self) -> Match:
        return Match(self.template, dict(self.values), dict(self.weights), dict(self.sizes), dict(self.states))

    def take(self, other: Match) -> None:
        self.values, self.weights, self.sizes, self.states = other.values, other.weights, other.sizes, other.states

    @property
    def ops(self) -> set[Operation]:
        """The ops of the model that the layer does the work of."""
        return {
            value.owner
            for wanted, value in self.values.items()
            if wanted not in self.template.inputs and isinstance(value.owner, Operation) and not _is_leaf(value.owner)
        }


def match(template: Template, op: Operation) -> Match | None:
    """The match of a template whose last op this one is."""
    found = Match(template)
    last = template.results[0]
    if type(last.owner) is not type(op) or not isinstance(last.owner, Operation):
        return None
    index = next(i for i, result in enumerate(last.owner.results) if result is last)
    if not _unify(last, op.results[index], found):
        return None
    for result in template.results[1:]:
        if result not in found.values:
            return None
    if not _keeps_states(found, op):
        return None
    return found if _types_agree(found) and _is_closed(found) and _rules_agree(found, op) else None


def _unify(wanted: SSAValue, value: SSAValue, found: Match) -> bool:
    if wanted in found.values:
        return found.values[wanted] is value or _is_same_weight(wanted, found.values[wanted], value)
    ours, theirs = wanted.owner, value.owner
    if wanted in found.template.inputs:
        return _bind_input(wanted, value, found)
    if _weight_of(wanted) is not None and _is_weight(value):
        return _bind_weight(wanted, value, found)
    if not isinstance(ours, Operation) or type(theirs) is not type(ours) or not isinstance(theirs, Operation):
        return False
    if isinstance(ours, graph.GetStateOp) and isinstance(theirs, graph.GetStateOp):
        return _bind_state(ours, theirs, found)
    if len(ours.operands) != len(theirs.operands) or not _properties_agree(ours, theirs):
        return False
    if not _bodies(ours, theirs, found):
        return False
    found.values.update(zip(ours.results, theirs.results, strict=True))
    if _operands(ours, list(theirs.operands), found):
        return True
    return isinstance(ours, COMMUTATIVE) and _operands(ours, list(theirs.operands)[::-1], found)


def _operands(op: Operation, values: list[SSAValue], found: Match) -> bool:
    tried = found.copy()
    if all(_unify(wanted, value, tried) for wanted, value in zip(op.operands, values, strict=True)):
        found.take(tried)
        return True
    return False


def _bodies(ours: Operation, theirs: Operation, found: Match) -> bool:
    """Whether regions compute the same of what they are given."""
    if len(ours.regions) != len(theirs.regions):
        return False
    for one, other in zip(ours.regions, theirs.regions, strict=True):
        mine, yours = one.block, other.block
        if len(mine.args) != len(yours.args) or len(list(mine.ops)) != len(list(yours.ops)):
            return False
        found.values.update(zip(mine.args, yours.args, strict=True))
        ends = mine.last_op, yours.last_op
        if ends[0] is None or ends[1] is None or len(ends[0].operands) != len(ends[1].operands):
            return False
        if not _operands(ends[0], list(ends[1].operands), found):
            return False
    return True


def _bind_state(ours: graph.GetStateOp, theirs: graph.GetStateOp, found: Match) -> bool:
    """A state that begins as the layer's does."""
    mine, yours = (_declared(op, op.state_name) for op in (ours, theirs))
    if mine is None or yours is None or mine.initial != yours.initial:
        return False
    known = found.states.setdefault(ours.state_name, theirs.state_name)
    found.values[ours.result] = theirs.result
    return known == theirs.state_name and len(set(found.states.values())) == len(found.states)


def _declared(op: Operation, name: str) -> graph.StateOp | None:
    state = graph.symbols(_outermost(op)).get(name)
    return state if isinstance(state, graph.StateOp) else None


def _outermost(op: Operation) -> Operation:
    while (outer := op.parent_op()) is not None:
        op = outer
    return op


def kept(block: Block | None, states: Collection[str]) -> list[graph.SetStateOp]:
    """What a run keeps in states, at the end of a body."""
    ops = [] if block is None else list(block.ops)
    return [op for op in ops if isinstance(op, graph.SetStateOp) and op.state_name in states]


def _keeps_states(found: Match, op: Operation) -> bool:
    """Whether the states of a layer are kept, and nothing else of the model reads them."""
    names = set(found.states.values())
    wanted = [each for each in the_model(found.template.module).block.ops if isinstance(each, graph.SetStateOp)]
    theirs = {each.state_name: each for each in kept(op.parent_block(), names)}
    if {found.states.get(each.state_name) for each in wanted} != set(theirs):
        return False
    if not all(_unify(each.value, theirs[found.states[each.state_name]].value, found) for each in wanted):
        return False
    inside: set[Operation] = {*found.ops, *theirs.values()}
    reads = [value for wanted, value in found.values.items() if isinstance(wanted.owner, graph.GetStateOp)]
    return all(use.operation in inside for value in reads for use in value.uses)


def _bind_input(wanted: SSAValue, value: SSAValue, found: Match) -> bool:
    before, after = shape_of(wanted.type), shape_of(value.type)
    if len(before) != len(after) or element_of(wanted.type) != element_of(value.type):
        return False
    for size, other in zip(before, after, strict=True):
        if isinstance(size, int):
            if size != other:
                return False
        elif found.sizes.setdefault(str(size), other) != other:
            return False
    found.values[wanted] = value
    return True


# --- weights ---------------------------------------------------------------------------------------------------------
def _weight_of(wanted: SSAValue) -> graph.GetWeightOp | None:
    """The weight of the template that a value is, as it is or under another shape."""
    op = wanted.owner
    while isinstance(op, graph.ReshapeOp):
        op = op.x.owner
    return op if isinstance(op, graph.GetWeightOp) else None


def _is_weight(value: SSAValue) -> bool:
    """Whether a value is a weight of the model, or moved from weights: an argument of a function may be one too."""
    op = value.owner
    if isinstance(op, Block):
        return isinstance(op.parent_op(), graph.FuncOp)
    return isinstance(op, graph.GetWeightOp) or (isinstance(op, VIEWS) and all(map(_is_weight, op.operands)))


def _bind_weight(wanted: SSAValue, value: SSAValue, found: Match) -> bool:
    read = _weight_of(wanted)
    if read is None or wanted.type != value.type:
        return False
    path = read.weight_name.removeprefix(f"{NAME}.")
    if path in found.weights and not _is_same_weight(wanted, found.weights[path], value):
        return False
    found.weights[path] = value
    found.values[wanted] = value
    return True


def _is_same_weight(wanted: SSAValue, one: SSAValue, other: SSAValue) -> bool:
    """Two reads of one weight."""
    a, b = one.owner, other.owner
    if _weight_of(wanted) is None or not isinstance(a, Operation) or not isinstance(b, type(a)):
        return one is other
    if isinstance(a, graph.GetWeightOp):
        return a.weight_name == getattr(b, "weight_name", None)
    return a.properties == b.properties and all(
        _is_same_weight(wanted, x, y) for x, y in zip(a.operands, b.operands, strict=True)
    )


def leaf_shapes(template: Template) -> Mapping[str, Attribute]:
    """The types of the weights of a layer, by path in it."""
    reads = [op for op in template.module.walk() if isinstance(op, graph.GetWeightOp)]
    own = [op for op in reads if op.weight_name.startswith(f"{NAME}.")]
    return {op.weight_name.removeprefix(f"{NAME}."): op.result.type for op in own}


# --- what has to agree -----------------------------------------------------------------------------------------------
def _is_leaf(op: Operation) -> bool:
    return isinstance(op, graph.GetWeightOp | graph.ConstantOp)


def _properties_agree(ours: Operation, theirs: Operation) -> bool:
    if ours.properties.keys() != theirs.properties.keys():
        return False
    if any(not _agree(value, theirs.properties[name]) for name, value in ours.properties.items() if name != "axis"):
        return False
    return _axis(ours) == _axis(theirs)


def _axis(op: Operation) -> Attribute | int | None:
    """The axis of an op, from the front."""
    axis = op.properties.get("axis")
    return (
        normalize_axis(axis.value.data, len(shape_of(op.operands[0].type))) if isinstance(axis, IntegerAttr) else axis
    )


def _agree(ours: Attribute, theirs: Attribute) -> bool:
    if ours == theirs:
        return True
    if isinstance(ours, FloatAttr) and isinstance(theirs, FloatAttr):
        return isclose(ours.value.data, theirs.value.data, rel_tol=FP32)
    # Sizes are compared when all inputs are known.
    return isinstance(ours, DimsAttr | DimAttr) and type(ours) is type(theirs)


def _types_agree(found: Match) -> bool:
    """Whether all values and places have the sizes that the inputs give them."""
    env = found.sizes

    def there(size: int | Dim) -> int | Dim:
        return size if isinstance(size, int) else simplest(size.substitute(env))

    for wanted, value in found.values.items():
        if wanted in found.template.inputs or _weight_of(wanted) is not None:
            continue
        if tensor_type([there(size) for size in shape_of(wanted.type)], element_of(wanted.type)) != value.type:
            return False
        ours, theirs = wanted.owner, value.owner
        if isinstance(ours, Block) and isinstance(theirs, Block):
            continue  # of a region
        if not isinstance(ours, Operation) or not isinstance(theirs, Operation):
            return False
        pairs = [(attribute, theirs.properties[name]) for name, attribute in ours.properties.items()]
        if any(_sizes(attribute, there) != _sizes(other, simplest) for attribute, other in pairs):
            return False
    return True


def _sizes(attribute: Attribute, there: Callable[[Dim], int | Dim]) -> list[int | Dim]:
    """The sizes that a property names."""
    data = (
        attribute.data
        if isinstance(attribute, DimsAttr)
        else [attribute.data]
        if isinstance(attribute, DimAttr)
        else []
    )
    return [there(each) for each in data]


def _rules_agree(found: Match, op: Operation) -> bool:
    """Whether weights begin and train as the layer says: those of an import do not say how."""
    ours = graph.symbols(found.template.module)
    theirs = graph.symbols(_outermost(op))
    for path, value in found.weights.items():
        mine = ours.get(f"{NAME}.{path}")
        yours = theirs.get(value.owner.weight_name) if isinstance(value.owner, graph.GetWeightOp) else None
        if isinstance(mine, graph.WeightOp) and isinstance(yours, graph.WeightOp) and yours.init is not None:
            trainable = [each.attributes.get("trainable") for each in (mine, yours)]
            if _rules(mine) != _rules(yours) or trainable[0] != trainable[1]:
                return False
    return True


def _rules(weight: graph.WeightOp) -> list[tuple[Attribute, Attribute] | None]:
    """How a weight begins and what training does with it."""
    found = (weight.init, weight.regularizer, weight.constraint)
    return [None if rule is None else (rule.called, rule.arguments) for rule in found]


def _is_closed(found: Match) -> bool:
    """Whether nothing outside reads what is inside and made of weights: it would be computed, and held, twice."""
    inside, results = found.ops, set(found.template.results)
    inside |= {each for op in inside for each in kept(op.parent_block(), set(found.states.values()))}
    for wanted, value in found.values.items():
        if wanted in results or wanted in found.template.inputs or wanted.owner not in found.template.of_weights:
            continue
        if isinstance(value.owner, graph.GetWeightOp | Block) or _is_weight(value):
            continue
        if any(use.operation not in inside for use in value.uses):
            return False
    return True
