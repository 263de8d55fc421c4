"""Element types as emitted code names them."""

from __future__ import annotations

from xdsl.dialects.builtin import f32, i64
from xdsl.ir import Attribute

from neuralc.dialects.types import numpy_dtype
from neuralc.emit.jax.conventions import conventions_of
from neuralc.emit.python.expressions import Expression, Value, name
from neuralc.emit.python.values import Values


def dtype_word(values: Values, element: Attribute) -> Expression:
    """`jnp.float16`; i64 is JAX's own integer where the file leaves 64 bits out, a truth value is Python's."""
    return dtype_of(element, wide=conventions_of(values).wide)


def dtype_of(element: Attribute, *, wide: bool) -> Expression:
    """The type in a file that has 64 bits, or that has not."""
    if element == i64 and not wide:
        return name("int")
    dtype = numpy_dtype(element).name
    return name("bool" if dtype == "bool" else f"jnp.{dtype}")


def dtype_options(values: Values, element: Attribute) -> dict[str, Value]:
    """The `dtype` of a new array, which is left out where it is what JAX takes by itself."""
    if element == f32 and not conventions_of(values).wide:
        return {}
    return {"dtype": dtype_word(values, element)}
