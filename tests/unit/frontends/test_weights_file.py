"""Weights from files and from seeds, and every way in which a file may not fit."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.weights_file import bind_weights, declared_weights, initial_weights, read_weights

Array = NDArray[np.float32]


def loaded(layers: str = "Dense(3) Dense(2)", clauses: str = "") -> LoadedProgram:
    return load(Source("m.nr", f"network M {{ input: (4) layers: {layers} {clauses} }}"))


def values(**shapes: tuple[int, ...]) -> dict[str, Array]:
    return {
        name.replace("__", "."): np.full(shape, i, np.float32)
        for i, (name, shape) in enumerate(shapes.items(), start=1)
    }


GOOD = values(dense__kernel=(4, 3), dense__bias=(3,), dense_1__kernel=(3, 2), dense_1__bias=(2,))


def error_of(path: Path) -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        bind_weights(loaded(), path)
    (found,) = caught.value.diagnostics
    return found


# --- files -----------------------------------------------------------------------------------------------------------
def test_a_file_gives_every_weight(tmp_path: Path) -> None:
    save_file(GOOD, tmp_path / "w.safetensors")
    bound = bind_weights(loaded(), tmp_path / "w.safetensors")
    assert (bound.path, bound.messages) == (tmp_path / "w.safetensors", ())
    assert set(bound.store) == set(GOOD)
    for name, array in GOOD.items():
        np.testing.assert_array_equal(bound.store[name], array)


def test_the_clause_of_the_model_is_followed_and_the_command_line_overrides_it(tmp_path: Path) -> None:
    save_file(GOOD, tmp_path / "a.safetensors")
    save_file({name: array * 2 for name, array in GOOD.items()}, tmp_path / "b.safetensors")
    text = 'network M { input: (4) layers: Dense(3) Dense(2) weights: "a.safetensors" }'
    program = load(Source(str(tmp_path / "m.nr"), text))
    assert bind_weights(program).store["dense.bias"][0] == 2
    assert bind_weights(program, tmp_path / "b.safetensors").store["dense.bias"][0] == 4


def test_all_differences_come_in_one_message(tmp_path: Path) -> None:
    wrong: dict[str, NDArray[np.generic]] = {
        "dense.kernel": np.zeros((3, 4), np.float32),
        "dense.bias": np.zeros((3,), np.float64),
        "dense1.kernel": np.zeros((3, 2), np.float32),
    }
    save_file(wrong, tmp_path / "w.safetensors")
    found = error_of(tmp_path / "w.safetensors")
    assert found.code == "E0502"
    assert found.message.endswith("2 missing, 1 unexpected, 2 of another shape or type")
    assert found.notes == (
        "missing: dense_1.kernel float32[3, 2] (the file has dense1.kernel)",
        "missing: dense_1.bias float32[2]",
        "unexpected: dense1.kernel float32[3, 2]",
        "different: dense.kernel is float32[3, 4], the model needs float32[4, 3]",
        "different: dense.bias is float64[3], the model needs float32[3]",
    )


def test_types_that_numpy_has_not_are_differences_too(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_tensors

    save_tensors({n: torch.from_numpy(a).to(torch.bfloat16) for n, a in GOOD.items()}, tmp_path / "w.safetensors")
    assert "dense.bias is bfloat16[3], the model needs float32[3]" in str(error_of(tmp_path / "w.safetensors").notes)


def test_an_error_points_at_the_clause(tmp_path: Path) -> None:
    text = 'network M { input: (4) layers: Dense(3) weights: "no.safetensors" }'
    with pytest.raises(NeuralcError) as caught:
        bind_weights(load(Source(str(tmp_path / "m.nr"), text)))
    (found,) = caught.value.diagnostics
    assert found.code == "E0501"
    assert found.span is not None
    assert found.span.text == '"no.safetensors"'


@pytest.mark.parametrize("keep", [0, 4, 8, 60, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    save_file(GOOD, tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "t.safetensors").write_bytes(data[:keep])
    assert error_of(tmp_path / "t.safetensors").code == "E0503"


@pytest.mark.parametrize("data", [b"network M {}", b"\x80\x04\x95" * 100, b"\xff" * 64, b"{}" * 100])
def test_a_foreign_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(data)
    assert error_of(tmp_path / "w.safetensors").code == "E0503"


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    assert error_of(tmp_path / "w.safetensors").code == "E0501"
    assert error_of(tmp_path).code == "E0501"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    save_file(GOOD, tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").chmod(0)
    assert error_of(tmp_path / "w.safetensors").code == "E0501"


def test_weights_are_declared_by_the_module_too() -> None:
    program = loaded("Dense(3) BatchNormalization()")
    assert declared_weights(program.module) == program.weights


# --- seeds -----------------------------------------------------------------------------------------------------------
def test_initial_weights_depend_on_the_seed_and_their_name_alone() -> None:
    short, long = loaded("Dense(3)"), loaded("Dense(3) Dense(2)")
    first, again = initial_weights(short.weights, 5), initial_weights(long.weights, 5)
    np.testing.assert_array_equal(first["dense.kernel"], again["dense.kernel"])
    assert (first["dense.kernel"] != initial_weights(short.weights, 6)["dense.kernel"]).any()
    assert first["dense.kernel"].dtype == np.float32


@pytest.mark.parametrize(("clauses", "seed"), [("", 0), ("init: seed(7)", 7)])
def test_untrained_weights_are_said_to_be_untrained(clauses: str, seed: int) -> None:
    program = loaded(clauses=clauses)
    bound = bind_weights(program)
    (told,) = bound.messages
    assert (told.code, told.severity) == ("W0501", "note")
    assert f"seed {seed}" in told.message
    expected = initial_weights(program.weights, seed)
    np.testing.assert_array_equal(bound.store["dense.kernel"], expected["dense.kernel"])


def test_a_model_without_weights_has_nothing_to_say() -> None:
    assert bind_weights(loaded("ReLU()")).messages == ()


def test_weights_that_cannot_fit_into_memory_are_refused_where_one_is_read() -> None:
    bound = bind_weights(load(Source("m.nr", "network M { input: (2000000000) layers: Dense(2000000000) }")))
    with pytest.raises(NeuralcError) as caught:
        bound.store["dense.bias"]
    assert caught.value.diagnostics[0].code == "E0505"


def test_weights_are_mapped_and_detach_from_a_file_that_changes_later(tmp_path: Path) -> None:
    save_file(GOOD, tmp_path / "w.safetensors")
    store, _ = read_weights(tmp_path / "w.safetensors", loaded().weights)
    assert not store["dense.kernel"].flags.owndata
    store.release()
    detached = store.detached()
    (tmp_path / "w.safetensors").write_bytes(b"")
    np.testing.assert_array_equal(detached["dense.kernel"], GOOD["dense.kernel"])
