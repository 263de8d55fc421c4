"""Calls that are like the ones before go to native code directly; all others find the checks that they always find."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.native_modules import MLP, PAIR, TABLE, lookup, mlp_store, native

from neuralc.emit.llvm.direct_call import is_possible
from neuralc.emit.llvm.in_process import load_native
from neuralc.passes.target import Target
from neuralc.runtime import Model, ModelError
from neuralc.runtime.model import OFTEN

X = np.random.default_rng(3).standard_normal((4, 32)).astype(np.float32)


class Kind(np.ndarray[Any, Any]):
    """An array that is more than one."""


pytestmark = pytest.mark.skipif(not is_possible(), reason="this Python or numpy lays objects out in another way")


@pytest.fixture
def model() -> Model:
    return load_native(native(MLP, mlp_store(), target=Target.host()))


def accustomed(model: Model, *inputs: Any) -> Callable[..., Any]:
    """The builtin of calls like this one, which have come several times."""
    for _ in range(OFTEN):
        model(*inputs)
    assert model._call is not None
    return model._call


def test_results_are_the_same_and_fresh(model: Model) -> None:
    slow = model(X)
    accustomed(model, X)
    first, second = model(X), model(2 * X)
    np.testing.assert_array_equal(first, slow)
    assert not np.array_equal(second, slow)
    assert (first.dtype, first.shape, first.flags.owndata) == (slow.dtype, slow.shape, True)


def test_several_inputs_and_outputs() -> None:
    pair = load_native(native(PAIR, target=Target.host()))
    x, z = (np.random.default_rng(seed).standard_normal((2, 8)).astype(np.float32) for seed in (1, 2))
    slow = pair(x, z)
    accustomed(pair, x, z)
    found = pair(x, z)
    assert isinstance(found, tuple)
    for direct, wanted in zip(found, slow, strict=True):
        np.testing.assert_array_equal(direct, wanted)


def test_what_is_not_like_the_calls_before_is_checked(model: Model) -> None:
    slow = model(X)
    accustomed(model, X)
    frozen = X.copy()
    frozen.flags.writeable = False
    for same in (frozen, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], X.view(Kind)):
        np.testing.assert_array_equal(model(same), slow)
    np.testing.assert_array_equal(model(X[:3]), slow[:3])
    np.testing.assert_array_equal(model(np.concatenate([X, X]))[4:], slow)
    out = np.empty_like(slow)
    assert model(X, out=out) is out
    np.testing.assert_array_equal(out, slow)
    for wrong in (X.astype(np.float64), X[0], X[:, :31], X.tolist(), None, X.astype(">f4")):
        with pytest.raises(ModelError) as caught:
            model(wrong)
        assert caught.value.code == "E0904"
    for count in (0, 2):
        with pytest.raises(ModelError):
            model(*[X] * count)
    np.testing.assert_array_equal(model(X), slow)


def test_other_shapes_become_usual_in_their_turn(model: Model) -> None:
    before = accustomed(model, X)
    for _ in range(OFTEN * OFTEN):
        model(X[:2])
    assert model._call is not before
    np.testing.assert_array_equal(model(X[:2]), model(X)[:2])


def test_memory_for_the_result_is_checked_and_taken(model: Model) -> None:
    slow = model(X)
    accustomed(model, X)
    out = np.zeros_like(slow)
    assert model(X, out=out) is out
    np.testing.assert_array_equal(out, slow)
    assert model(X, out=[out]) is out
    both = np.zeros((8, 32), np.float32)
    both[:4] = X
    assert model(both[:4], out=both[4:]) is not None
    np.testing.assert_array_equal(both[4:], slow)
    for each in (both[:4], both[2:6], out[:3], out.astype(np.float64), np.asfortranarray(out)):
        with pytest.raises(ModelError) as caught:
            model(both[:4], out=each)
        assert caught.value.code == "E0908"
    with pytest.raises(ModelError) as caught:
        model(X.astype(np.float64), out=out)
    assert caught.value.code == "E0904"
    np.testing.assert_array_equal(model(X), slow)


@pytest.mark.parametrize("threads", [1, 2])
def test_data_that_ends_a_run_is_an_error_and_the_model_goes_on(threads: int) -> None:
    model = lookup(threads=threads)
    ids = np.arange(1000) % 40
    accustomed(model, TABLE, ids)
    broken = np.where(ids == 7, -1, ids)
    for _ in range(3):
        with pytest.raises(ModelError, match="an index in the inputs is outside") as caught:
            model(TABLE, broken)
        assert caught.value.code == "E0910"
        np.testing.assert_array_equal(model(TABLE, ids), TABLE[ids])


def test_threads_that_call_at_once_do_not_meet(model: Model) -> None:
    accustomed(model, X)
    inputs = [X * number for number in range(4)]
    wanted = [model(x) for x in inputs]
    wrong: list[int] = []

    def call(number: int) -> None:
        for _ in range(300):
            if not np.array_equal(model(inputs[number]), wanted[number]):
                wrong.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_nothing_is_kept_or_given_away_by_calls(model: Model) -> None:
    accustomed(model, X)
    counts = [sys.getrefcount(each) for each in (X, np.empty, np.dtype(np.float32))]
    for _ in range(1000):
        model(X)
    now = [sys.getrefcount(each) for each in (X, np.empty, np.dtype(np.float32))]
    assert all(abs(after - before) < 100 for before, after in zip(counts, now, strict=True))


def test_a_model_that_nobody_has_is_gone_at_once(model: Model) -> None:
    own = load_native(native(MLP, mlp_store(), target=Target.host()))
    accustomed(own, X)
    gone = weakref.ref(own)
    gc.disable()
    try:
        del own
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_and_the_end_of_one_are_in_order(tmp_path: Path) -> None:
    path = tmp_path / "m.nr"
    path.write_text("network M { input: (8) layers: Dense(16) ReLU Dense(4) }")
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True", "True"]), done.stderr


FORKED = """
import os, sys, numpy as np, neuralc
model = neuralc.compile(sys.argv[1], threads=2)
x = np.ones((3, 8), np.float32)
wanted = [model(x) for _ in range(20)][0]
assert model._call is not None
child = os.fork()
if not child:
    same = all(np.array_equal(model(x), wanted) for _ in range(20))
    print(same, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(np.array_equal(model(x), wanted))
"""
