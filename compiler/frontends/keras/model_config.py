"""What a serialized Keras 3 model says: its layers, what each is applied to, inputs and outputs; nothing is executed.

The form is that of `keras.saving.serialize_keras_object`: objects are `{"class_name": .., "config": {..}}`, a call of a
layer is an entry of its `inbound_nodes`, and a value is named by layer, call and place among the results of the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from neuralc.frontends.keras.refusals import malformed

CONTAINERS = ("Sequential", "Functional", "Model")
"""Classes that are models made of layers; `Model` is what older versions call a functional one."""


@dataclass(frozen=True)
class Tensor:
    """A value of the model: result number `index` of call number `call` of a layer."""

    layer: str
    call: int
    index: int
    dtype: str = ""
    """As Keras inferred it; empty where the file does not say."""


@dataclass(frozen=True)
class Call:
    """One use of a layer or an operation. Arguments hold Tensors, numbers, lists and serialized objects."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(tensors_in((self.args, self.kwargs)))


@dataclass(frozen=True)
class LayerConfig:
    """A layer or an operation of `keras.ops`, with its uses."""

    class_name: str
    module: str
    name: str
    config: Mapping[str, Any]
    calls: tuple[Call, ...] = ()
    shared: int | None = None
    """Said of an object that stood in another model before."""
    typed: bool = True
    """Whether its type is its own, not that of the layer around it."""

    @property
    def is_operation(self) -> bool:
        """Whether it is a function of `keras.ops` that was applied to values of the model."""
        return self.module.startswith(("keras.src.ops.", "keras.src.activations."))

    @property
    def is_model(self) -> bool:
        return self.class_name in CONTAINERS and self.module.partition(".")[0] == "keras"

    @property
    def is_own(self) -> bool:
        """Whether Keras defines it; the code of other classes is not in the file."""
        return self.module.partition(".")[0] == "keras"


Ports: TypeAlias = Sequence[tuple[str | None, Tensor]]
"""Values with the names that a dictionary gives them."""


@dataclass(frozen=True)
class ModelConfig:
    """A sequential or functional model."""

    name: str
    layers: tuple[LayerConfig, ...]
    inputs: Ports
    outputs: Ports


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The values of the model among arguments, in order."""
    match value:
        case Tensor():
            yield value
        case list() | tuple():
            for part in value:
                yield from tensors_in(part)
        case Mapping():
            for part in value.values():
                yield from tensors_in(part)


def read_layer(data: Any) -> LayerConfig:
    """A layer of a list of layers, or one that is the argument of another. Raises NeuralcError E0641."""
    where = "a layer"
    config = _mapping(data.get("config"), where) if isinstance(data, Mapping) else _mapping(None, where)
    name = data.get("name") or config.get("name")
    class_name = _text(data.get("class_name"), "the class of a layer")
    nodes = data.get("inbound_nodes") or ()
    shared = data.get("shared_object_id")
    return LayerConfig(
        class_name,
        _text(data.get("module") or "", "the module of a layer"),
        class_name.lower() if name is None else _text(name, "the name of a layer"),
        config,
        tuple(_call(node) for node in _list(nodes, "the calls of a layer")),
        shared if isinstance(shared, int) else None,
    )


def read_model(config: LayerConfig) -> ModelConfig:
    """The layers of a model. Raises NeuralcError E0641 for what Keras 3 does not write."""
    data = config.config
    layers = [read_layer(layer) for layer in _list(data.get("layers"), "the layers of a model")]
    if config.class_name == "Sequential":
        return _sequential(config, layers)
    functional = {layer.name for layer in layers if layer.is_model and layer.class_name != "Sequential"}
    inputs, outputs = (_ports(data.get(name), functional) for name in ("input_layers", "output_layers"))
    if not outputs:
        raise malformed(f"the model `{config.name}` has no outputs")
    return ModelConfig(config.name, tuple(layers), inputs, outputs)


def _sequential(config: LayerConfig, layers: Sequence[LayerConfig]) -> ModelConfig:
    """A chain, written as a functional model: each layer takes what the one before it gives."""
    chain: list[LayerConfig] = []
    found = list(layers)
    if not found or found[0].class_name != "InputLayer":
        found.insert(0, _input_of(config))
    for layer in found:
        if layer.class_name == "InputLayer":
            chain.append(layer)
            continue
        chain.append(
            LayerConfig(
                layer.class_name,
                layer.module,
                layer.name,
                layer.config,
                (Call((Tensor(chain[-1].name, 0, 0),)),),
                layer.shared,
            )
        )
    first, last = Tensor(chain[0].name, 0, 0), Tensor(chain[-1].name, 0, 0)
    return ModelConfig(config.name, tuple(chain), ((None, first),), ((None, last),))


def _input_of(config: LayerConfig) -> LayerConfig:
    """The input of a chain that was built by its first call: the file holds the shape that it had."""
    shape = config.config.get("build_input_shape")
    if shape is None:
        raise malformed(
            f"the model `{config.name}` was never built, so that nothing says the shape of its input",
            "begin it with `keras.Input(shape)`, or call it once before it is saved",
        )
    found = {"batch_shape": [None, *_list(shape, "a shape")[1:]], "dtype": "float32", "name": "input"}
    return LayerConfig("InputLayer", "keras.layers", "input", found)


def _ports(data: Any, functional: Set[str]) -> Ports:
    """Values of a model by name or in order.

    Their calls of `functional` models are counted from 1, where arguments of calls count from 0: in memory call 0 of
    such a model is the one that it was made by."""
    named: list[tuple[str | None, Tensor]]
    match data:
        case Mapping():
            named = [(_text(name, "a name"), _history(value)) for name, value in data.items()]
        case [str(), int(), int()]:
            named = [(None, _history(data))]
        case list():
            named = [(None, _history(value)) for value in data]
        case _:
            raise malformed("inputs and outputs of a model are lists or dictionaries of its values")
    return [(name, replace(tensor, call=tensor.call - (tensor.layer in functional))) for name, tensor in named]


def _call(node: Any) -> Call:
    if not isinstance(node, Mapping) or "args" not in node:
        raise malformed("a call of a layer has arguments", "save the model again with Keras 3")
    args = _list(node["args"], "the arguments of a call")
    kwargs = _mapping(node.get("kwargs") or {}, "the arguments of a call by name")
    return Call(tuple(map(_argument, args)), {name: _argument(value) for name, value in kwargs.items()})


def _argument(value: Any) -> Any:
    """An argument with its values of the model as Tensors."""
    match value:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": history, **rest}}:
            return _history(history, str(rest.get("dtype", "")))
        case list():
            return [_argument(part) for part in value]
        case {"class_name": "__tuple__", "config": {"items": list() as items}}:
            return [_argument(part) for part in items]
        case dict() if "class_name" not in value:
            return {name: _argument(part) for name, part in value.items()}
        case _:
            return value


def _history(value: Any, dtype: str = "") -> Tensor:
    match value:
        case [str() as layer, int() as call, int() as index]:
            return Tensor(layer, call, index, dtype)
    raise malformed("a value of the model is named by a layer and two numbers")


# --- forms -----------------------------------------------------------------------------------------------------------
def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise malformed(f"{what}: a dictionary is needed")
    return value


def _list(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise malformed(f"{what}: a list is needed")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise malformed(f"{what}: a string is needed")
    return value
