"""Writes docs/language/expressions.md from the tables of the front end: `python -m neuralc.expressions_docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from neuralc.frontends.nr.expressions.creation import CREATION
from neuralc.frontends.nr.expressions.elementwise import UFUNCS
from neuralc.frontends.nr.expressions.functions import ATTRIBUTES, FUNCTIONS, METHODS, written
from neuralc.frontends.nr.expressions.graph_ops import GRAPH_OPS
from neuralc.frontends.nr.expressions.operators import BINARY, COMPARISONS, UNARY
from neuralc.frontends.nr.expressions.reductions import REDUCTIONS
from neuralc.frontends.nr.expressions.shapes import SHAPES
from neuralc.frontends.nr.expressions.walk import CONSTANTS, TYPES

HEAD = """# Expressions

Written by `make docs` from the tables of the code; a test fails where it is out of date.

A `Lambda` holds an expression: the names of its values, a colon, and what is computed from them.

```
network Example {
  input: { a: (10, 16), b: (10, 16) }
  layers:
    scaled = Lambda("x: x / linalg.norm(x, axis=-1, keepdims=True)")(a)
    larger = Lambda("x, y: where(x > y, x, y)")(scaled, b)
    Lambda("x: concatenate((x[:, 1:], x[:, :1]), axis=1)")(larger)
}
```

It is written as in Python and means what numpy makes of it, but is never given to Python: the front end reads it and
writes ops of the graph level, which are compiled like any layer. An error points to the part that does not fit.

* **Shapes** broadcast as in numpy. The batch is axis 0. Sizes that have names are numbers: `x.shape[1] // 2`.
* **Types** are numpy's: integers divided are float64, the sum of an int8 is an int64. A number takes the type of the
  value it meets, and so does a function of numbers alone: `x / sqrt(2)` of a float32 is a float32. A layer behind the
  `Lambda` computes in the type of the model all the same.
* **Several results** are a tuple: `mean, first = Lambda("x: (x.mean(axis=1), x[:, 0])")`.
* **`and`, `or`, `not`** and `0 < x < 1` are of each value. `a if c else b` decides when the model is compiled; what
  differs from value to value is `where(c, a, b)`.
* **Indices** are numbers, slices, `...`, `None`, or one tensor of integers: `x[:, 1:-1, None]`, `x[:, places]`.
"""


def text() -> str:
    """docs/language/expressions.md."""
    return "\n".join((HEAD, *_operators(), *_functions(), *_names()))


def _operators() -> Iterator[str]:
    yield "## Operators\n"
    signs = [*BINARY, "@", *(sign for sign in UNARY if sign not in BINARY), *COMPARISONS, "and", "or", "not"]
    yield f"{' '.join(f'`{sign}`' for sign in signs)}\n"


def _functions() -> Iterator[str]:
    yield "## Functions\n"
    yield "By their numpy names, with or without `np.` before them.\n"
    one, two = ([name for name, each in UFUNCS.items() if each.ufunc.nin == count] for count in (1, 2))
    rest = [name for name in FUNCTIONS if name not in {*UFUNCS, *REDUCTIONS, *SHAPES, *CREATION, *GRAPH_OPS}]
    yield from _list("Of each value", one)
    yield from _list("Of two values that broadcast", two)
    yield from _list("Along axes", map(written, REDUCTIONS))
    yield from _list("Of shapes and places", map(written, SHAPES))
    yield from _list("Tensors of numbers, types, triangles", map(written, CREATION))
    yield from _list("Others; activations have the names of Keras", map(written, rest))
    yield from _list("[Ops](../ops.md), of their operands in order", map(written, GRAPH_OPS))


def _names() -> Iterator[str]:
    yield "## Names\n"
    yield from _list("Constants", CONSTANTS)
    yield from _list("Types", TYPES)
    yield from _list("Of a value", (f"x.{name}" for name in [*ATTRIBUTES, "dtype"]))
    yield from _list("Methods", (f"x.{name}(...)" for name in sorted({*METHODS, "flatten"})))


def _list(title: str, entries: Iterable[str]) -> Iterator[str]:
    yield f"{title}: {', '.join(f'`{entry}`' for entry in entries)}.\n"


def main() -> int:
    """Write the file of the checkout that this module was imported from."""
    path = Path(__file__).resolve().parents[1] / "docs" / "language" / "expressions.md"
    path.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
