"""QuantumLayer: a variational circuit, simulated on all its 2 ** qubits amplitudes.

    angles -> a rotation of each qubit (AngleEmbedding)
           -> depth times: a rotation of each qubit by three weights, then CNOT between qubits
           -> the expectation of Z of each qubit

Definitions and the order of qubits (the first one is the highest bit) are those of PennyLane's AngleEmbedding and
StronglyEntanglingLayers (Bergholm et al. 2018; Schuld et al. 2020). A state is [batch, 2, 2 ** qubits]: real and
imaginary parts. Everything that weights alone decide, and all tables, are computed when the model is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.types import ShapeError, element_of, shape_of
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.layers.values import cast, einsum, number, part, positions, reshape, scaled, total
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def quantum_layer(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) < 2:
        raise ShapeError(f"it needs features besides the batch, its input is {shown(x)}")
    qubits, depth = arguments["qubits"], arguments["depth"]
    if known(shape[-1], "the features") != qubits:
        x = site.layer("angles", "Dense", x, units=qubits)
    batch = product(shape[:-1])
    angles = reshape(site, x, (batch, qubits), "angles")
    state = _embedded(site, angles, qubits, imaginary=arguments["embedding"] == "RX")
    gates = _rotations(site, weight(site, arguments, "rotations", (depth, qubits, 3), x))
    for layer in range(depth):
        for qubit in range(qubits):
            state = _turned(site, state, gates, layer, qubit, qubits)
        entangled = _entangled(site, list(pairs(arguments["entanglement"], qubits, layer)), qubits)
        if entangled is not None:
            state = site.add(graph.GatherOp.of(state, entangled, axis=2), "entangled")
    return reshape(site, _expectations(site, state, qubits), (*shape[:-1], qubits))


def pairs(entanglement: str, qubits: int, layer: int) -> Iterator[tuple[int, int]]:
    """The CNOTs of a layer in their order: (control, target)."""
    match entanglement:
        case "linear":
            yield from ((i, i + 1) for i in range(qubits - 1))
        case "full":
            yield from ((i, j) for i in range(qubits) for j in range(i + 1, qubits))
        case _:
            # `strong` is a ring whose steps grow from layer to layer (Schuld et al. 2020).
            step = 1 + layer % max(1, qubits - 1) if entanglement == "strong" else 1
            yield from ((i, (i + step) % qubits) for i in range(qubits) if qubits > 1)


def _embedded(site: Site, angles: SSAValue, qubits: int, *, imaginary: bool) -> SSAValue:
    """RX(angle)|0> = cos|0> - i sin|1>, RY(angle)|0> = cos|0> + sin|1>, of half the angle; all qubits together."""
    batch = shape_of(angles.type)[0]
    half = scaled(site, angles, 0.5, "half")
    both = [reshape(site, site.add(op.of(half), "half"), (batch, qubits, 1)) for op in (graph.CosOp, graph.SinOp)]
    single = site.add(graph.ConcatOp.of(*both, axis=2), "qubits")
    amplitudes = reshape(site, part(site, single, 1, 0, 1, suffix="qubits"), (batch, 2), "qubits")
    for qubit in range(1, qubits):
        one = reshape(site, part(site, single, 1, qubit, 1, suffix="qubits"), (batch, 2), "qubits")
        amplitudes = reshape(site, einsum(site, "xm,xp->xmp", amplitudes, one), (batch, 2 ** (qubit + 1)), "embedded")
    # Each 1 of RX is a factor -i: the amplitude of a state with k of them turns by -k quarters of a turn.
    quarters = total(site, _bits(site, angles, qubits), (1,), suffix="ones")
    turn = scaled(site, quarters, math.pi / 2 if imaginary else 0.0, "phase")
    parts = [site.add(graph.CosOp.of(turn), "phase"), scaled(site, site.add(graph.SinOp.of(turn), "phase"), -1.0)]
    phase = site.add(graph.ConcatOp.of(*(reshape(site, p, (1, 2**qubits)) for p in parts), axis=0), "phase")
    return einsum(site, "xm,cm->xcm", amplitudes, phase, suffix="embedded")


def _bits(site: Site, like: SSAValue, qubits: int) -> SSAValue:
    """[2 ** qubits, qubits]: the bit of each qubit in each basis state, as numbers of the type of `like`."""
    states = positions(site, 2**qubits, 0, 2, "states")
    columns = [_bit(site, states, qubit, qubits) for qubit in range(qubits)]
    return cast(site, site.add(graph.ConcatOp.of(*columns, axis=1), "bits"), element_of(like.type), "bits")


def _bit(site: Site, states: SSAValue, qubit: int, qubits: int) -> SSAValue:
    moved = graph.ShiftRightOp.of(states, number(site, qubits - 1 - qubit, states, "place"))
    return site.add(graph.BitwiseAndOp.of(site.add(moved, "bit"), number(site, 1, states, "one")), "bit")


def _rotations(site: Site, w: SSAValue) -> SSAValue:
    """RZ(omega) RY(theta) RZ(phi) of the weights [.., 3], as [.., 2, 2, 2, 2]: (new bit, new part, bit, part)."""
    depth, qubits, _ = shape_of(w.type)
    phi, theta, omega = (scaled(site, part(site, w, 2, i, 1, suffix="half"), 0.5, "half") for i in range(3))

    def mul(*factors: SSAValue) -> SSAValue:
        result, *others = factors
        for other in others:
            result = site.add(graph.MulOp.of(result, other), "gate")
        return result

    def neg(value: SSAValue) -> SSAValue:
        return site.add(graph.NegOp.of(value), "gate")

    def cos_sin(angle: SSAValue) -> tuple[SSAValue, SSAValue]:
        return site.add(graph.CosOp.of(angle), "gate"), site.add(graph.SinOp.of(angle), "gate")

    cosine, sine = cos_sin(theta)
    sum_cos, sum_sin = cos_sin(site.add(graph.AddOp.of(phi, omega), "sum"))
    difference_cos, difference_sin = cos_sin(site.add(graph.SubOp.of(phi, omega), "difference"))
    diagonal = mul(cosine, sum_cos), mul(cosine, sum_sin)
    other = mul(sine, difference_cos), mul(sine, difference_sin)
    # Rows of the complex matrix: e^(-i sum) cos, -e^(i difference) sin; e^(-i difference) sin, e^(i sum) cos.
    matrix = [
        [(diagonal[0], neg(diagonal[1])), (neg(other[0]), neg(other[1]))],
        [(other[0], neg(other[1])), (diagonal[0], diagonal[1])],
    ]
    entries = [
        entry
        for row in matrix
        for real_row in (True, False)
        for real, imaginary in row
        for entry in ((real, neg(imaginary)) if real_row else (imaginary, real))
    ]
    return reshape(site, site.add(graph.ConcatOp.of(*entries, axis=2), "gates"), (depth, qubits, 2, 2, 2, 2), "gates")


def _turned(site: Site, state: SSAValue, gates: SSAValue, layer: int, qubit: int, qubits: int) -> SSAValue:
    """The state after the rotation of one qubit."""
    batch = shape_of(state.type)[0]
    gate = part(site, part(site, gates, 0, layer, 1, suffix="gate"), 1, qubit, 1, suffix="gate")
    split = (batch, 2, 2**qubit, 2, 2 ** (qubits - 1 - qubit))
    turned = einsum(
        site, "xclbr,adbc->xdlar", reshape(site, state, split, "state"), reshape(site, gate, (2, 2, 2, 2), "gate")
    )
    return reshape(site, turned, (batch, 2, 2**qubits), "state")


def _entangled(site: Site, controlled: Sequence[tuple[int, int]], qubits: int) -> SSAValue | None:
    """Where each amplitude comes from: CNOT only moves them, and so do several. The last one is undone first."""
    if not controlled:
        return None
    states = positions(site, 2**qubits, suffix="states")
    for control, target in reversed(controlled):
        place = number(site, qubits - 1 - target, states, "place")
        flip = site.add(graph.ShiftLeftOp.of(_bit(site, states, control, qubits), place), "flip")
        states = site.add(graph.BitwiseXorOp.of(states, flip), "entangled")
    return states


def _expectations(site: Site, state: SSAValue, qubits: int) -> SSAValue:
    """Of Z: the probability of 0 less that of 1, for each qubit."""
    squares = site.add(graph.MulOp.of(state, state), "probabilities")
    probabilities = total(site, squares, (1,), suffix="probabilities")
    ones = scaled(site, _bits(site, state, qubits), -2.0, "signs")
    signs = site.add(graph.AddOp.of(ones, number(site, 1.0, ones, "one")), "signs")
    return einsum(site, "xm,mq->xq", probabilities, signs, suffix="expectations")


LOWERINGS: dict[str, Lowering] = {"QuantumLayer": quantum_layer}
