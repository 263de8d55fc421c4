"""graph -> JAX: pure functions over a tree of parameters, that jit, train, and read and write the model's weights."""

from neuralc.emit.jax.emitter import emit
from neuralc.emit.jax.lowering import LOWERINGS, WITHOUT_CODE

__all__ = ["LOWERINGS", "WITHOUT_CODE", "emit"]
