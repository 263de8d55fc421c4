"""What is not compiled, and files that are none, are messages with a code, a reason and a remedy."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.keras_reference import keras, layers

from neuralc.frontends.keras.load import from_keras, load
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, UsageError

pytestmark = pytest.mark.thorough


def _refusal(act: Callable[[], Any]) -> Diagnostic:
    with pytest.raises(NeuralcError) as refused:
        act()
    (found,) = refused.value.diagnostics
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of a small model."""
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3, name="dense")])
    model.save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def _changed(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The file with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _with_config(path: Path, change: Callable[[Any], None]) -> Path:
    def edit(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()

    return _changed(path, edit)


# --- files -----------------------------------------------------------------------------------------------------------
def test_a_file_that_is_cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])
    assert _refusal(lambda: load(path)).code == "E0640"


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04"])
def test_a_file_that_is_no_zip(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(data)
    assert _refusal(lambda: load(tmp_path / "m.keras")).code == "E0640"


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
@pytest.mark.parametrize("data", [None, b"", b"{", b"\x89HDF\r\n\x1a\n"])
def test_a_member_that_is_missing_or_damaged(name: str, data: bytes | None, path: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        if data is None:
            del members[name]
        else:
            members[name] = data

    assert _refusal(lambda: load(_changed(path, edit))).code == "E0640"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert _refusal(lambda: load(tmp_path / "none.keras")).code == "E0901"


@pytest.mark.parametrize("config", ["[]", "{}", '{"class_name": "Sequential", "module": "keras", "config": {}}', "3"])
def test_a_configuration_that_is_no_model(config: str, path: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        members["config.json"] = config.encode()

    assert _refusal(lambda: load(_changed(path, edit))).code in ("E0641", "E0644")


def test_any_damage_of_the_configuration_is_a_message(path: Path) -> None:
    """Each part of the model in turn is something else."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, part in parts:
            places.append((value, key))
            collect(part)

    collect(config)
    for holder, key in places:
        for other in (None, 7, "x", [], {}):
            kept, holder[key] = holder[key], other
            _changed(path, lambda members: members.update({"config.json": json.dumps(config).encode()}))
            holder[key] = kept
            with contextlib.suppress(NeuralcError):
                load(path)


def test_a_model_of_keras_2(path: Path) -> None:
    _changed(path, lambda members: members.update({"metadata.json": b'{"keras_version": "2.15.0"}'}))
    assert _refusal(lambda: load(path)).code == "E0641"


def test_arrays_of_another_shape(path: Path) -> None:
    def edit(config: Any) -> None:
        config["config"]["layers"][1]["config"]["units"] = 5

    found = _refusal(lambda: load(_with_config(path, edit)))
    assert found.code == "E0642"
    assert "dense.kernel is float64[4, 5], the model has float64[4, 3]" in found.notes


def test_links_out_of_the_file_are_not_followed(path: Path) -> None:
    import h5py

    def edit(members: dict[str, bytes]) -> None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "a") as file:
            file["layers/dense/vars/2"] = h5py.ExternalLink("/etc/passwd", "/x")
        members["model.weights.h5"] = buffer.getvalue()

    assert _refusal(lambda: load(_changed(path, edit))).code == "E0640"


def test_weights_that_are_compressed_are_read_too(path: Path) -> None:
    expected = dict(load(path).weights)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    for name, array in load(path).weights.items():
        np.testing.assert_array_equal(array, expected[name])


def test_without_h5py_the_way_to_get_it_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    found = _refusal(lambda: load(path))
    assert found.code == "E0615"
    assert "neuralc[keras]" in str(found.help)


# --- models ----------------------------------------------------------------------------------------------------------
def _own(x: Any) -> Any:
    return x * 2


class Own(layers.Layer):
    """A layer of a user."""

    def call(self, x: Any) -> Any:
        return 2 * x


UNSAID: dict[str, tuple[Callable[[Any], Any], str]] = {
    "code in a Lambda": (layers.Lambda(lambda x: x * 2), "Lambda, once"),
    "a function of the user": (layers.Activation(_own), "_own"),
    "a layer of the user": (Own(), "it is a class of your own"),
    "a layer that nothing does": (layers.EinsumDense("ab,bc->ac", 3), "EinsumDense, once"),
    "an operation": (lambda x: keras.ops.median(x, axis=1), "keras.ops numpy.Median, once"),
    "training in every run": (lambda x: layers.Dropout(0.5)(x, training=True), "`training=True`"),
    "another value than the paper's": (layers.Activation("sparsemax"), "sparsemax of its paper"),
}


@pytest.mark.parametrize("name", UNSAID)
def test_what_is_not_compiled(name: str, tmp_path: Path) -> None:
    apply, reason = UNSAID[name]
    given = keras.Input((4,))
    model = keras.Model(given, apply(given))
    model.save(tmp_path / "m.keras")
    for act in (lambda: load(tmp_path / "m.keras"), lambda: from_keras(model)):
        found = _refusal(act)
        assert found.code == "E0643"
        assert any(reason in note for note in found.notes), found.notes


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    given = keras.Input((4,))
    x = layers.Lambda(lambda x: x * 2)(layers.Lambda(lambda x: x + 1, name="code")(given))
    found = _refusal(lambda: from_keras(keras.Model(given, Own(name="mine")(x))))
    assert found.message == "the model uses 2 things that neuralc does not compile"
    assert [note.partition(":")[0] for note in found.notes] == [
        "Lambda, twice, first `code`",
        "Own, once, first `mine`",
    ]


def test_what_does_not_fit_has_a_line_of_the_model(path: Path) -> None:
    def edit(config: Any) -> None:
        config["config"]["layers"][1]["config"]["units"] = -1

    found = _refusal(lambda: load(_with_config(path, edit)))
    assert found.code == "E0306"
    assert found.span is not None
    assert found.span.text == "dense = Dense(units=-1)(x)"


# --- classes of their own --------------------------------------------------------------------------------------------
class Subclassed(keras.Model):
    """A model whose call applies layers."""

    def __init__(self, branches: bool = False) -> None:
        super().__init__(name="subclassed")
        self.dense, self.branches = layers.Dense(3, name="dense"), branches

    def call(self, x: Any) -> Any:
        y = self.dense(x)
        if self.branches and float(keras.ops.sum(x)) > 0:
            return -y
        return keras.ops.relu(y) + 1.0


def test_a_file_of_a_class_of_its_own(tmp_path: Path) -> None:
    model = Subclassed()
    model(np.ones((2, 4)))
    model.save(tmp_path / "m.keras")
    found = _refusal(lambda: load(tmp_path / "m.keras"))
    assert found.code == "E0644"
    assert "keras.Model(x, model.call(x))" in str(found.help)


def test_a_live_class_of_its_own_is_the_graph_of_its_call() -> None:
    from neuralc.dialects.interp import run_module

    model, x = Subclassed(), np.random.default_rng(0).normal(size=(2, 4))
    expected = keras.ops.convert_to_numpy(model(x))
    found = from_keras(model)
    np.testing.assert_allclose(run_module(found.module, [x], found.weights)[0], expected, atol=1e-12)
    assert found.name == "subclassed"
    assert list(found.weights) == ["dense.kernel", "dense.bias"]


def test_a_live_class_that_looks_at_values() -> None:
    model = Subclassed(branches=True)
    model(np.ones((2, 4)))
    assert _refusal(lambda: from_keras(model)).code == "E0644"


def test_what_is_no_model() -> None:
    with pytest.raises(UsageError, match="takes a model of Keras 3"):
        from_keras(layers.Dense(3))
