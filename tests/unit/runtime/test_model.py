"""Calling a compiled model: what it takes, what it gives, and what it says when something does not fit."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.native_modules import mlp_reference

from neuralc.runtime import Model, ModelError, load
from neuralc.runtime.arrays import ADDRESSES


def batch(size: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((size, 32)).astype(np.float32)


def refusal(code: str, text: str):
    return pytest.raises(ModelError, match=rf"(?s)^error\[{code}\]: .*{text}")


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 5, 6, 7, 64, 1000])
def test_a_symbolic_batch_is_known_when_the_model_runs(mlp: Model, size: int) -> None:
    x = batch(size)
    y = mlp(x)
    assert y.shape == (size, 32)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, mlp_reference(x), atol=1e-4)


def test_the_arena_grows_and_does_not_mix_runs_up(mlp: Model) -> None:
    for size in (3, 700, 2, 1000, 700):
        x = batch(size, seed=size)
        np.testing.assert_allclose(mlp(x), mlp_reference(x), atol=1e-4)


def test_several_outputs_are_a_tuple_in_the_models_order(pair: Model) -> None:
    a, b = np.full((2, 8), 5, np.float32), np.full((2, 8), 3, np.float32)
    total, difference = pair(a, b)
    assert total.shape == (2, 8)
    assert difference.shape == (16,)
    assert (total == 8).all()
    assert (difference == 2).all()


def test_inputs_go_by_position_by_name_or_both(pair: Model) -> None:
    a, b = np.full((2, 8), 5, np.float32), np.full((2, 8), 3, np.float32)
    for results in (pair(a, b), pair(a=a, b=b), pair(b=b, a=a), pair(a, b=b)):
        assert (results[1] == 2).all()


def test_results_are_fresh_arrays(mlp: Model) -> None:
    x = batch(4)
    first = mlp(x)
    kept = first.copy()
    second = mlp(-x)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)


# --- kinds of inputs --------------------------------------------------------------------------------------------------


def unaligned(array: np.ndarray) -> np.ndarray:
    raw = np.empty(array.nbytes + 1, np.uint8)[1:]
    out = raw.view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


def read_only(array: np.ndarray) -> np.ndarray:
    out = array.copy()
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        unaligned,
        read_only,
        lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(x.shape),
        lambda x: x.view(np.memmap),
    ],
    ids=["fortran", "strided", "reversed", "unaligned", "read-only", "bytes", "subclass"],
)
def test_memory_of_any_form_gives_the_same_result(mlp: Model, form) -> None:
    x = batch(6)
    np.testing.assert_array_equal(mlp(form(x)), mlp(x))


@pytest.mark.parametrize(
    "array",
    [np.ones(3), np.ones((4, 5), np.float32)[1:, 2:], np.ones((2, 0), np.int8), np.ones(()), read_only(np.ones(2))],
    ids=["vector", "view", "nothing", "scalar", "read-only"],
)
def test_addresses_are_those_that_numpy_gives(array: np.ndarray) -> None:
    assert ADDRESSES[id(array) >> 3] == array.ctypes.data


def test_an_input_is_not_changed(mlp: Model) -> None:
    x = batch(6)
    before = x.copy()
    mlp(x)
    np.testing.assert_array_equal(x, before)


def test_anything_with_dlpack_is_taken(mlp: Model) -> None:
    torch = pytest.importorskip("torch")
    x = batch(6)
    np.testing.assert_array_equal(mlp(torch.from_numpy(x)), mlp(x))


def test_a_tensor_that_numpy_cannot_read_is_refused(mlp: Model) -> None:
    torch = pytest.importorskip("torch")
    with refusal("E0904", r"`x`, a torch\.Tensor, is not readable by numpy.*gradient"):
        mlp(torch.zeros((2, 32), requires_grad=True))


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.zeros((2, 32)), r"`x` is float64, the model takes float32.*astype\('float32'\)"),
        (np.zeros((2, 32), ">f4"), "`x` is >f4, the model takes float32"),
        (np.zeros(32, np.float32), r"`x` has shape \(32,\), the model takes \(batch, 32\).*x\[None\]"),
        (np.zeros((2, 31), np.float32), r"`x` has shape \(2, 31\), the model takes \(batch, 32\) = \(2, 32\)"),
        (np.zeros((0, 32), np.float32), r"`batch` of input `x` is 0, it may be 1 to 1000 \(implied batch\)"),
        (np.zeros((1001, 32), np.float32), "`batch` of input `x` is 1001, it may be 1 to 1000"),
        ([[0.0] * 32], "`x` is a list, not an array"),
        (None, "`x` is a NoneType, not an array"),
    ],
)
def test_an_input_that_does_not_fit_is_refused_with_the_remedy(mlp: Model, x, text: str) -> None:
    with refusal("E0904", text):
        mlp(x)
    assert mlp(batch(2)).shape == (2, 32), "the model still runs"


def test_equal_names_are_equal_sizes(pair: Model) -> None:
    with refusal("E0904", r"`b` has shape \(3, 8\), the model takes \(batch, 8\) = \(2, 8\)"):
        pair(np.zeros((2, 8), np.float32), np.zeros((3, 8), np.float32))


def test_missing_unknown_and_surplus_inputs_are_refused(pair: Model) -> None:
    x = np.zeros((2, 8), np.float32)
    with refusal("E0904", "input `b` is missing.*the model takes `a`, `b`"):
        pair(x)
    with refusal("E0904", "input `a` is missing"):
        pair(b=x)
    with refusal("E0904", "has no input `c`"):
        pair(x, c=x)
    with refusal("E0904", "has no input `c`"):
        pair(a=x, c=x)
    with refusal("E0904", "`a` is given by position and by name"):
        pair(x, x, a=x)
    with refusal("E0904", "3 inputs are given, the model has 2"):
        pair(x, x, x)


# --- out= -------------------------------------------------------------------------------------------------------------


def test_out_takes_the_result(mlp: Model) -> None:
    x = batch(4)
    y = np.empty((4, 32), np.float32)
    assert mlp(x, out=y) is y
    np.testing.assert_array_equal(y, mlp(x))


def test_calls_that_differ_from_the_one_before_are_checked_as_the_first_one(mlp: Model) -> None:
    x, y = batch(4), np.empty((4, 32), np.float32)
    for _ in range(2):
        assert mlp(x, out=y) is y
        assert mlp(x, out=[y]) is y
        with refusal("E0904", "float64, the model takes float32"):
            mlp(x.astype(np.float64), out=y)
        with refusal("E0908", r"float32 \(4, 32\), the model gives float32 \(3, 32\)"):
            mlp(x[:3], out=y)
        with refusal("E0908", "shares memory with another array"):
            mlp(x, out=x)
        np.testing.assert_array_equal(mlp(read_only(x)), mlp(x))
        np.testing.assert_array_equal(mlp(np.asfortranarray(x)), mlp(x))


def test_out_of_several_outputs_is_a_sequence(pair: Model) -> None:
    x = np.ones((2, 8), np.float32)
    out = [np.empty((2, 8), np.float32), np.empty(16, np.float32)]
    results = pair(x, x, out=out)
    assert results[0] is out[0]
    assert (out[0] == 2).all()


def test_out_that_does_not_fit_is_refused(mlp: Model, pair: Model) -> None:
    x = batch(4)
    with refusal("E0908", r"float64 \(4, 32\), the model gives float32 \(4, 32\)"):
        mlp(x, out=np.empty((4, 32)))
    with refusal("E0908", r"float32 \(3, 32\), the model gives float32 \(4, 32\)"):
        mlp(x, out=np.empty((3, 32), np.float32))
    with refusal("E0908", "not dense, aligned and writeable"):
        mlp(x, out=np.empty((32, 4), np.float32).T)
    with refusal("E0908", "not dense, aligned and writeable"):
        mlp(x, out=read_only(x))
    with refusal("E0908", "shares memory with another array"):
        mlp(x, out=x)
    whole = np.empty((6, 32), np.float32)
    with refusal("E0908", "shares memory with another array"):
        mlp(whole[:4], out=whole[2:])
    with refusal("E0908", "is not a sequence of 2 arrays"):
        pair(x[:2, :8].copy(), x[:2, :8].copy(), out=x)
    both = np.empty(16, np.float32)
    with refusal("E0908", "`difference` shares memory"):
        pair(x[:2, :8].copy(), x[:2, :8].copy(), out=(both.reshape(2, 8), both))


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_results_are_the_same_bits_for_any_number_of_threads(library: Path, mlp: Model, threads: int) -> None:
    model = load(library, threads=threads)
    for size in (1, 2, 7, 64):
        x = batch(size, seed=size)
        expected = mlp(x)
        for _ in range(50):
            np.testing.assert_array_equal(model(x), expected)


def test_workers_that_went_to_sleep_come_back(library: Path, mlp: Model) -> None:
    import time

    model = load(library, threads=2)
    x = batch(64)
    expected = mlp(x)
    for _ in range(10):
        time.sleep(0.005)
        np.testing.assert_array_equal(model(x), expected)


def test_many_python_threads_share_one_model(library: Path, mlp: Model) -> None:
    model = load(library, threads=2)
    inputs = [batch(size % 9 + 1, seed=size) for size in range(200)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(model, inputs))
    for x, y in zip(inputs, results, strict=True):
        np.testing.assert_array_equal(y, mlp(x))


AFTER_FORK = """
import os, sys, numpy as np
from neuralc.runtime import load
model = load(sys.argv[1], threads=2)
x = np.ones((64, 32), np.float32)
expected = model(x)
child = os.fork()
same = (model(x) == expected).all()
if child == 0:
    os._exit(0 if same else 1)
sys.exit(0 if same and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 else 1)
"""


def test_a_forked_process_runs_the_model_with_threads_of_its_own(library: Path) -> None:
    done = subprocess.run([sys.executable, "-c", AFTER_FORK, library], timeout=60, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


# --- description and saving -------------------------------------------------------------------------------------------


def test_a_model_says_what_it_takes_and_gives(pair: Model, mlp: Model) -> None:
    assert [(port.name, port.shape, port.dtype) for port in pair.inputs] == [
        ("a", ("batch", 8), np.float32),
        ("b", ("batch", 8), np.float32),
    ]
    assert [(port.name, port.shape) for port in pair.outputs] == [
        ("sum", ("batch", 8)),
        ("difference", ("batch * 8",)),
    ]
    dim = mlp.dims[0]
    assert (dim.name, dim.minimum, dim.maximum, dim.origin) == ("batch", 1, 1000, "implied batch")
    assert mlp.metadata["model"] == "mlp"
    assert repr(mlp) == "<model mlp: x: float32 (batch, 32) -> y: float32 (batch, 32)>"


def test_a_saved_model_loads_and_gives_the_same_bits(mlp: Model, tmp_path: Path) -> None:
    mlp.save(tmp_path / "m.so")
    loaded = load(tmp_path / "m.so")
    loaded.save(tmp_path / "again.so")
    assert (tmp_path / "m.so").read_bytes() == (tmp_path / "again.so").read_bytes()
    np.testing.assert_array_equal(loaded(batch(9)), mlp(batch(9)))


def test_saving_where_nothing_can_be_written_leaves_nothing_behind(library: Path, tmp_path: Path) -> None:
    model = load(library)
    with refusal("E0990", "no such file or directory"):
        model.save(tmp_path / "missing" / "m.so")
    (tmp_path / "folder.so").mkdir()
    with refusal("E0990", "cannot write"):
        model.save(tmp_path / "folder.so")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.so"]
