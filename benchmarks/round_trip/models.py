"""The models that are sent around: of PyTorch, Keras, JAX, ONNX files, programs of the language, graphs of nnsmith."""

from __future__ import annotations

import copy
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.round_trip.jax_models import jax_models
from benchmarks.round_trip.original import Array, Original, Subject, single
from benchmarks.suite import ROOT
from neuralc.driver import Options

sys.path.insert(0, str(ROOT / "tests"))

ONNX_FOLDERS = tuple(Path(each) for each in os.environ.get("NEURALC_ONNX_MODELS", "").split(os.pathsep) if each)
"""Where ONNX models are, when no folders are given."""

SIZES: Mapping[str, Mapping[str, int]] = {"unet": {"H_by_16": 2, "W_by_16": 3}}
"""Sizes of programs whose default ones are not small, or do not fit."""

SMALL: Mapping[str, Mapping[str, int]] = {
    "resnet50": {"size": 64},
    "mobilenet_v2": {"size": 64},
    "inception_v3": {"size": 107},
    "tagger": {"words": 50, "tags": 7, "units": 16},
    "two_inputs": {"size": 32, "words": 50},
    "bert": {"tokens": 50, "depth": 2, "width": 64, "heads": 4, "hidden": 128},
    "gpt": {"vocabulary": 50, "depth": 2, "width": 64, "heads": 4, "hidden": 128, "room": 32},
}
"""Parameters of the example programs that make them small: the float64 reference is run too."""


def torch_models(folders: Sequence[Path]) -> Iterator[Subject]:
    """The modules of tests/support/torch_modules."""
    from support.torch_modules import MODULES

    for example in MODULES:
        yield Subject("torch", example.name, lambda folder, example=example: _of_torch(example))


def _of_torch(example: Any) -> Original:
    import torch

    import neuralc

    module, args = example.module(), example.inputs()
    with torch.no_grad():
        found = copy.deepcopy(module)(*args)
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, tuple) else [found]
    model = neuralc.from_torch(module, args, dynamic=example.dynamic)
    return Original(model, [each.numpy() for each in args], [part.numpy() for part in parts], Options(), module)


def keras_models(folders: Sequence[Path]) -> Iterator[Subject]:
    """The models of tests/support/keras_models, on PyTorch."""
    from support.keras_models import MODELS

    for example in MODELS:
        yield Subject("keras", example.name, lambda folder, example=example: _of_keras(example, folder))


def _of_keras(example: Any, folder: Path) -> Original:
    from support.keras_import import expected, randomize
    from support.keras_reference import in_precision, keras

    with in_precision("float32"):
        keras.utils.clear_session()
        model, path = randomize(example.make()), folder / f"{example.name}.keras"
        inputs = [single(each) for each in example.inputs()]
        model.save(path)
        return Original(path, inputs, expected(model, inputs), Options())


def onnx_models(folders: Sequence[Path]) -> Iterator[Subject]:
    """The ONNX files of folders, and graphs of nnsmith: pickles of {"model": bytes, "data": [(inputs, outputs)]}."""
    for folder in folders or ONNX_FOLDERS:
        for path in sorted(folder.iterdir()):
            if path.suffix == ".onnx":
                name = f"{folder.name}/{path.stem}"
                yield Subject("onnx", name, lambda folder, path=path: _of_onnx(path, None))
            elif path.suffix == ".pkl":
                yield Subject("onnx", path.stem, lambda folder, path=path: _of_pickle(path, folder))


def _of_pickle(path: Path, folder: Path) -> Original:
    found = pickle.loads(path.read_bytes())
    model = found["model"]
    file = folder / f"{path.stem}.onnx"
    file.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return _of_onnx(file, found["data"][0][0])


def _of_onnx(path: Path, given: Sequence[Array] | None) -> Original:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = list(given) if given is not None else _inputs(path, Options())
    names = [port.name for port in session.get_inputs()]
    return Original(path, inputs, session.run(None, dict(zip(names, inputs, strict=True))), Options())


def programs(folders: Sequence[Path]) -> Iterator[Subject]:
    """The programs of examples/ and examples/models, small."""
    from support.documents import ROOT as root

    for path in sorted([*(root / "examples").glob("*.nr"), *(root / "examples/models").glob("*.nr")]):
        for network in _networks(path):
            name = path.stem if network is None else f"{path.stem}:{network}"
            options = Options(network=network, set=dict(SMALL.get(path.stem, {})))
            yield Subject("nr", name, lambda folder, path=path, options=options: _of_program(path, options))


def _networks(path: Path) -> Sequence[str | None]:
    """The network of a program, or all that can be chosen."""
    found = re.findall(r"^network (\w+)", path.read_text("utf-8"), re.MULTILINE)
    return found if path.parent.name == "examples" and len(found) > 1 else [None]


def _of_program(path: Path, options: Options) -> Original:
    return Original(path, _inputs(path, options, SIZES.get(path.stem, {})), None, options)


def _inputs(path: Path, options: Options, sizes: Mapping[str, int] | None = None) -> list[Array]:
    from neuralc import driver
    from neuralc.verify.inputs import make_inputs, varied_sizes

    module = driver.load(path, options).module
    found = make_inputs(module, varied_sizes(module, sizes or {}), 0, {})
    return [np.asarray(each) for each in found.values()]


FAMILIES: Mapping[str, Callable[[Sequence[Path]], Iterator[Subject]]] = {
    "torch": torch_models,
    "keras": keras_models,
    "jax": jax_models,
    "onnx": onnx_models,
    "nr": programs,
}
