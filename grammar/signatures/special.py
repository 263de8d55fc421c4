"""Layers that choose, sample, or simulate."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, OneOf, Whole
from neuralc.grammar.signatures.base import INITIALIZER, Inputs, Signature, constraint, p, regularizer

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "DynamicLayer",
        (
            p(
                "weighted",
                Flag(),
                False,
                "multiply by the softmax of the chosen score, so that training reaches the scores",
            ),
        ),
        "conditional computation, Bengio et al. 2013; the gate and `weighted`: Fedus et al. 2021, eq. 1 and 2",
        "each sample goes through one branch: the one whose number `by` is, the first where it is true, or the one of "
        "the largest score; without `by` a dense map `gate` of the means of the features scores them. A branch that no "
        "sample chooses is not run",
        block="branches",
        inputs=Inputs(("x",), ("by",)),
        shapes="x (batch, ..), by (batch) or (batch, branches) -> what the branches give, all of one shape",
        example='input: (8) layers: DynamicLayer() { small: { Dense(4) } large: { Dense(32, "relu") Dense(4) } }',
    ),
    Signature(
        "QuantumLayer",
        (
            p("qubits", Whole(1, 10), 4, "qubits of the circuit: features of the result"),
            p("depth", Whole(1), 2, "layers of rotations and entanglement"),
            p(
                "entanglement",
                OneOf(("ring", "linear", "full", "strong")),
                "ring",
                "CNOT from each qubit to the next; without the last one; to all behind it; or farther in each layer",
            ),
            p("embedding", OneOf(("RX", "RY")), "RX", "how the inputs turn the qubits"),
            p("rotations_initializer", INITIALIZER, "random_uniform", "how the angles of the layers start untrained"),
            regularizer("rotations"),
            constraint("rotations"),
        ),
        "PennyLane AngleEmbedding and StronglyEntanglingLayers (Schuld et al. 2020), simulated",
        "expectation of Z of each qubit after rotations by the inputs and `depth` layers of rotations by weights and "
        "CNOT; a dense map `angles` comes first where there are not as many inputs as qubits",
        shapes="(batch, .., in) -> (batch, .., qubits)",
        example="input: (32) layers: QuantumLayer()",
    ),
)
