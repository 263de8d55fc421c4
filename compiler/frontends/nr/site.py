"""One layer being lowered: where its ops and weights go, its block, the layers it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

from xdsl.dialects.builtin import f32
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.graph import CastOp, CustomOp
from neuralc.dialects.plugins import op_plugin
from neuralc.dialects.types import ShapeError, as_tensor, element_of, format_shape, is_float, shape_of, tensor_type
from neuralc.frontends.nr.functions import Function, StateDeclaration, WeightDeclaration, emit
from neuralc.frontends.sizes import Bounds, Size
from neuralc.grammar.configured import Configured
from neuralc.grammar.diagnostics import Span
from neuralc.grammar.initializers import CONSTRAINT, INITIALIZER, REGULARIZER
from neuralc.grammar.program import CallNode, LayerNode

Values: TypeAlias = tuple[SSAValue, ...]


class LayerError(ShapeError):
    """A ShapeError with a code of its own and the fix."""

    def __init__(self, message: str, code: str = "E0401", help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.help = code, help


@dataclass(frozen=True)
class Policy:
    """The float type a layer computes in, and the one its weights are kept in."""

    compute: Attribute
    weights: Attribute


class Piece(Protocol):
    """A layer or a block that can be applied, as often as its user likes; weights are the same each time."""

    def __call__(self, *values: SSAValue) -> Values: ...


class Nested(Protocol):
    """The block of a layer, or one of its branches.

    Applied at another path within the layer, it has other weights; with a function, its ops go there."""

    def __call__(self, *values: SSAValue, inside: str = "", function: Function | None = None) -> Values: ...


class Run(Protocol):
    """What a layer needs of the lowering it is part of."""

    masks: dict[SSAValue, SSAValue]
    """Keras masks (i1, one flag a time step) of the values that carry one."""

    @property
    def bounds(self) -> Bounds:
        """What is known about the sizes of the model."""
        ...

    def apply(self, site: Site, layer: str, arguments: Mapping[str, Any], values: Values) -> Values:
        """Another layer at `site`, by its name in the signature table; arguments that are not given have defaults."""
        ...

    def piece(self, site: Site, layer: LayerNode | CallNode) -> Piece:
        """A layer that was given as an argument: `TimeDistributed(Dense(8))`."""
        ...

    def equal(self, site: Site, lhs: Size, rhs: Size) -> None:
        """Makes two sizes one. Raises ShapeError where they cannot be equal."""
        ...

    def at_most(self, size: Size, limit: int) -> None:
        """Refuses runs in which a size is larger. Raises ShapeError where it always is, or is no name."""
        ...

    def warn(self, site: Site, code: str, message: str, help: str | None = None) -> None: ...

    def count(self) -> None:
        """One op more. Raises LayerError where there are more than a model may have."""
        ...


@dataclass(frozen=True)
class Site:
    """One layer being lowered. Every op and weight it adds carries its path and its place in the model."""

    function: Function
    path: str
    span: Span
    run: Run
    trainable: bool = True
    block: Nested | None = None
    """The layer's block, for those that take one."""
    branches: Mapping[str, Nested] = field(default_factory=dict)
    """The branches in the block of a layer that takes `name: { ... }`."""
    kind: str = ""
    """The layer, by its name in the signature table."""
    policy: Policy | None = None
    """The types that the layer's `dtype` asks for."""

    def add(self, op: Operation, suffix: str = "") -> SSAValue:
        """Adds an op at the end and gives its first result."""
        return self.add_all(op, suffix)[0]

    def add_all(self, op: Operation, suffix: str = "") -> Values:
        """Adds an op at the end and gives all its results."""
        self.run.count()
        emit(self.function, op, self.span, self.inner(suffix))
        return tuple(op.results)

    def op(self, name: str, *values: SSAValue, **arguments: Any) -> Values:
        """An op that a plugin brings, under the name of its entry point. Raises ShapeError where nobody brings it."""
        plugin = op_plugin(name)
        if plugin is None:
            raise ShapeError(f"no installed package brings the op `{name}`")
        results = plugin.infer([value.type for value in values], arguments)
        return self.add_all(CustomOp(name, values, results, arguments))

    def body(self, *values: SSAValue, inside: str = "") -> Values:
        """What the layer's block makes of values; `inside` is where its weights are. Raises ShapeError without one."""
        if self.block is None:
            raise ShapeError("it needs a block")
        return self.block(*values, inside=inside)

    def inner(self, name: str) -> str:
        """The path of something within this layer."""
        return ".".join(part for part in (self.path, name) if part)

    def weight(
        self,
        name: str,
        shape: Sequence[int],
        like: SSAValue | Attribute,
        initializer: str | Configured,
        *,
        trainable: bool = True,
        regularizer: Configured | None = None,
        constraint: Configured | None = None,
        of_floats: bool = True,
    ) -> SSAValue:
        """A weight of this layer; its element type is `like`, or that of the value it meets.

        Asked for twice by the same name, it is the same weight. With mixed precision it is kept in its own type and
        cast. Raises ShapeError where the type is no float, or where the initializer, the regularizer or the constraint
        is not for this shape.
        """
        self.run.count()
        element = element_of(like.type) if isinstance(like, SSAValue) else like
        if of_floats and not is_float(element):
            about = f" of shape {shown(like)}" if isinstance(like, SSAValue) else ""
            raise ShapeError(f"a layer with weights needs floats, got {element}{about}")
        start = Configured(initializer) if isinstance(initializer, str) else initializer
        for table, config in ((INITIALIZER, start), (REGULARIZER, regularizer), (CONSTRAINT, constraint)):
            if config is not None and (problem := table.problem(config, tuple(shape))) is not None:
                raise ShapeError(f"the {table.noun} `{config.name}` of its {name}: {problem}")
        kept = self.policy.weights if self.policy is not None and element == self.policy.compute else element
        declaration = WeightDeclaration(
            self.inner(name),
            tensor_type(shape, kept),
            start,
            trainable and self.trainable,
            regularizer,
            constraint,
            self.kind,
        )
        value = self.function.declare(declaration, self.span)
        return value if kept == element else self.add(CastOp.of(value, result=tensor_type(shape, element)), name)

    def float_of(self, x: SSAValue) -> Attribute:
        """The type of floats that are made of a value: its own; of integers, that of the layer or float32."""
        element = element_of(x.type)
        if is_float(element):
            return element
        return f32 if self.policy is None else self.policy.compute

    def state(self, name: str, type_: Attribute) -> SSAValue:
        """What a state of this layer holds: zeros in the first run, later what `keep` left. Raises ShapeError."""
        return self.function.state(StateDeclaration(self.inner(name), as_tensor(type_)), self.span)

    def keep(self, name: str, value: SSAValue) -> None:
        """What a state of this layer holds from here on."""
        self.function.keep(self.inner(name), value)

    def sub(self, name: str, kind: str | None = None) -> Site:
        """The place of a part of this layer: its weights are `path.name...`; `kind` is the layer that the part is."""
        return replace(self, path=self.inner(name), block=None, branches={}, kind=kind or self.kind)

    def layer(self, part: str, layer: str, *values: SSAValue, **arguments: Any) -> SSAValue:
        """The one result of another layer that this one is made of: `site.layer("query", "Dense", x, units=64)`."""
        (result,) = self.run.apply(self.sub(part), layer, arguments, values)
        return result

    def piece(self, part: str, layer: LayerNode | CallNode) -> Piece:
        """A layer that was given to this one as an argument."""
        return self.run.piece(self.sub(part), layer)

    def equal(self, lhs: Size, rhs: Size) -> None:
        """Makes two sizes one: equal already, or a named one becomes the other, which is told.

        Types of all values follow. Raises ShapeError where they cannot be equal.
        """
        self.run.equal(self, lhs, rhs)

    def at_most(self, size: Size, limit: int) -> None:
        """Refuses runs in which a size is larger than a limit. Raises ShapeError where it always is, or is no name."""
        self.run.at_most(size, limit)

    def warn(self, code: str, message: str, help: str | None = None) -> None:
        """A warning at this layer."""
        self.run.warn(self, code, message, help)

    def mask(self, x: SSAValue) -> SSAValue | None:
        """The Keras mask that a value carries."""
        return self.run.masks.get(x)

    def put_mask(self, x: SSAValue, mask: SSAValue | None) -> None:
        """Lets a value carry a mask from here on."""
        if mask is not None:
            self.run.masks[x] = mask


def shown(value: SSAValue) -> str:
    """The shape of a value as messages show it."""
    return format_shape(shape_of(value.type))
