"""Graph layers against the equations of their papers, node by node."""

from collections.abc import Mapping

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, refusal

NODES = 6
EDGES = np.array(
    [
        [[0, 1], [1, 0], [2, 3], [4, 1], [5, 0], [3, 2], [1, 4], [2, 2]],
        [[5, 4], [0, 2], [2, 0], [3, 0], [1, 1], [4, 5], [0, 5], [3, 1]],
    ]
)
"""(source, target) of two graphs; each has a node with an edge to itself, and one that no edge leads to."""


def matrix(edges: Array, weights: Array | None = None) -> Array:
    """[i, j] is the weight of the edge from j to i."""
    found = np.zeros((len(edges), NODES, NODES))
    for graph, pairs in enumerate(edges):
        for index, (source, target) in enumerate(pairs):
            found[graph, target, source] += 1.0 if weights is None else weights[graph, index]
    return found


# --- GraphConv -------------------------------------------------------------------------------------------------------
def convolved(x: Array, a: Array, w: Weights, normalization: str = "symmetric", loops: bool = True) -> Array:
    """Equation 2, with degrees as the paper defines them: sums of the rows of A + I."""
    a = a + np.eye(NODES) if loops else a
    degrees = a.sum(-1)
    if normalization == "symmetric":
        root = np.array([[d**-0.5 if d > 0 else 0.0 for d in row] for row in degrees])
        a = root[:, :, None] * a * root[:, None, :]
    elif normalization == "row":
        a = a * np.array([[1 / d if d > 0 else 0.0 for d in row] for row in degrees])[:, :, None]
    return a @ x @ w["graph_conv.kernel"] + w["graph_conv.bias"]


@pytest.mark.thorough
@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("normalization", ["symmetric", "row", "none"])
def test_graph_conv(normalization: str, loops: bool) -> None:
    options = f'normalization="{normalization}", self_loops={loops}'
    agrees(
        f"GraphConv(x, a, units=4, {options})",
        {"x": ("N", 3), "a": ("N", "N")},
        lambda x, a, w: convolved(x, a, w, normalization, loops),
        data={"a": matrix(EDGES)},
        sizes={"N": NODES},
    )
    agrees(
        f"GraphConv(x, edges=e, units=4, {options})",
        {"x": (NODES, 3), "e": ("E", 2)},
        lambda x, e, w: convolved(x, matrix(e), w, normalization, loops),
        data={"e": EDGES},
        sizes={"E": EDGES.shape[1]},
    )


def test_graph_conv_with_weights_of_edges_and_an_activation() -> None:
    """A weight of 0 leaves an edge out, so that graphs of fewer edges fit into one batch."""
    weights = np.random.default_rng(4).random(EDGES.shape[:2])
    weights[0, 5:] = 0
    agrees(
        "GraphConv(x, edges=e, edge_weights=v, units=4, activation='relu')",
        {"x": (NODES, 3), "e": (8, 2), "v": (8,)},
        lambda x, e, v, w: np.maximum(convolved(x, matrix(e, v), w), 0),
        data={"e": EDGES.astype("int32"), "v": weights},
    )


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_graph_conv_takes_a_matrix_of_any_type(dtype: str) -> None:
    a = matrix(EDGES) > 0
    agrees(
        "GraphConv(x, a, units=4)",
        {"x": (NODES, 3), "a": (NODES, NODES)},
        lambda x, a, w: convolved(x, a.astype("float64"), w),
        data={"a": a.astype(dtype)},
    )


# --- GraphAttention --------------------------------------------------------------------------------------------------
def attended(
    x: Array, edges: Array, w: Weights, *, loops: bool = True, concat: bool = True, slope: float = 0.2
) -> Array:
    """Equations 1 to 6: for each node and head a softmax over the set of its neighbours."""
    kernel, own, other = (w[f"graph_attention.{name}"] for name in ("kernel", "attention_self", "attention_neighbour"))
    _, heads, units = kernel.shape
    result = np.zeros((*x.shape[:2], heads, units))
    for graph, pairs in enumerate(edges):
        h = np.einsum("nf,fhu->nhu", x[graph], kernel)
        for i in range(NODES):
            near = {source for source, target in pairs.tolist() if target == i} | ({i} if loops else set())
            for k in range(heads):
                e = np.array([own[k] @ h[i, k] + other[k] @ h[j, k] for j in near])
                alpha = np.exp(np.where(e > 0, e, slope * e))
                for share, j in zip(alpha / alpha.sum() if near else [], near, strict=True):
                    result[graph, i, k] += share * h[j, k]
    joined = result.reshape(*x.shape[:2], -1) if concat else result.mean(2)
    return joined + w["graph_attention.bias"]


@pytest.mark.thorough
@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("concat", [True, False])
def test_graph_attention(loops: bool, concat: bool) -> None:
    options = f"units=3, num_heads=2, concat={concat}, self_loops={loops}, negative_slope=0.3, dropout=0.5"
    agrees(
        f"GraphAttention(x, a, {options})",
        {"x": ("N", 4), "a": ("N", "N")},
        lambda x, a, w: attended(x, EDGES, w, loops=loops, concat=concat, slope=0.3),
        data={"a": matrix(EDGES)},
        sizes={"N": NODES},
    )
    agrees(
        f"GraphAttention(x, edges=e, {options})",
        {"x": ("N", 4), "e": ("E", 2)},
        lambda x, e, w: attended(x, e, w, loops=loops, concat=concat, slope=0.3),
        data={"e": EDGES},
        sizes={"N": NODES, "E": EDGES.shape[1]},
    )


@pytest.mark.parametrize("loops", [True, False])
def test_graph_attention_leaves_masked_edges_out(loops: bool) -> None:
    """All edges to node 1 are masked: without a loop it gathers nothing."""
    mask = EDGES[..., 1] != 1
    mask[1, 3] = False

    def reference(x: Array, e: Array, m: Array, w: Weights) -> Array:
        parts = [attended(x[g : g + 1], e[g : g + 1, m[g]], w, loops=loops) for g in range(2)]
        return np.concatenate(parts)

    agrees(
        f"GraphAttention(x, edges=e, edge_mask=m, units=3, num_heads=2, self_loops={loops})",
        {"x": (NODES, 4), "e": (8, 2), "m": (8,)},
        reference,
        data={"e": EDGES, "m": mask},
    )


@pytest.mark.parametrize(
    ("layer", "inputs", "code", "message"),
    [
        ("GraphConv(x, units=4)", {"x": "(6, 3)"}, "E0405", "gets neither"),
        ("GraphConv(4)", {"x": "(3)"}, "E0401", "it takes features of nodes (batch, nodes, features)"),
        ("GraphConv(x, a, units=4)", {"x": "(6, 3)", "a": "(6, 5)"}, "E0401", "differ: 5 and 6"),
        ("GraphConv(x, edges=e, units=4)", {"x": "(6, 3)", "e": "(6, 2)"}, "E0401", "of int64 or int32"),
        (
            "GraphAttention(x, edges=e, edge_mask=m, units=4)",
            {"x": "(6, 3)", "e": "(6, 2) int64", "m": "(5) bool"},
            "E0401",
            "differ: 5 and 6",
        ),
    ],
)
def test_refusals(layer: str, inputs: Mapping[str, str], code: str, message: str) -> None:
    found = refusal(layer, inputs)
    assert (found[0], message in found[1]) == (code, True), found
