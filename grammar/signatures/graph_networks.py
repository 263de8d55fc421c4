"""Layers over graphs."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, OneOf, Optional, Parameter, Real, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION_ARGUMENT,
    BIAS_INIT,
    INITIALIZER,
    KERNEL_INIT,
    Inputs,
    Signature,
    constraint,
    p,
    regularizer,
)

_LOOPS = p("self_loops", Flag(), True, "each node is a neighbour of itself")
_TRAINING = (regularizer("kernel"), regularizer("bias"), constraint("kernel"), constraint("bias"))
_SHAPES = "x (batch, nodes, in), adjacency (batch, nodes, nodes) or edges (batch, edges, 2) -> (batch, nodes, {})"

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "GraphConv",
        (
            Parameter("units", Whole(1), doc="features of a node in the result"),
            ACTIVATION_ARGUMENT,
            p("use_bias", Flag(), True, "add a bias to each node"),
            p(
                "normalization",
                OneOf(("symmetric", "row", "none")),
                "symmetric",
                "an edge weighs 1 / sqrt(degrees of both ends), 1 / degree of its target, or 1",
            ),
            _LOOPS,
            KERNEL_INIT,
            BIAS_INIT,
            *_TRAINING,
        ),
        "Kipf and Welling 2017, Semi-Supervised Classification with Graph Convolutional Networks, eq. 2",
        "activation(D^-1/2 (A + I) D^-1/2 x W + bias): `adjacency` [i, j] is the edge from j to i, `edges` are "
        "(source, target); `edge_weights` multiply the edges, 0 leaves one out",
        inputs=Inputs(("x",), ("adjacency", "edges", "edge_weights")),
        shapes=_SHAPES.format("units"),
        example="input: { x: (N, 8), a: (N, N) } layers: GraphConv(x, a, units=16, activation='relu')",
    ),
    Signature(
        "GraphAttention",
        (
            Parameter("units", Whole(1), doc="features of a node in each head"),
            p("num_heads", Whole(1), 1, "how many heads attend side by side"),
            p("concat", Flag(), True, "heads stand behind each other; else the result is their mean"),
            ACTIVATION_ARGUMENT,
            p("negative_slope", Real(0), 0.2, "slope of the leaky relu of the scores"),
            p("dropout", Real(0, 1, open_high=True), 0.0, "fraction of the weights of neighbours dropped in training"),
            p("use_bias", Flag(), True, "add a bias to each node"),
            _LOOPS,
            KERNEL_INIT,
            BIAS_INIT,
            p("attention_initializer", INITIALIZER, "glorot_uniform", "how the vector of the scores starts untrained"),
            *_TRAINING,
            regularizer("attention"),
            constraint("attention"),
            p("seed", Optional(Whole()), None, "seed of the dropout in training"),
        ),
        "Velickovic et al. 2018, Graph Attention Networks, eq. 1 to 6",
        "softmax over the neighbours j of i of leaky_relu(a . [h_i, h_j]), times h_j = x_j W; where `edge_mask` is "
        "false an edge is none",
        inputs=Inputs(("x",), ("adjacency", "edges", "edge_mask")),
        shapes=_SHAPES.format("num_heads * units"),
        example="input: { x: (N, 8), e: (E, 2) int64 } layers: GraphAttention(x, edges=e, units=4, num_heads=2)",
    ),
)
