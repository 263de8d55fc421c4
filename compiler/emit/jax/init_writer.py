"""Writes `init(key)`, and `init_block(key, ..)` for functions with weights: the parameters as they start."""

from __future__ import annotations

import re

from neuralc.emit.jax.documents import Document, Listed, Repeated, mapped
from neuralc.emit.jax.initializers import array_of, function_of, is_default
from neuralc.emit.jax.options import NO_BIAS, Options
from neuralc.emit.jax.tree import Tree, nested
from neuralc.emit.python.expressions import Expression, name
from neuralc.emit.python.plan import Child, FreeWeight, Layer
from neuralc.emit.python.sharing import SharedClass
from neuralc.emit.python.writer import Writer

DRAW = "next(keys)"


class InitWriter:
    """Writes the functions of classes; `keyed` are those that draw, by the names of the functions they belong to."""

    def __init__(self, writer: Writer, options: Options, dtype: str, without_bias: frozenset[str]) -> None:
        self._writer = writer
        self._options = options
        self._without_bias = without_bias
        self._dtype = {"dtype": name(dtype)} if dtype else {}
        self._keyed: set[str] = set()

    def write(self, shared: SharedClass) -> None:
        text = shared.variants[0]
        leaves: dict[str, Document] = {}
        for member in text.plan.members:
            match member:
                case Layer():
                    leaves[member.attribute] = self._layer(member, shared.constructors[member.attribute])
                case FreeWeight():
                    leaves[member.attribute] = array_of(member.init, member.shape, self._dtype)
                case Child() if member.plan.holds_weights and member.attribute in shared.counts:
                    leaves[member.attribute] = self._parts(shared, member)
                case Child(index=None) if member.plan.holds_weights:
                    leaves[member.path] = self._child(shared.constructors[member.path], member)
                case Child() if member.plan.holds_weights:
                    part = self._child(shared.constructors[member.path], member)
                    before = leaves.get(member.attribute, Listed(()))
                    leaves[member.attribute] = Listed((*(before.items if isinstance(before, Listed) else ()), part))
        document = _document(nested({path: path for path in leaves}), leaves)
        drawn = _draws(document)
        if drawn:
            self._keyed.add(shared.name)
        head = "init" if text.is_model else f"init_{shared.name}"
        parameters = self._options.starting(shared)
        keyed = ["key: Array"] if drawn or text.is_model else []
        self._writer.blank(2)
        self._writer.definition(head, [*keyed, *parameters], "Params")
        with self._writer.indented():
            what = "model" if text.is_model else f"block `{text.plan.function.sym_name.data}`"
            self._writer.docstring(f"The parameters of the {what} as they start.")
            if drawn not in ("", "1"):
                self._writer.line(f"keys = iter(jax.random.split(key, {drawn}))")
            made = document.text.replace(DRAW, "key") if drawn == "1" else document.text
            self._writer.code(f"return {made}")

    def _parts(self, shared: SharedClass, child: Child) -> Repeated:
        """A list of parts that are made alike."""
        return Repeated(self._child(shared.constructors[child.attribute], child), shared.counts[child.attribute])

    def _layer(self, layer: Layer, constructor: Expression) -> Expression:
        """The call of the helper function, with the initializers that it does not have by itself."""
        own = {
            parameter: init
            for parameter, init in layer.init.items()
            if not is_default(layer.spec.kind, parameter, init)
        }
        options = tuple(f"{parameter}_init={function_of(init)}" for parameter, init in own.items())
        arguments = self._options.made(constructor, layer).arguments or ()
        if constructor.head in self._without_bias:
            arguments = tuple(argument for argument in arguments if argument != NO_BIAS)
        if (
            options
            and DRAW not in arguments
            and any(
                "nn.initializers.zeros" not in option and "nn.initializers.ones" not in option for option in options
            )
        ):
            arguments = (DRAW, *arguments)
        return Expression(constructor.head, (*arguments, *options))

    def _child(self, constructor: Expression, child: Child) -> Expression:
        function = child.plan.written
        key = (DRAW,) if function in self._keyed else ()
        return Expression(f"init_{function}", (*key, *(self._options.made(constructor, child).arguments or ())))


def _document(tree: Tree | str, leaves: dict[str, Document]) -> Document:
    if isinstance(tree, str):
        return leaves[tree]
    items = {key: _document(value, leaves) for key, value in tree.items() if key}
    found = mapped(items)
    if "" in tree:
        own = leaves[str(tree[""])]
        return Expression(f"{own.text} | {found.text}")
    return found


def _draws(document: Document) -> str:
    """How many keys a tree takes, as an expression; empty for none."""
    text, repeated = document.text, re.compile(r"\[([^\[\]]*) for _ in range\((\w+)\)\]")
    times = [count for inside, count in repeated.findall(text) if DRAW in inside]
    once = repeated.sub("", text).count(DRAW) + sum(int(count) for count in times if count.isdigit())
    terms = [*([str(once)] if once else []), *(count for count in times if not count.isdigit())]
    return " + ".join(terms)
