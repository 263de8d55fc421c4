"""ProbabilisticDense against a generator in numpy, which is held to the known answers of its paper's authors."""

from collections.abc import Mapping
from zlib import crc32

import numpy as np
import pytest
from support.compare import Array
from support.nr_programs import Weights, agrees, program_of, random_store, refusal

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module

pytestmark = pytest.mark.thorough

KEYS = np.array([7, -(2**40) - 3, 7])
"""The second one needs all bits, the third one is the first again."""


def threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Salmon et al. 2011, section 3.3, on Python's integers."""

    def turn(x: int, count: int) -> int:
        return (x << count | x >> 32 - count) % 2**32

    words = (*key, 0x1BD11BDA ^ key[0] ^ key[1])
    x, y = (counter[0] + key[0]) % 2**32, (counter[1] + key[1]) % 2**32
    for number in range(20):
        x = (x + y) % 2**32
        y = turn(y, (13, 15, 26, 6, 17, 29, 16, 24)[number % 8]) ^ x
        if number % 4 == 3:
            block = number // 4 + 1
            x = (x + words[block % 3]) % 2**32
            y = (y + words[(block + 1) % 3] + block) % 2**32
    return x, y


@pytest.mark.parametrize(
    ("key", "counter", "result"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1, 2**32 - 1), (2**32 - 1, 2**32 - 1), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers(key: tuple[int, int], counter: tuple[int, int], result: tuple[int, int]) -> None:
    """kat_vectors of Random123, which the tests below then rest on."""
    assert threefry(key, counter) == result


def noise(key: int, count: int, stream: int) -> Array:
    """Box and Muller's pairs: all cosines, then all sines."""
    words = (key % 2**32, (key >> 32) % 2**32)
    pairs = np.array([threefry(words, (index, stream)) for index in range(-(-count // 2))])
    first, second = ((pairs[:, i] // 512 + 0.5) / 2**23 for i in range(2))
    radius, angle = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]


def drawn(key: int, w: Weights, name: str, stream: int | None = None) -> Array:
    path = f"probabilistic_dense.{name}"
    mean, rho = w[f"{path}_mean"], w[f"{path}_rho"]
    chosen = crc32(path.encode()) if stream is None else stream
    return mean + np.log1p(np.exp(rho)) * noise(key, mean.size, chosen).reshape(mean.shape)


@pytest.mark.parametrize("units", [3, 4])
def test_each_sample_draws_the_weights_of_its_key(units: int) -> None:
    def reference(x: Array, k: Array, w: Weights) -> Array:
        return np.array(
            [each @ drawn(int(key), w, "kernel") + drawn(int(key), w, "bias") for each, key in zip(x, k, strict=True)]
        )

    agrees(f"ProbabilisticDense(x, key=k, units={units})", {"x": (5,), "k": ()}, reference, data={"k": KEYS}, batch=3)


def test_places_of_a_sample_share_its_weights() -> None:
    def reference(x: Array, k: Array, w: Weights) -> Array:
        return np.array(
            [np.tanh(each @ drawn(int(key), w, "kernel", 10)) for each, key in zip(x, k[:, 0], strict=True)]
        )

    agrees(
        'ProbabilisticDense(x, key=k, units=3, activation="tanh", use_bias=false, stream=5)',
        {"x": ("S", 2, 5), "k": (1,)},
        reference,
        data={"k": np.array([[3], [9]], "int32")},
        sizes={"S": 4},
    )


def test_without_a_key_the_weights_are_their_means() -> None:
    agrees(
        "ProbabilisticDense(3)",
        {"x": (4, 5)},
        lambda x, w: x @ w["probabilistic_dense.kernel_mean"] + w["probabilistic_dense.bias_mean"],
    )


def test_training_has_the_noise() -> None:
    program = program_of("ProbabilisticDense(3)", {"x": "(5)"})
    ops = [op for op in graph.the_model(program.module).block.ops if isinstance(op, graph.GaussianNoiseOp)]
    assert [op.literal("stddev") for op in ops] == [1.0, 1.0]


def test_many_draws_have_the_mean_and_the_deviation_of_the_weights() -> None:
    program = program_of("ProbabilisticDense(x, key=k, units=1, use_bias=false)", {"x": "(1)", "k": "() int64"})
    store = random_store(program)
    (found,) = run_module(program.module, [np.ones((20000, 1)), np.arange(20000)], store)
    mean, rho = (float(store[f"probabilistic_dense.kernel_{name}"][0, 0]) for name in ("mean", "rho"))
    deviation = np.log1p(np.exp(rho))
    assert abs(found.mean() - mean) < 5 * deviation / np.sqrt(len(found))
    assert abs(found.std() / deviation - 1) < 0.03


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": "(8)", "k": "()"}, "`key` is an integer for each sample, (batch,), not f32 (batch,)"),
        ({"x": "(8)", "k": "(2) int64"}, "not i64 (batch, 2)"),
    ],
)
def test_refusals(inputs: Mapping[str, str], message: str) -> None:
    code, found = refusal("ProbabilisticDense(x, key=k, units=3)", inputs)
    assert (code, message in found) == ("E0401", True), found
