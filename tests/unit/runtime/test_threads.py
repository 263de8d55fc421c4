"""Threads of native code: the same bits for any number of them, whoever calls, and none left when nobody does."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.native_modules import MLP, mlp_reference, mlp_store, native

import neuralc
from neuralc.emit.llvm import products
from neuralc.emit.llvm.in_process import load_native
from neuralc.passes.target import Target
from neuralc.runtime import Model, workers

PROCESSORS = "%processors = call i64 @nrc.processors()\n  %head"
RECURRENT = """
network Recurrent {
  input: (12, 24)
  layers:
    LSTM(48, return_sequences=true)
    LSTM(40)
    Dense(10, "softmax")
}
"""
SHARED = MLP.replace("shared (batch * 4000)", "shared (batch * 1000000)")
"""The MLP as a program that is worth waking threads for."""


def batch(size: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((size, 32)).astype(np.float32)


@pytest.fixture
def many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Artifacts that are made now take the machine for one of eight processors."""
    support = products.support_text(Target.host())
    assert PROCESSORS in support
    text = support.replace(PROCESSORS, "%processors = add i64 8, 0\n  %head")
    # Workers are taken wherever they are, and however long threads wait for each other.
    for condition in ("%near = icmp eq i64 %its.cpu, %cpu", "%some = icmp ne i32 %left, 0"):
        assert condition in text
        text = text.replace(condition, condition.partition(" = ")[0] + " = icmp eq i64 0, 1")
    monkeypatch.setattr(products, "support_text", lambda target: text)


@pytest.fixture(autouse=True)
def workers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that other tests have left may lend their workers: a test begins without any."""
    monkeypatch.setattr(workers, "_lent", None)


def threads_of_this_process() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


@pytest.mark.parametrize("threads", [2, 3, 4, 7])
@pytest.mark.usefixtures("many_processors")
def test_layers_give_the_same_bits_on_more_threads_than_processors(mlp: Model, threads: int) -> None:
    model = load_native(native(SHARED, mlp_store(), target=Target.host(), threads=threads))
    for size in (1, 3, 64, 257):
        x = batch(size, seed=size)
        for _ in range(20):
            np.testing.assert_array_equal(model(x), mlp(x))


@pytest.mark.thorough
@pytest.mark.usefixtures("many_processors")
def test_a_recurrence_gives_the_same_bits_on_any_number_of_threads(tmp_path: Path) -> None:
    """Each step waits for the one before, on all threads."""
    path = tmp_path / "recurrent.nr"
    path.write_text(RECURRENT)
    models = [neuralc.compile(path, threads=threads) for threads in (1, 2, 4)]
    for size in (1, 7, 32):
        x = np.random.default_rng(size).random((size, 12, 24), np.float32)
        expected = models[0](x)
        for model in models[1:] * 10:
            np.testing.assert_array_equal(model(x), expected)


def test_a_context_has_no_more_threads_than_there_are_processors() -> None:
    before, processors = threads_of_this_process(), len(os.sched_getaffinity(0))
    model = load_native(native(SHARED, mlp_store(), target=Target.host(), threads=8))
    np.testing.assert_allclose(model(batch(64)), mlp_reference(batch(64)), atol=1e-4)
    assert threads_of_this_process() - before == min(8, processors) - 1
    del model
    assert threads_of_this_process() == before


def test_models_of_a_process_share_their_workers_and_outlive_each_other(library: Path) -> None:
    before, x = threads_of_this_process(), batch(64)
    models = [load_native(native(SHARED, mlp_store(), target=Target.host(), threads=2)) for _ in range(3)]
    models.append(neuralc.load(library, threads=2))
    while models:
        for model in models:
            np.testing.assert_allclose(model(x), mlp_reference(x), atol=1e-4)
        assert threads_of_this_process() - before == min(2, len(os.sched_getaffinity(0))) - 1
        del models[0], model
    assert threads_of_this_process() == before
    model = neuralc.load(library, threads=2)
    np.testing.assert_allclose(model(x), mlp_reference(x), atol=1e-4)


def test_contexts_of_a_library_share_their_workers(library: Path) -> None:
    before = threads_of_this_process()
    model = neuralc.load(library, threads=2)
    with ThreadPoolExecutor(4) as callers:
        results = list(callers.map(model, [batch(size % 9 + 1, seed=size) for size in range(60)]))
        assert threads_of_this_process() - before <= 4 + len(os.sched_getaffinity(0)) - 1
    for size, y in enumerate(results):
        np.testing.assert_allclose(y, mlp_reference(batch(size % 9 + 1, seed=size)), atol=1e-4)


def test_models_that_run_at_once_do_not_disturb_each_other(mlp: Model) -> None:
    models = [load_native(native(SHARED, mlp_store(), target=Target.host(), threads=2)) for _ in range(3)]
    expected = mlp(batch(200))
    with ThreadPoolExecutor(6) as callers:
        for y in callers.map(lambda number: models[number % 3](batch(200)), range(120)):
            np.testing.assert_array_equal(y, expected)


def test_nothing_spins_when_no_model_runs() -> None:
    """A worker looks for work for 0.2 ms, then it sleeps."""
    model = load_native(native(SHARED, mlp_store(), target=Target.host(), threads=2))
    for _ in range(50):
        model(batch(64))
    spent = []
    for _ in range(5):
        time.sleep(0.02)
        start = time.process_time()
        model(batch(64))
        time.sleep(0.1)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.002


AFTER_FORK = """
import os, sys, numpy as np
from neuralc.runtime import load
old = load(sys.argv[1], threads=2)
x = np.ones((64, 32), np.float32)
expected = old(x)
child = os.fork()
new = load(sys.argv[1], threads=2)
for _ in range(20):
    assert (new(x) == expected).all() and (old(x) == expected).all()
del old
assert (new(x) == expected).all()
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_runs_models_of_its_parent_and_new_ones(library: Path) -> None:
    done = subprocess.run([sys.executable, "-c", AFTER_FORK, library], timeout=60, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
