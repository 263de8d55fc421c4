"""Attention with a cache: a sequence in pieces gives what it gives as a whole."""

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from support.compare import Array, assert_close
from support.nr_programs import program_of, random_store, refusal
from support.pipelines import NATIVE, compile_native

from neuralc.dialects.interp import run_module
from neuralc.frontends.nr import LoadedProgram
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.target import Target
from neuralc.passes.verifier import verify_module
from neuralc.runtime import ModelError

STEPS = 9
PIECES = (3, 1, 1, 4)
"""Prefill, two steps one by one, and several at once."""

LAYERS = [
    "MultiHeadAttention(2, 4, use_causal_mask=true, cache=9)",
    "MultiHeadAttention(2, 4, value_dim=3, use_causal_mask=true, rotary=true, sliding_window=3, cache=12)",
    "GroupedQueryAttention(4, 4, 2, use_causal_mask=true, rotary=true, use_gate=true, cache=10)",
    "TransformerDecoder(3, 16, normalize_first=true, rotary=true, cache=9) * 2",
]


def pieces(*values: Array) -> Iterator[list[Array]]:
    start = 0
    for count in PIECES:
        yield [value[:, start : start + count] for value in values]
        start += count


def both(layer: str, inputs: Mapping[str, str]) -> tuple[LoadedProgram, LoadedProgram]:
    """The layer with its cache, and without."""
    programs = program_of(layer, inputs), program_of(re.sub(r", cache=\d+", "", layer), inputs)
    for program in programs:
        verify_module(program.module)
    return programs


@pytest.mark.parametrize("layer", LAYERS)
def test_a_sequence_in_pieces(layer: str) -> None:
    cached, whole = both(layer, {"x": "(S, 6)"})
    store = random_store(cached)
    x = np.random.default_rng(0).normal(size=(2, STEPS, 6))
    (expected,) = run_module(whole.module, [x], store)
    states: dict[str, Array] = {}
    found = [run_module(cached.module, piece, store, states=states)[0] for piece in pieces(x)]
    assert_close(np.concatenate(found, 1), expected, 1e-12)


@pytest.mark.thorough
@pytest.mark.parametrize("layer", LAYERS)
def test_native_code_goes_on_until_it_is_reset(layer: str) -> None:
    cached, whole = both(layer, {"x": "(S, 6)"})
    store = random_store(cached)
    x = np.random.default_rng(0).normal(size=(2, STEPS, 6)).astype("float32")
    (expected,) = run_module(whole.module, [x], store)
    model = compile_native(cached.module, store, 2, Target.host())
    for _ in range(2):
        found = [model(*piece) for piece in pieces(x)]
        assert_close(np.concatenate(found, 1), expected, NATIVE)
        model.reset()


def test_masks_of_steps_are_kept_with_their_keys() -> None:
    cached, whole = both(
        "MultiHeadAttention(x, value_mask=m, num_heads=2, key_dim=4, use_causal_mask=true, cache=9)",
        {"x": "(S, 6)", "m": "(S) bool"},
    )
    store = random_store(cached)
    x = np.random.default_rng(0).normal(size=(2, STEPS, 6))
    mask = np.random.default_rng(1).random((2, STEPS)) < 0.6
    mask[:, 0] = True
    (expected,) = run_module(whole.module, [x, mask], store)
    states: dict[str, Array] = {}
    found = [run_module(cached.module, piece, store, states=states)[0] for piece in pieces(x, mask)]
    assert_close(np.concatenate(found, 1), expected, 1e-12)


def test_a_decoder_sees_its_memory_in_each_run() -> None:
    cached, whole = both("TransformerDecoder(x, m, num_heads=2, ff_dim=16, cache=9)", {"x": "(S, 6)", "m": "(5, 6)"})
    store = random_store(cached)
    x, memory = (np.random.default_rng(0).normal(size=(2, count, 6)) for count in (STEPS, 5))
    (expected,) = run_module(whole.module, [x, memory], store)
    states: dict[str, Array] = {}
    found = [run_module(cached.module, [*piece, memory], store, states=states)[0] for piece in pieces(x)]
    assert_close(np.concatenate(found, 1), expected, 1e-12)


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_more_steps_than_there_is_room_for_end_the_run(native: bool) -> None:
    program = program_of("MultiHeadAttention(2, 4, use_causal_mask=true, cache=4)", {"x": "(3, 6)"})
    store, x = random_store(program), np.ones((2, 3, 6), "float32")
    states: dict[str, Array] = {}
    model = compile_native(program.module, store, 2, Target.host()) if native else None

    def run() -> None:
        if model is not None:
            model(x)
        else:
            run_module(program.module, [x], store, states=states)

    run()
    with pytest.raises((NeuralcError, ModelError), match="E0910"):
        run()


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        ("MultiHeadAttention(2, 4, cache=8)", {"x": "(S, 6)"}, "without a causal mask steps see what comes after them"),
        (
            "MultiHeadAttention(2, 4, use_causal_mask=true, cache=8)",
            {"x": "(9, 6)"},
            "room for 8 steps, 9 come at once",
        ),
        (
            "MultiHeadAttention(x, v, num_heads=2, key_dim=4, use_causal_mask=true, cache=8)",
            {"x": "(3, 6)", "v": "(4, 6)"},
            "the steps of query and value, which a cache goes through together, differ: 3 and 4",
        ),
        (
            "MultiHeadAttention(x, attention_mask=m, num_heads=2, key_dim=4, use_causal_mask=true, cache=8)",
            {"x": "(3, 6)", "m": "(3, 8) bool"},
            "a cache goes with masks of steps",
        ),
        ("MultiHeadAttention(2, 4, use_causal_mask=true, cache=8)", {"x": "(2, 3, 6)"}, "a cache is for sequences"),
    ],
)
def test_refusals(layer: str, inputs: Mapping[str, str], message: str) -> None:
    code, found = refusal(layer, inputs)
    assert (code, message in found) == ("E0401", True), found
