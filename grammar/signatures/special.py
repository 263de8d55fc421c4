"""Layers that choose, sample, or simulate."""

from __future__ import annotations

from neuralc.grammar.configured import Configured
from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION_ARGUMENT,
    INITIALIZER,
    USE_BIAS,
    Inputs,
    Signature,
    constraint,
    p,
    regularizer,
)

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
    Signature(
        "ProbabilisticDense",
        (
            Parameter("units", Whole(1), doc="size of the last axis of the result"),
            ACTIVATION_ARGUMENT,
            USE_BIAS,
            p("kernel_initializer", INITIALIZER, "glorot_uniform", "how the means of the kernel start untrained"),
            p("bias_initializer", INITIALIZER, "zeros", "how the means of the bias start untrained"),
            p("rho_initializer", INITIALIZER, Configured("constant", {"value": -3.0}), "how rho starts untrained"),
            p(
                "stream",
                Optional(Whole(0, 2**30)),
                None,
                "other streams draw other numbers for a key; the name of the layer says which unless this does",
            ),
        ),
        "Blundell et al. 2015, Weight Uncertainty in Neural Networks, section 3.2; Threefry-2x32 of Salmon et al. 2011",
        "activation(x . kernel + bias), each weight mean + log(1 + exp(rho)) * noise. Without `key` the noise is 0 "
        "but in training; with one, each sample draws the weights of its key, and equal keys draw equal ones",
        inputs=Inputs(("x",), ("key",)),
        masking="keep",
        shapes="x (batch, .., in), key (batch) of integers -> (batch, .., units)",
        example="input: { x: (8), key: () int64 } layers: ProbabilisticDense(x, key=key, units=4)",
    ),
)
