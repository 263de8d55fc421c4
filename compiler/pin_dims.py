"""`--dim S=128`: fixes symbolic sizes of a module, so that everything after it sees plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, TensorType
from xdsl.ir import Attribute, Block, Operation, SSAValue
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
    Substitution({name: Dim.constant(size) for name, size in sizes.items()}).ops(module.walk())
    for name in sizes:
        Rewriter.erase_op(declared[name])


class Substitution:
    """Sizes in the place of symbols, with the types already done: a module has few, and many values."""

    def __init__(self, sizes: Mapping[str, int | Dim]) -> None:
        self._sizes = sizes
        self._done: dict[Attribute, Attribute] = {}

    def size(self, size: Dim) -> Dim:
        return size.substitute(self._sizes)

    def ops(self, ops: Iterable[Operation]) -> None:
        """In the properties, results and block arguments of ops."""
        for op in ops:
            op.properties = {name: self.attribute(attribute) for name, attribute in op.properties.items()}
            op.attributes = {name: self.attribute(attribute) for name, attribute in op.attributes.items()}
            for result in op.results:
                self.value(result)
            for region in op.regions:
                for block in region.blocks:
                    self.arguments(block)

    def arguments(self, block: Block) -> None:
        for argument in block.args:
            self.value(argument)

    def value(self, value: SSAValue) -> None:
        # In place: a rewriter would make another value, and who builds a module holds on to the ones it has.
        value._type = self.attribute(value.type)

    def attribute(self, attribute: Attribute) -> Attribute:
        if attribute not in self._done:
            self._done[attribute] = self._substitute(attribute)
        return self._done[attribute]

    def _substitute(self, attribute: Attribute) -> Attribute:
        match attribute:
            case TensorType(encoding=DimsAttr()):
                shape = [self.size(size) if isinstance(size, Dim) else size for size in shape_of(attribute)]
                return tensor_type(shape, attribute.element_type)
            case DimAttr():
                return DimAttr(self.size(attribute.data))
            case DimsAttr():
                return DimsAttr(tuple(map(self.size, attribute.data)))
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
