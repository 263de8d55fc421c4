"""Functions of emitted files for recurrent layers that Keras does not have: clipping, peepholes, other activations."""

from __future__ import annotations

from collections.abc import Mapping

RECURRENT: Mapping[str, str] = {
    "walk": '''\
def walk(x, states, step, mask, reverse):
    """The outputs of all times, and the last states: x is [batch, time, features]."""
    xs = (ops.moveaxis(x, 1, 0),)
    if mask is not None:
        xs = (*xs, ops.expand_dims(ops.transpose(mask), -1))

    def round_(states, now):
        following = step(now[0], states)
        if mask is not None:
            following = tuple(
                ops.where(now[1], new, old) for new, old in zip(following, states)
            )
        return following, following[0]

    states, outputs = ops.scan(round_, tuple(states), xs, reverse=reverse)
    return (ops.moveaxis(outputs, 0, 1), *states)
''',
    "bounded": '''\
def bounded(functions, clip):
    """Activations of values within bounds; 0 is no bound."""
    if not clip:
        return functions
    return [lambda x, f=f: f(ops.clip(x, -clip, clip)) for f in functions]
''',
    "lstm": '''\
def lstm(
    x, kernel, recurrent, bias, h, c, mask=None, peepholes=None, *,
    activations, reverse=False, clip=0, input_forget=False,
):
    """An LSTM with all that ONNX has of it: outputs, last output, last cell."""
    gate, cell, output = bounded(activations, clip)
    units = recurrent.shape[0]
    p = [0, 0, 0] if peepholes is None else ops.split(peepholes, 3)

    def step(x, states):
        h, c = states
        i, f, g, o = ops.split(x + ops.matmul(h, recurrent), 4, axis=-1)
        i = gate(i + p[0] * c)
        f = 1 - i if input_forget else gate(f + p[1] * c)
        c = f * c + i * cell(g)
        return gate(o + p[2] * c) * output(c), c

    return walk(ops.matmul(x, kernel) + bias, (h, c), step, mask, reverse)
''',
    "gru": '''\
def gru(
    x, kernel, recurrent, bias, h, mask=None, *,
    activations, reverse=False, clip=0, reset_after=False,
):
    """A GRU with all that ONNX has of it: outputs, last output."""
    gate, new = bounded(activations, clip)
    units = recurrent.shape[0]
    own = bias[1] if len(bias.shape) == 2 else ops.zeros_like(bias)
    bias = bias[0] if len(bias.shape) == 2 else bias

    def step(x, states):
        (h,) = states
        both = 2 * units
        gates = ops.matmul(h, recurrent[:, :both]) + own[:both]
        z, r = ops.split(gate(x[:, :both] + gates), 2, axis=-1)
        if reset_after:
            n = r * (ops.matmul(h, recurrent[:, both:]) + own[both:])
        else:
            n = ops.matmul(r * h, recurrent[:, both:]) + own[both:]
        return (z * h + (1 - z) * new(x[:, both:] + n),)

    return walk(ops.matmul(x, kernel) + bias, (h,), step, mask, reverse)
''',
    "rnn": '''\
def rnn(x, kernel, recurrent, bias, h, mask=None, *, activations, reverse=False, clip=0):
    """A recurrent layer without gates: outputs, last output."""
    (activation,) = bounded(activations, clip)

    def step(x, states):
        return (activation(x + ops.matmul(states[0], recurrent)),)

    return walk(ops.matmul(x, kernel) + bias, (h,), step, mask, reverse)
''',
}
