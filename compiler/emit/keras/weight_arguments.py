"""How weights start, what training adds to the loss for them and holds them to: arguments of the layers that have them.

The names of the language are those of Keras; what is a layer's own default is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from neuralc.dialects.graph import WeightAttr, WeightOp
from neuralc.emit.python.class_builder import is_trainable
from neuralc.emit.python.expressions import Expression, call, literal
from neuralc.emit.python.plan import LayerSpec
from neuralc.grammar.initializers import CONSTRAINT, INITIALIZER, REGULARIZER, AnEntry

USUAL: Mapping[str, str] = {
    "alpha": "zeros",
    "beta": "zeros",
    "bias": "zeros",
    "embeddings": "random_uniform",
    "gamma": "ones",
    "kernel": "glorot_uniform",
    "moving_mean": "zeros",
    "moving_variance": "ones",
    "recurrent_kernel": "orthogonal",
    "scale": "ones",
}
"""What a layer of Keras starts a weight from."""

WITHOUT_ARGUMENT = {"scale": ("initializer", "regularizer", "constraint"), "moving_mean": ("regularizer", "constraint"),
                    "moving_variance": ("regularizer", "constraint")}  # fmt: skip
"""What the layers of Keras take no argument for."""

_TABLES: Mapping[str, AnEntry] = {"initializer": INITIALIZER, "regularizer": REGULARIZER, "constraint": CONSTRAINT}


def completed(spec: LayerSpec, declared: Mapping[str, WeightOp]) -> LayerSpec:
    """A layer that says how its weights start, and what training does with them."""
    added: list[str] = []
    for parameter, weight in declared.items():
        if parameter.startswith("backward_"):
            continue  # both directions of a layer are made alike
        name = parameter.rpartition("/")[2]
        given = {"initializer": weight.init, "regularizer": weight.regularizer, "constraint": weight.constraint}
        for kind, found in given.items():
            if found is not None and not (kind == "initializer" and _is_usual(found, name)):
                argument = argument_of(spec.constructor.head, name, kind)
                written = entry(kind, found)
                if argument is not None and written is not None:
                    added.append(f"{argument}={written}")
    own = [weight for name, weight in declared.items() if not name.startswith("moving_")]
    if own and not any(map(is_trainable, own)):
        added.append("trainable=False")
    return replace(spec, constructor=_extended(spec.constructor, added)) if added else spec


def argument_of(layer: str, weight: str, kind: str) -> str | None:
    """The argument of a layer that is about a weight: `kernel_initializer`."""
    if kind in WITHOUT_ARGUMENT.get(weight, ()):
        return None
    stem = "recurrent" if weight == "recurrent_kernel" else weight
    return f"{'depthwise' if 'Depthwise' in layer and weight == 'kernel' else stem}_{kind}"


def _is_usual(found: WeightAttr, name: str) -> bool:
    plain = not found.arguments.data
    return plain and (found.called.data == USUAL.get(name) or (name == "bias" and found.called.data == "unit_forget"))


def _extended(made: Expression, added: list[str]) -> Expression:
    if made.head != "layers.Bidirectional":
        return Expression(made.head, (*(made.arguments or ()), *added))
    inside = (made.arguments or ("",))[0]
    return Expression(made.head, (f"{inside[:-1]}, {', '.join(added)})",))


def entry(kind: str, found: WeightAttr) -> str | None:
    """An entry of a table as Keras takes it: its name, or a call of its class; None for one that Keras lacks."""
    table = _TABLES[kind]
    known = table.table.find(found.called.data)
    if known is None or not known.source.startswith("keras."):
        return None
    if not found.arguments.data:
        return literal(found.called.data)
    return call(known.source, **found.plain_arguments).text
