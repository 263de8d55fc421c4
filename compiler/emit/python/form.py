"""What the shared parts of the emitters of Python code have to know of a framework: one `Form` each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xdsl.ir import Operation, SSAValue

from neuralc.emit.layouts import Demand, Order
from neuralc.emit.python.expressions import Expression, call
from neuralc.emit.python.names import class_name, identifier
from neuralc.emit.python.nodes import NESTED, Kind
from neuralc.emit.refusals import Refusals

if TYPE_CHECKING:
    from neuralc.dialects.graph import WeightOp
    from neuralc.emit.python.lowering import Lowered
    from neuralc.emit.python.plan import Child, ClassPlan, LayerSpec
    from neuralc.emit.python.values import Values

Lowering: TypeAlias = "Callable[[Values, Any], None]"

RUNNING = ("x", "y", "z")
"""The variables of a body that values flow through."""


LETTERS = "wvutsrqponmkjhgfedcba"
"""Variables for values that have no name of their own while those hold others."""


def _called(child: Child, held: str, arguments: Sequence[Expression]) -> Expression:
    return call(held, *arguments)


def _as_it_is(spec: LayerSpec, declared: Mapping[str, WeightOp]) -> LayerSpec:
    return spec


def _over_parts(form: Form, attribute: str) -> tuple[str, Callable[[], str]]:
    # One of `self.blocks` is a block.
    one = re.sub(r"(?<=[^is])s$", "", re.sub(r"_\d+$", "", attribute))
    return identifier(one), lambda: form.access(attribute)


def _alike(plans: Sequence[ClassPlan], form: Form) -> Mapping[str, Form]:
    return {plan.name: form for plan in plans}


@dataclass(frozen=True)
class Form:
    """A framework: what becomes a layer of it, how ops and axes are written, which names are taken.

    A layer is anything that holds parameters under a name: an attribute of a class (`self.conv`), or a branch of a
    tree of parameters (`params["conv"]`).
    """

    name: str
    """As people write it: `PyTorch`."""
    layer_of: Callable[[Operation, Refusals], LayerSpec | None]
    """The layer an op becomes; None for an op that is an expression, or that is refused."""
    demanded_order: Demand
    lowerings: Mapping[type[Operation], Lowering]
    """How each op that is neither a call nor part of a function's frame becomes code."""
    without_code: Mapping[str, str]
    """Ops that are always refused, and why."""
    permuted: Callable[[Expression, Order], Expression]
    """A value with its axes in another order."""
    local_names: frozenset[str]
    """What a parameter or variable of a body may not be called: names of the file that it uses."""
    class_names: frozenset[str]
    """What a class may not be called."""
    input_names: frozenset[str] = frozenset()
    """What a parameter may not be called besides."""
    class_name: Callable[[str], str] = class_name
    """From the name of a function of the model to that of its class: `ConvBlock`."""
    made_order: Callable[[SSAValue], Order | None] = lambda value: None
    """The order of axes in which a value is made, where its operands do not decide."""
    attribute_names: frozenset[str] = frozenset()
    """What a layer may not be called: attributes that the framework's classes have."""
    attribute: Callable[[str], str] = identifier
    """From the path of a layer, a weight or a part to what it is called: an attribute is an identifier."""
    held: str = "self.{}"
    """How a body reaches a layer, a weight or a part of the model by its name."""
    parameter: Callable[[str, str], str] = "{}.{}".format
    """A parameter of a layer, reached by a text, by its name."""
    owning: bool = True
    """A layer has its weights to itself, as modules have; else any op may read any weight, as in a tree of arrays."""
    applied: Callable[[Child, str, Sequence[Expression]], Expression] = _called
    """A part of the model, reached by a text, applied to values."""
    with_states: Callable[[Lowered], Callable[[Sequence[Expression]], Expression]] | None = None
    """What a body returns of its results and of the states that it keeps behind them."""
    keeps: Callable[[str, Expression], Expression] | None = None
    """The statement by which a body keeps a state for the next run, where it does not return it."""
    positional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The framework's names of constructor arguments that are written without a name; `1d` to `3d` are left out."""
    channel_options: frozenset[str] = frozenset()
    """Constructor options that count channels, and so may be a size that is a parameter already."""
    inner: Mapping[str, str] = field(default_factory=dict)
    """What the size of a layer inside is called as a parameter of a class whose result has another one."""
    halves: Mapping[str, str] = field(default_factory=dict)
    """Options that are half of another one where a window keeps the size: padding and kernel_size."""
    defaults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What constructor options are that are not written, as texts: those that one class may have as parameters."""
    indent: int = 8
    """The columns in front of the statements of a body."""
    completed: Callable[[LayerSpec, Mapping[str, WeightOp]], LayerSpec] = _as_it_is
    """A layer with what its constructor says of the weights that it holds, which are given by parameter."""
    optional_layers: bool = False
    """Whether an op can be written without its layer: where a weight of it is computed, or another op reads it too."""
    nested: Mapping[Kind, frozenset[Kind]] = field(default_factory=lambda: NESTED)
    """Which expressions are written inside of which."""
    loop: Callable[[Form, str], tuple[str, Callable[[], str]]] = _over_parts
    """The variable of a loop over parts of the model, and what it runs over, which is known when it is written."""
    returned: Callable[[Sequence[str]], Expression] | None = None
    """What a body returns in place of its results."""
    style: str = "class"
    """What a function of the model becomes in the file."""
    forms: Callable[[Sequence[ClassPlan], Form], Mapping[str, Form]] = _alike
    """The form of each class by its name, where they are not all written alike. The model stands last."""

    def access(self, attribute: str, index: int | None = None) -> str:
        """`self.blocks[0]`."""
        return self.held.format(attribute) + ("" if index is None else f"[{index}]")
