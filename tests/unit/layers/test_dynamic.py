"""DynamicLayer against the choice written out, sample by sample."""

from collections.abc import Mapping

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, program_of, random_store, refusal
from support.pipelines import compile_native

from neuralc.dialects.interp import run_module
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.target import Target
from neuralc.runtime import ModelError

pytestmark = pytest.mark.thorough

BRANCHES = '{ a: { Dense(3, "tanh") } b: { Dense(5, "relu") Dense(3) } c: { Dense(3) Activation("sigmoid") } }'
TWO = "{ a: { Dense(3) } b: { Dense(3) } }"


def dense(x: Array, w: Weights, name: str) -> Array:
    return x @ w[f"dynamic_layer.{name}.kernel"] + w[f"dynamic_layer.{name}.bias"]


def branch(index: int, x: Array, w: Weights) -> Array:
    if index == 0:
        return np.tanh(dense(x, w, "a.dense"))
    if index == 1:
        return dense(np.maximum(dense(x, w, "b.dense"), 0), w, "b.dense_1")
    return 1 / (1 + np.exp(-dense(x, w, "c.dense")))


def chosen(x: Array, choice: Array, w: Weights) -> Array:
    return np.array([branch(int(k), sample, w) for sample, k in zip(x, choice, strict=True)])


@pytest.mark.parametrize("choice", [[2, 0, 1, 1, 2], [1, 1, 1, 1, 1], [-1, 0, -1, 0, 0]])
def test_a_number_chooses(choice: list[int]) -> None:
    """A negative one counts from the end, as any index does."""
    agrees(
        f"DynamicLayer(x, by=k) {BRANCHES}",
        {"x": (4,), "k": ()},
        lambda x, k, w: chosen(x, np.array(k) % 3, w),
        data={"k": np.array(choice)},
        batch=5,
    )


def test_a_truth_value_chooses_the_first_of_two() -> None:
    choice = np.array([[True], [False], [True]])
    agrees(
        f"DynamicLayer(x, by=k) {TWO}",
        {"x": (4,), "k": (1,)},
        lambda x, k, w: np.where(k, dense(x, w, "a.dense"), dense(x, w, "b.dense")),
        data={"k": choice},
        batch=3,
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_choose(weighted: bool) -> None:
    def reference(x: Array, s: Array, w: Weights) -> Array:
        shares = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
        return chosen(x, s.argmax(-1), w) * (shares.max(-1, keepdims=True) if weighted else 1)

    agrees(f"DynamicLayer(x, by=s, weighted={weighted}) {BRANCHES}", {"x": (4,), "s": (3,)}, reference, batch=4)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_a_gate_chooses(shape: tuple[int, ...]) -> None:
    """Of the means of the features over all places."""

    def reference(x: Array, w: Weights) -> Array:
        scores = dense(x.reshape(len(x), -1, 4).mean(1), w, "gate")
        return chosen(x, scores.argmax(-1), w)

    agrees(f"DynamicLayer() {BRANCHES}", {"x": shape}, reference, batch=6)


@pytest.mark.parametrize("native", [False, True])
def test_a_branch_that_no_sample_chooses_is_not_run(native: bool) -> None:
    """The second one would end the run: no branch has the number 7."""
    program = program_of(
        f"DynamicLayer(x, by=k) {{ a: {{ Dense(3) }} b: {{ DynamicLayer(by=j) {TWO} }} }}",
        {"x": "(4)", "k": "() int64", "j": "() int64"},
    )
    store = random_store(program)
    x, first, second, wrong = np.ones((2, 4), "float32"), np.array([0, 0]), np.array([0, 1]), np.array([7, 7])
    model = compile_native(program.module, store, 2, Target.host()) if native else None

    def run(choice: Array) -> Array:
        if model is not None:
            return np.asarray(model(x, choice, wrong))
        return run_module(program.module, [x, choice, wrong], store)[0]

    assert np.isfinite(run(first)).all()
    with pytest.raises((NeuralcError, ModelError), match="E0910"):
        run(second)


def test_branches_share_layers_and_see_values_around_them() -> None:
    """`e` is one layer; `y` is a value from before."""

    def reference(x: Array, k: Array, w: Weights) -> Array:
        y, e = (x @ w[f"{name}.kernel"] + w[f"{name}.bias"] for name in ("dense", "e"))
        both = e @ w["dynamic_layer.b.dense.kernel"] + w["dynamic_layer.b.dense.bias"]
        return np.where(k[:, None] == 0, e + y, both)

    agrees(
        "y = Dense(4)(x) e = Dense(4) DynamicLayer(x, by=k) { a: { z = e() Add(z, y) } b: { e() Dense(4) } }",
        {"x": (4,), "k": ()},
        reference,
        data={"k": np.array([0, 1, 0])},
        batch=3,
    )


@pytest.mark.parametrize(
    ("layer", "inputs", "code", "message"),
    [
        ("DynamicLayer() { a: { Dense(3) } b: { Dense(4) } }", {"x": "(8)"}, "E0401", "(batch, 3) and (batch, 4)"),
        (
            f"DynamicLayer(x, by=k) {BRANCHES}",
            {"x": "(8)", "k": "() bool"},
            "E0401",
            "between two branches, there are 3",
        ),
        (f"DynamicLayer(x, by=k) {TWO}", {"x": "(8)", "k": "() int8"}, "E0401", "not i8"),
        (f"DynamicLayer(x, by=k) {TWO}", {"x": "(8)", "k": "(3)"}, "E0401", "scores are (batch, 2)"),
        (f"DynamicLayer(x, by=k, weighted=true) {TWO}", {"x": "(8)", "k": "() int64"}, "E0401", "only scores weigh"),
        ("DynamicLayer()", {"x": "(8)"}, "E0310", "needs a block"),
        ("DynamicLayer() { Dense(3) }", {"x": "(8)"}, "E0310", "holds branches only"),
    ],
)
def test_refusals(layer: str, inputs: Mapping[str, str], code: str, message: str) -> None:
    found = refusal(layer, inputs)
    assert (found[0], message in found[1]) == (code, True), found
