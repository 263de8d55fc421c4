"""Shapes in docstrings: what a class takes and gives, for all the sizes that it is used with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neuralc.dialects.graph import ModelOp
from neuralc.dialects.types import Shape
from neuralc.emit.python.classes import ClassText
from neuralc.emit.python.sharing import SharedClass
from neuralc.emit.python.writer import Writer

LETTERS = "STUVWXYZ"


def write_docstring(writer: Writer, shared: SharedClass) -> None:
    """What a class or function of the file is, with its shapes."""
    text = shared.variants[0]
    title = f"{'Model' if text.is_model else 'Block'} `{text.plan.function.sym_name.data}`"
    taken, given = described(shared)
    if writer.fits(f'"""{title}: {taken} -> {given}."""'):
        writer.docstring(f"{title}: {taken} -> {given}.")
    else:
        writer.docstring(f"{title}.", f"{taken}\n-> {given}")


def described(shared: SharedClass) -> tuple[str, str]:
    """What the body of a class takes and what it returns.

    A size that differs between the uses of a class is the parameter that has its values, else a letter:
    `(batch, in_channels, S, S)`, `(batch, out_channels, T, T)`.
    """
    texts = shared.variants
    sizes = _Sizes(shared)
    inputs = [sizes.shape(shapes) for shapes in zip(*map(_inputs, texts), strict=True)]
    results = [sizes.shape(shapes) for shapes in zip(*map(_results, texts), strict=True)]
    function = texts[0].plan.function
    if isinstance(function, ModelOp):
        inputs = [f"{name} {shape}" for name, shape in zip(function.inputs, inputs, strict=True)]
        results = [f"{name} {shape}" for name, shape in zip(function.outputs, results, strict=True)]
    return ", ".join(inputs), ", ".join(results)


def _inputs(text: ClassText) -> Iterator[Shape]:
    return (node.shape for node in text.lowered.inputs)


def _results(text: ClassText) -> Iterator[Shape]:
    return (node.shape for node in text.lowered.results)


class _Sizes:
    def __init__(self, shared: SharedClass) -> None:
        self._named = {values: name for name, values in shared.values.items()}
        shown = {str(size) for text in shared.variants for shape in (*_inputs(text), *_results(text)) for size in shape}
        self._letters = (letter for letter in LETTERS if not any(letter in size for size in shown))

    def shape(self, shapes: Sequence[Shape]) -> str:
        """The shapes of one value in all variants, as one; those of several ranks one behind the other."""
        if len({len(shape) for shape in shapes}) > 1:
            return " or ".join(dict.fromkeys(f"({_listed(map(str, shape))})" for shape in shapes))
        return f"({_listed(self._size(tuple(map(str, sizes))) for sizes in zip(*shapes, strict=True))})"

    def _size(self, values: tuple[str, ...]) -> str:
        if len(set(values)) == 1:
            return values[0]
        if values not in self._named:
            self._named[values] = next(self._letters, "?")
        return self._named[values]


def _listed(sizes: Iterator[str]) -> str:
    return ", ".join(sizes)
