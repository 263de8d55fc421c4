"""QuantumLayer against products of whole matrices: each gate is written out over all qubits."""

from functools import reduce

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, refusal

pytestmark = pytest.mark.thorough

ONE = np.eye(2)
X, Y, Z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])


def rotation(axis: Array, angle: float) -> Array:
    """exp(-i angle / 2 axis)"""
    return np.cos(angle / 2) * ONE - 1j * np.sin(angle / 2) * axis


def on(qubit: int, gate: Array, qubits: int) -> Array:
    return reduce(np.kron, [gate if i == qubit else ONE for i in range(qubits)])


def cnot(control: int, target: int, qubits: int) -> Array:
    zero, one = np.diag([1, 0]), np.diag([0, 1])
    return on(control, zero, qubits) + on(control, one, qubits) @ on(target, X, qubits)


def controlled(kind: str, qubits: int, layer: int) -> list[tuple[int, int]]:
    """The CNOTs of a layer; of PennyLane's strong entanglement the range is `layer % (qubits - 1) + 1`."""
    if kind == "linear":
        return [(0, 1), (1, 2), (2, 3)][: qubits - 1]
    if kind == "full":
        return [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] if qubits == 4 else [(0, 1), (0, 2), (1, 2)]
    step = layer % (qubits - 1) + 1 if kind == "strong" else 1
    return [(i, (i + step) % qubits) for i in range(qubits)]


def circuit(angles: Array, rotations: Array, kind: str, embedding: Array) -> Array:
    qubits = len(angles)
    state = np.eye(2**qubits)[0].astype(complex)
    for qubit, angle in enumerate(angles):
        state = on(qubit, rotation(embedding, angle), qubits) @ state
    for layer, each in enumerate(rotations):
        for qubit, (phi, theta, omega) in enumerate(each):
            gate = rotation(Z, omega) @ rotation(Y, theta) @ rotation(Z, phi)
            state = on(qubit, gate, qubits) @ state
        for control, target in controlled(kind, qubits, layer) if qubits > 1 else []:
            state = cnot(control, target, qubits) @ state
    return np.array([(state.conj() @ on(qubit, Z, qubits) @ state).real for qubit in range(qubits)])


def expectations(x: Array, w: Weights, kind: str = "ring", embedding: Array = X) -> Array:
    if "quantum_layer.angles.kernel" in w:
        x = x @ w["quantum_layer.angles.kernel"] + w["quantum_layer.angles.bias"]
    flat = x.reshape(-1, x.shape[-1])
    found = [circuit(angles, w["quantum_layer.rotations"], kind, embedding) for angles in flat]
    return np.array(found).reshape(x.shape)


@pytest.mark.parametrize("kind", ["ring", "linear", "full", "strong"])
def test_entanglement(kind: str) -> None:
    agrees(f'QuantumLayer(4, 3, "{kind}")', {"x": (4,)}, lambda x, w: expectations(x, w, kind), batch=3)


@pytest.mark.parametrize(("name", "axis"), [("RX", X), ("RY", Y)])
def test_embedding(name: str, axis: Array) -> None:
    agrees(f'QuantumLayer(3, embedding="{name}")', {"x": (3,)}, lambda x, w: expectations(x, w, embedding=axis))


def test_other_numbers_of_features_go_through_a_dense_map() -> None:
    agrees("QuantumLayer()", {"x": (32,)}, expectations)


def test_each_place_is_a_sample() -> None:
    agrees("QuantumLayer(2, 1)", {"x": ("S", 2)}, expectations, sizes={"S": 5})


def test_one_qubit_is_entangled_with_none() -> None:
    agrees("QuantumLayer(1)", {"x": (1,)}, expectations)


@pytest.mark.slow
def test_ten_qubits() -> None:
    agrees("QuantumLayer(10, 2)", {"x": (10,)}, expectations)


def test_more_qubits_are_refused() -> None:
    assert refusal("QuantumLayer(11)", {"x": "(8)"})[0] == "E0306"
