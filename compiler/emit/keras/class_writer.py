"""Writes what a function of the model becomes: a function that applies layers, or a class with layers and `call`."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.graph import InitializerAttr, ModelOp
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.emit.keras.functional import Functional, Styles, bracketed
from neuralc.emit.keras.layer_names import LayerNames, layer_name
from neuralc.emit.keras.states import States
from neuralc.emit.keras.style import KerasForm
from neuralc.emit.keras.weight_arguments import entry
from neuralc.emit.python.classes import ClassText
from neuralc.emit.python.expressions import Expression, Value, call, literal
from neuralc.emit.python.plan import Child, FreeWeight, Layer
from neuralc.emit.python.shapes import write_docstring
from neuralc.emit.python.sharing import SharedClass
from neuralc.emit.python.writer import Writer


class BlockWriter:
    """Writes the blocks of a file, and the model."""

    def __init__(self, writer: Writer, styles: Styles, states: States) -> None:
        self._writer = writer
        self._states = states
        self._styles = styles

    def write(self, shared: SharedClass) -> None:
        text = shared.variants[0]
        if text.plan.name in self._styles.functions:
            self._write_function(shared)
        else:
            self._write_class(shared)

    # -- functions -----------------------------------------------------------------------------------------------------

    def _write_function(self, shared: SharedClass) -> None:
        writer, text = self._writer, shared.variants[0]
        if text.is_model:
            writer.line("def build_model():")
        else:
            sizes, options = _parameters(shared)
            parameters = [*text.arguments, *sizes, "name", *options]
            self._define(self._styles.functions[text.plan.name], parameters)
        with writer.indented():
            write_docstring(self._writer, shared)
            if text.is_model:
                write_inputs(writer, text)
            assert isinstance(text.form, KerasForm)
            functional = Functional(text.plan, self._styles, text.form)
            for variable, made in functional.variables():
                writer.statement(f"{variable} = ", made)
            text.write_body(writer, comments=len(shared.variants) == 1)

    def _define(self, name: str, parameters: Sequence[str]) -> None:
        whole = f"def {name}({', '.join(parameters)}):"
        if self._writer.fits(whole):
            self._writer.line(whole)
        else:
            self._writer.broken(f"def {name}(", parameters, "):")

    # -- classes -------------------------------------------------------------------------------------------------------

    def _write_class(self, shared: SharedClass) -> None:
        writer, text = self._writer, shared.variants[0]
        writer.line("@keras.saving.register_keras_serializable()")
        with writer.block(f"class {shared.name}(layers.Layer):"):
            write_docstring(self._writer, shared)
            names, states = LayerNames(text.plan), self._states if text.is_model else States({})
            layered = any(not isinstance(member, FreeWeight) for member in text.plan.members)
            if layered or shared.parameters or states.sizes:
                writer.blank()
                self._write_init(shared, names, states)
            free = [member for member in text.plan.members if isinstance(member, FreeWeight)]
            if free or states.declared:
                writer.blank()
                self._write_build(free, names, states)
            writer.blank()
            self._define("call", ["self", *text.arguments])
            with writer.indented():
                text.write_body(writer, comments=len(shared.variants) == 1)
            if states.declared:
                states.write_reset(writer)
        if text.is_model:
            writer.blank(2)
            self._write_model_of(text)

    def _write_init(self, shared: SharedClass, names: LayerNames, states: States) -> None:
        writer = self._writer
        sizes, options = _parameters(shared)
        self._define("__init__", ["self", *sizes, *options, *states.parameters, "**kwargs"])
        written: set[str] = set()
        with writer.indented():
            writer.line("super().__init__(**kwargs)")
            writer.lines([f"self.{size} = {size}" for size in states.sizes])
            for member in shared.variants[0].plan.members:
                match member:
                    case Layer():
                        made = shared.constructors[member.attribute]
                        named = _named(made, names.of(member.attribute)) if member.weights else made
                        writer.statement(f"self.{member.attribute} = ", named)
                    case Child(index=None):
                        made = _named(shared.constructors[member.path], names.of(member.path))
                        writer.statement(f"self.{member.attribute} = ", made)
                    case Child() if member.attribute not in written:
                        written.add(member.attribute)
                        self._write_list(shared, names, member.attribute)

    def _write_list(self, shared: SharedClass, names: LayerNames, attribute: str) -> None:
        """A list of blocks, as a comprehension where its items are made alike."""
        members = [
            member
            for member in shared.variants[0].plan.members
            if isinstance(member, Child) and member.attribute == attribute
        ]
        if attribute in shared.counts:
            named = f'name=f"{names.of_list(attribute)}-{{i}}"'
            made = shared.constructors[attribute]
            item = Expression(made.head, (*(made.arguments or ()), named))
            loop = f"for i in range({shared.counts[attribute]})"
            self._writer.code(f"self.{attribute} = [{item} {loop}]")
            return
        items = [_named(shared.constructors[member.path], names.of(member.path)).text for member in members]
        self._writer.broken(f"self.{attribute} = [", items, "]")

    def _write_build(self, free: Sequence[FreeWeight], names: LayerNames, states: States) -> None:
        writer = self._writer
        with writer.block("def build(self, input_shape):"):
            for weight in free:
                options: dict[str, Value] = {"name": names.of(weight.attribute), "shape": weight.shape}
                if weight.dtype != "float32":
                    options["dtype"] = weight.dtype
                options["initializer"] = _initializer(weight.init)
                if not weight.trainable:
                    options["trainable"] = False
                writer.statement(f"self.{weight.attribute} = ", call("self.add_weight", **options))
            states.write_build(writer)

    def _write_model_of(self, text: ClassText) -> None:
        """The model of one layer that holds everything."""
        writer, plan = self._writer, text.plan
        title = layer_name(plan.function.sym_name.data)
        with writer.block(f"def build_model({', '.join(self._states.parameters)}):"):
            writer.docstring(f"The layer `{plan.name}` as a model.")
            write_inputs(writer, text)
            given = [f"{size}={size}" for size in self._states.sizes]
            made = Expression(plan.name, (*given, f"name={literal(title)}"), tail=f"({', '.join(text.arguments)})")
            writer.statement("outputs = ", made)
            inputs = Expression(bracketed(text.arguments))
            writer.statement("return ", call("keras.Model", inputs, Expression("outputs"), name=f"{title}_model"))


def _parameters(shared: SharedClass) -> tuple[list[str], list[str]]:
    """The parameters that every use gives, and those with a default."""
    given = [name for name, argument in shared.parameters.items() if argument.default is None]
    return given, [f"{name}={argument.default}" for name, argument in shared.parameters.items() if name not in given]


def _named(made: Expression, own: str) -> Expression:
    return Expression(made.head, (*(made.arguments or ()), f"name={literal(own)}"))


def _initializer(init: InitializerAttr | None) -> Value:
    written = None if init is None else entry("initializer", init)
    return "zeros" if written is None else Expression(written)


def write_inputs(writer: Writer, text: ClassText) -> None:
    """`image = keras.Input((28, 28), name="image")` for each input of the model."""
    function = text.plan.function
    assert isinstance(function, ModelOp)
    for variable, own, value in zip(text.arguments, function.inputs, text.plan.inputs, strict=True):
        shape = tuple(size if isinstance(size, int) else None for size in shape_of(value.type))
        options: dict[str, Value] = {}
        if not shape or shape[0] is not None:
            options["batch_shape"] = shape
        dtype = numpy_dtype(element_of(value.type)).name
        if dtype != "float32":
            options["dtype"] = dtype
        options["name"] = layer_name(own)
        arguments = () if "batch_shape" in options else (shape[1:],)
        writer.statement(f"{variable} = ", call("keras.Input", *arguments, **options))
