"""Helper functions are written as their calls need them."""

from __future__ import annotations

import pytest

from neuralc.emit.jax.recurrences import fitted, outputs_alone
from neuralc.emit.python.trimming import trimmed

POOL = '''\
def pool(
    x: Array, window: Ints, strides: Ints | None = None, padding: str = "VALID"
) -> Array:
    """The largest value under each window."""
    return reduce(x, window, strides or window, padding)'''


@pytest.mark.parametrize(
    ("calls", "signature", "body"),
    [
        ("y = pool(x, 2)", "def pool(x: Array, window: Ints) -> Array:", 'reduce(x, window, window, "VALID")'),
        (
            "y = pool(x, 2, (1, 1))",
            "def pool(x: Array, window: Ints, strides: Ints) -> Array:",
            'reduce(x, window, strides, "VALID")',
        ),
        (
            'y = pool(pool(x, 2), 3, padding="SAME")',
            'def pool(x: Array, window: Ints, padding: str = "VALID") -> Array:',
            "reduce(x, window, window, padding)",
        ),
    ],
)
def test_options_go_that_no_call_gives_and_defaults_that_all_calls_give(calls: str, signature: str, body: str) -> None:
    found = trimmed(POOL, calls)
    assert found.splitlines()[0] == signature
    assert found.splitlines()[-1] == f"    return {body}"


def test_a_function_that_calls_give_all_of_stays_as_it_is() -> None:
    calls = 'pool(x, 2, padding="SAME")\npool(x, 2, strides=3)'
    assert trimmed(POOL, calls) == POOL
    assert trimmed(POOL, "pool(*arguments)") == POOL


CELL = '''\
def rnn(params: Params, x: Array, mask: Array{default}) -> tuple[Array, Array]:
    """Outputs and last h; a plain recurrent layer."""
    (h,), y = walk(cell, (zeros,), x, mask, False)
    return y, h'''


def test_layers_without_last_states_return_outputs_alone() -> None:
    assert outputs_alone(CELL.format(default="")).splitlines() == [
        "def rnn(params: Params, x: Array, mask: Array) -> Array:",
        '    """Outputs; a plain recurrent layer."""',
        "    _, y = walk(cell, (zeros,), x, mask, False)",
        "    return y",
    ]


@pytest.mark.parametrize(
    ("text", "call", "parameters"),
    [
        (CELL.format(default=""), "walk(cell, (zeros,), x, mask)", "x: Array, mask: Array, reverse"),
        (CELL.format(default=" | None = None"), "walk(cell, (zeros,), x, mask)", "mask: Array | None,"),
        (CELL.replace("x, mask, False", "x, None, reverse"), "walk(cell, (zeros,), x, reverse)", "x: Array, reverse"),
    ],
    ids=["always", "sometimes", "never"],
)
def test_layers_walk_with_the_masks_that_they_have(text: str, call: str, parameters: str) -> None:
    found = dict(fitted({"rnn": text}))
    assert call in found["rnn"]
    assert parameters in found["walk"]
