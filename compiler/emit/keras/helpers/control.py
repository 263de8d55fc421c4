"""Recurrences, on any backend of Keras."""

import keras
from keras import ops


def scan(body, carry, xs, ends=(), length=None, reverse=False):
    """The carried values after all rounds, and stacks of what each round ends with.

    `ends` are the shapes and types of that; `length` is that of xs.
    """
    first = keras.tree.flatten(carry)
    if length is None:
        length = ops.shape(keras.tree.flatten(xs)[0])[0]
    stacks = [ops.zeros((length, *shape), dtype) for shape, dtype in ends]

    def step(i, *values):
        at = length - 1 - i if reverse else i
        held = keras.tree.pack_sequence_as(carry, values[: len(first)])
        held, found = body(held, keras.tree.map_structure(lambda x: x[at], xs))
        pairs = zip(values[len(first) :], keras.tree.flatten(found), strict=True)
        stacked = [
            ops.slice_update(stack, (at, *[0] * len(end.shape)), end[None])
            for stack, end in pairs
        ]
        return i + 1, *keras.tree.flatten(held), *stacked

    _, *values = ops.while_loop(lambda i, *_: i < length, step, (0, *first, *stacks))
    carry = keras.tree.pack_sequence_as(carry, values[: len(first)])
    stacks = values[len(first) :]
    return carry, stacks[0] if len(stacks) == 1 else stacks
