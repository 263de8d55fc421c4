"""`--dim S=128`: fixes symbolic sizes of a module, so that everything after it sees plain numbers."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, TensorType
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import DimOp, declared_dims
from neuralc.dialects.types import DimAttr, DimsAttr, shape_of, tensor_type
from neuralc.grammar.diagnostics import suggest, usage_error


def pin_dims(module: ModuleOp, sizes: Mapping[str, int]) -> None:
    """Put numbers in the place of symbols in all types and attributes of a graph or tensor module.

    Raises UsageError E0813 for a size the model does not have or that is outside of its bounds.
    """
    if not sizes:
        return
    declared = declared_dims(module)
    for name, size in sizes.items():
        _check(name, size, declared)
    pin = _Pin({name: Dim.constant(size) for name, size in sizes.items()})
    for op in module.walk():
        op.properties = {name: pin.attribute(attribute) for name, attribute in op.properties.items()}
        op.attributes = {name: pin.attribute(attribute) for name, attribute in op.attributes.items()}
        for result in op.results:
            pin.value(result)
        for region in op.regions:
            for block in region.blocks:
                pin.arguments(block)
    for name in sizes:
        Rewriter.erase_op(declared[name])


class _Pin:
    """The substitution, with the types already done: a module has few, and many values."""

    def __init__(self, sizes: Mapping[str, int | Dim]) -> None:
        self._sizes = sizes
        self._done: dict[Attribute, Attribute] = {}

    def arguments(self, block: Block) -> None:
        for argument in block.args:
            self.value(argument)

    def value(self, value: SSAValue) -> None:
        new = self.attribute(value.type)
        if new != value.type:
            Rewriter.replace_value_with_new_type(value, new)

    def attribute(self, attribute: Attribute) -> Attribute:
        if attribute not in self._done:
            self._done[attribute] = self._substitute(attribute)
        return self._done[attribute]

    def _substitute(self, attribute: Attribute) -> Attribute:
        match attribute:
            case TensorType(encoding=DimsAttr()):
                shape = [
                    size.substitute(self._sizes) if isinstance(size, Dim) else size for size in shape_of(attribute)
                ]
                return tensor_type(shape, attribute.element_type)
            case DimAttr():
                return DimAttr(attribute.data.substitute(self._sizes))
            case DimsAttr():
                return DimsAttr(tuple(dim.substitute(self._sizes) for dim in attribute.data))
            case ArrayAttr():
                return ArrayAttr([self.attribute(element) for element in attribute])
            case _:
                return attribute


def _check(name: str, size: int, declared: Mapping[str, DimOp]) -> None:
    if name not in declared:
        known = ", ".join(declared) or "none"
        raise usage_error(
            "E0813", f"`--dim {name}={size}`: the model has no size `{name}`",
            note=f"its sizes: {known}", help=suggest(name, declared),
        )  # fmt: skip
    low = declared[name].minimum.data.value
    maximum = declared[name].maximum
    high = maximum.data.value if maximum is not None else size
    if not low <= size <= high:
        bounds = f"from {low} to {high}" if maximum is not None else f"at least {low}"
        raise usage_error("E0813", f"`--dim {name}={size}`: `{name}` is {bounds}")
