"""Recurrent layers that Keras does not have: clipping, peepholes, other activations."""

from keras import ops


def walk(x, states, step, mask, reverse):
    """The outputs of all times, and the last states: x is [batch, time, features]."""
    xs = ops.moveaxis(x, 1, 0)
    time = ops.shape(xs)[0]
    outputs = ops.zeros((time, *ops.shape(states[0])), dtype=x.dtype)

    def round_(i, outputs, *states):
        t = time - 1 - i if reverse else i
        following = step(xs[t], states)
        if mask is not None:
            counts = ops.expand_dims(mask[:, t], -1)
            following = [
                ops.where(counts, new, old)
                for new, old in zip(following, states, strict=True)
            ]
        outputs = ops.slice_update(outputs, (t, 0, 0), following[0][None])
        return i + 1, outputs, *following

    _, outputs, *states = ops.while_loop(
        lambda i, *_: i < time, round_, (0, outputs, *states)
    )
    return (ops.moveaxis(outputs, 0, 1), *states)


def bounded(functions, clip):
    """Activations of values within bounds; 0 is no bound."""
    if not clip:
        return functions
    return [lambda x, f=f: f(ops.clip(x, -clip, clip)) for f in functions]


def lstm(
    x,
    kernel,
    recurrent,
    bias,
    h,
    c,
    mask=None,
    peepholes=None,
    *,
    activations,
    reverse=False,
    clip=0,
    input_forget=False,
):
    """An LSTM with all that ONNX has of it: outputs, last output, last cell."""
    gate, cell, output = bounded(activations, clip)
    p = [0, 0, 0] if peepholes is None else ops.split(peepholes, 3)

    def step(x, states):
        h, c = states
        i, f, g, o = ops.split(x + ops.matmul(h, recurrent), 4, axis=-1)
        i = gate(i + p[0] * c)
        f = 1 - i if input_forget else gate(f + p[1] * c)
        c = f * c + i * cell(g)
        return gate(o + p[2] * c) * output(c), c

    return walk(ops.matmul(x, kernel) + bias, (h, c), step, mask, reverse)


def gru(
    x,
    kernel,
    recurrent,
    bias,
    h,
    mask=None,
    *,
    activations,
    reverse=False,
    clip=0,
    reset_after=False,
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


def rnn(
    x, kernel, recurrent, bias, h, mask=None, *, activations, reverse=False, clip=0
):
    """A recurrent layer without gates: outputs, last output."""
    (activation,) = bounded(activations, clip)

    def step(x, states):
        return (activation(x + ops.matmul(states[0], recurrent)),)

    return walk(ops.matmul(x, kernel) + bias, (h,), step, mask, reverse)
