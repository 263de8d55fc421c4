"""What neuralc.from_jax promises, checked in a process of its own: `api_checks.py`; one JSON line a check."""

from __future__ import annotations

import functools
import json
import re
import traceback
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neuralc
from neuralc.dialects.graph import the_model
from neuralc.grammar.diagnostics import NeuralcError

CHECKS: list[Any] = []


def check(function: Any) -> Any:
    CHECKS.append(function)
    return function


def dense(params: Any, x: Any) -> Any:
    return x @ params["kernel"] + params["bias"]


KERNEL = {"kernel": jnp.arange(12.0).reshape(3, 4), "bias": jnp.zeros(4)}
X = jnp.ones((2, 3))


@check
def weights_share_memory_with_jax() -> None:
    model = neuralc.from_jax(dense, KERNEL, X)
    for name, array in KERNEL.items():
        assert np.shares_memory(model.weights[name], np.asarray(array)), name


@check
def parameters_stay_weights_whatever_their_values_are() -> None:
    assert sorted(neuralc.from_jax(dense, KERNEL, X).weights) == ["bias", "kernel"]


@check
def weights_are_named_by_their_paths() -> None:
    @functools.partial(jax.tree_util.register_dataclass, data_fields=["scale"], meta_fields=["epsilon"])
    @dataclass
    class Norm:
        scale: Any
        epsilon: float

    params = {"encoder": [KERNEL, {"norm": Norm(jnp.ones(4) * 2, 1e-5)}], "pair": (jnp.ones(4) * 3,)}

    def run(params: Any, x: Any) -> Any:
        return dense(params["encoder"][0], x) * params["encoder"][1]["norm"].scale + params["pair"][0]

    model = neuralc.from_jax(run, params, X)
    assert sorted(model.weights) == ["encoder.0.bias", "encoder.0.kernel", "encoder.1.norm.scale", "pair.0"]


@check
def collections_of_flax_are_no_part_of_a_name() -> None:
    variables = {"params": {"norm": {"scale": jnp.ones(3)}}, "batch_stats": {"norm": {"mean": jnp.zeros(3)}}}

    def run(variables: Any, x: Any) -> Any:
        return (x - variables["batch_stats"]["norm"]["mean"]) * variables["params"]["norm"]["scale"]

    assert sorted(neuralc.from_jax(run, variables, X).weights) == ["norm.mean", "norm.scale"]
    same = {"params": {"scale": jnp.ones(3)}, "more": {"scale": jnp.zeros(3)}}
    model = neuralc.from_jax(lambda p, x: x * p["params"]["scale"] + p["more"]["scale"], same, X)
    assert sorted(model.weights) == ["more.scale", "params.scale"]


@check
def the_scope_around_all_modules_is_the_model() -> None:
    params = {name: {**KERNEL, "kernel": KERNEL["kernel"][:, :3], "bias": jnp.ones(3)} for name in ("a", "b")}

    def run(params: Any, x: Any) -> Any:
        with jax.named_scope("Model"):
            for name in ("a", "b"):
                with jax.named_scope(name):
                    x = jnp.tanh(dense(params[name], x))
            return x

    assert {"a", "b", "a.tanh", "b.tanh"} <= set(neuralc.from_jax(run, params, X).values)


@check
def a_tree_that_is_called_has_its_parameters_itself() -> None:
    @functools.partial(jax.tree_util.register_dataclass, data_fields=["kernel", "act"], meta_fields=[])
    @dataclass
    class Layer:
        kernel: Any
        act: Any

        def __call__(self, x: Any) -> Any:
            return self.act(x @ self.kernel)

    model = neuralc.from_jax(Layer(KERNEL["kernel"], jnp.tanh), None, X)
    assert (model.name, sorted(model.weights)) == ("Layer", ["kernel"])
    assert list(the_model(model.module).inputs) == ["x"]


@check
def inputs_are_called_as_the_function_calls_them() -> None:
    def run(params: Any, image: Any, extra: Any) -> Any:
        return {"scores": image @ params, "rest": extra["mask"][0]}

    model = the_model(neuralc.from_jax(run, jnp.ones((3, 4)), X, {"mask": [X, X]}).module)
    assert list(model.inputs) == [
        "image", "extra_mask_0", "extra_mask_1",
    ], model.inputs  # fmt: skip
    assert list(model.outputs) == ["rest", "scores"], model.outputs


@check
def arguments_that_are_not_read_stay_inputs() -> None:
    model = neuralc.from_jax(lambda x, unread: x * 2, None, X, X)
    assert list(the_model(model.module).inputs) == ["x", "unread"]


@check
def a_model_without_parameters_and_without_a_name() -> None:
    model = neuralc.from_jax(lambda x: jnp.tanh(x), None, X)
    assert model.name == "model"
    assert not len(model.weights)
    np.testing.assert_allclose(model.compile(cache=False)(np.ones((2, 3), np.float32)), np.tanh(np.ones((2, 3))), 1e-6)


@check
def numbers_of_64_bits_are_those_that_jax_computes_with() -> None:
    model = neuralc.from_jax(dense, {"kernel": np.ones((3, 4)), "bias": np.ones(4)}, np.ones((2, 3)))
    assert {array.dtype for array in model.weights.values()} == {np.dtype(np.float32)}


@check
def half_precision_stays() -> None:
    params = jax.tree_util.tree_map(lambda leaf: leaf.astype(jnp.bfloat16), KERNEL)
    model = neuralc.from_jax(dense, params, X.astype(jnp.bfloat16))
    assert "bf16" in str(the_model(model.module).arguments[0].type)


@check
def open_sizes_are_those_that_are_named() -> None:
    model = neuralc.from_jax(dense, KERNEL, X, dynamic="batch, 3")
    compiled = model.compile(cache=False)
    for size in (1, 5):
        assert compiled(np.ones((size, 3), np.float32)).shape == (size, 4)


@check
def what_jax_cannot_trace_is_told() -> None:
    _refused("E0654", lambda: neuralc.from_jax(lambda x: x if x.sum() > 0 else -x, None, X))
    _refused("E0654", lambda: neuralc.from_jax(dense, KERNEL, jnp.ones((2, 5))))


@check
def what_is_not_compiled_is_listed_as_a_whole() -> None:
    def run(x: Any) -> Any:
        return jax.scipy.special.gammaln(x) + jax.random.normal(jax.random.key(0), x.shape) + jnp.fft.fft(x).real

    text = _refused("E0653", lambda: neuralc.from_jax(run, None, X))
    assert all(word in text for word in ("chlo.lgamma", "stablehlo.fft")), text


@check
def code_for_other_frameworks_is_written() -> None:
    code = neuralc.from_jax(dense, KERNEL, X, name="Small").emit("torch")
    assert "nn.Linear(3, 4)" in str(code), code


def _norm(params: Any, x: Any) -> Any:
    centered = x - x.mean(-1, keepdims=True)
    return centered * jax.lax.rsqrt((centered**2).mean(-1, keepdims=True) + 1e-5) * params["scale"] + params["bias"]


def residual(params: Any, x: Any) -> Any:
    """A block whose parts have names where a caller of jax gives them."""
    with jax.named_scope("norm"):
        h = _norm(params["norm"], x)
    with jax.named_scope("mlp"):
        h = jax.nn.gelu(dense(params["mlp"]["up"], h))
        h = dense(params["mlp"]["down"], h)
    return x + h


def _stack(block: Any, x: Any) -> Any:
    rng = np.random.default_rng(0)

    def part(inputs: int, units: int) -> Any:
        return {"kernel": rng.normal(size=(inputs, units)).astype("f"), "bias": np.ones(units, "f")}

    params = [
        {"norm": {"scale": np.ones(3, "f"), "bias": np.ones(3, "f")}, "mlp": {"up": part(3, 8), "down": part(8, 3)}}
        for _ in range(3)
    ]
    return neuralc.from_jax(lambda tree, y: functools.reduce(lambda y, each: block(each, y), tree, y), params, x)


@check
def a_function_that_jax_compiles_apart_is_a_block() -> None:
    model = _stack(jax.jit(residual), X)
    assert re.findall(r"^class (\w+)", str(model.emit("torch")), re.MULTILINE) == ["Mlp", "Residual", "Model"]
    code = str(model.emit("jax"))
    assert "def residual(params: Params, x: Array)" in code, code
    assert 'for block in params["layers"]:' in code, code


@check
def values_have_the_paths_of_layers_and_of_named_scopes() -> None:
    values = _stack(residual, X).values
    assert {"0.mlp.up", "1.mlp.down", "2.norm"} <= set(values), sorted(values)
    assert "mlp.gelu" in values, sorted(values)


def _refused(code: str, run: Any) -> str:
    with pytest.raises(NeuralcError) as failure:
        run()
    assert [each.code for each in failure.value.diagnostics] == [code], failure.value
    return str(failure.value)


for each in CHECKS:
    try:
        each()
        print(json.dumps({"name": each.__name__}), flush=True)
    except Exception:
        print(json.dumps({"name": each.__name__, "failure": traceback.format_exc()}), flush=True)
