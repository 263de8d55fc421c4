"""Runs a model in another framework, in a process of its own: `python -m neuralc.verify.worker FOLDER`.

The folder has request.json and inputs.npz; outputs.npz and answer.json are written to it. Arrays are numbered. With
`-` for the folder it takes one after the other, a line of stdin each, and answers each with a line: empty, or what went
wrong. A request may name a file in `saved`, for the weights as the code that was written saves them.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Answer = tuple[list[str], list[Array], str]
"""Names and values of the outputs, and the version of the framework."""


def run_onnxruntime(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    """An ONNX model as it is written: without the rewrites that would change what its values are."""
    import onnxruntime

    path = Path(request["model"])
    content: str | bytes = str(path)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = int(request["threads"])
    if request["layers"]:
        content = _with_all_outputs(path)
        key = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(key, str(path.parent.resolve()))
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    known = {port.name for port in session.get_inputs()}
    feeds = {name: array for name, array in zip(request["names"], inputs, strict=True) if name in known}
    names = [port.name for port in session.get_outputs()]
    found = session.run(names, feeds)
    # What is written for a model may have another name for an output: that of a weight is taken. States stand behind.
    known_as = request.get("outputs") or names
    kept = [(name, array) for name, array in zip(known_as, found, strict=False) if isinstance(array, np.ndarray)]
    return [name for name, _ in kept], [array for _, array in kept], f"onnxruntime {onnxruntime.__version__}"


def _with_all_outputs(path: Path) -> bytes:
    """The model with every value that a node makes as an output."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    outputs = {port.name for port in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in outputs:
                outputs.add(name)
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    data: bytes = model.SerializeToString()
    return data


def run_torch(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    """The PyTorch code that neuralc writes for the model, with the model's weights."""
    import torch

    torch.set_num_threads(int(request["threads"]))
    space: dict[str, Any] = {"__name__": "emitted"}  # the name that its classes then have as their module
    exec(compile(Path(request["model"]).read_text(encoding="utf-8"), request["model"], "exec"), space)
    if request["weights"]:
        model = space["load"](request["weights"])
    else:
        model = [found for found in space.values() if isinstance(found, type) and found.__module__ == "emitted"][-1]()
    _save(request, space, model)
    with torch.no_grad():
        found = model.eval()(*map(torch.from_numpy, inputs))
    outputs = list(found) if isinstance(found, tuple) else [found]
    return list(request["outputs"]), [_array(output) for output in outputs], f"torch {torch.__version__}"


def _array(tensor: Any) -> Array:
    """A tensor for numpy, which has no bfloat16."""
    import torch

    found: Array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()
    return found


def run_jax(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    """The JAX code that neuralc writes for the model, with the model's weights."""
    import jax

    jax.config.update("jax_enable_x64", False)  # as it is at first: a file that was run before may have turned it on
    space: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(Path(request["model"]).read_text(encoding="utf-8"), request["model"], "exec"), space)
    trees = [space["load"](request["weights"])] if request["weights"] else []
    _save(request, space, *trees)
    if "init_state" in space:  # it is behind the parameters, and what is kept behind the results
        trees.append(space["init_state"](**_sizes_of(space["init_state"], request)))
        found, _ = jax.jit(space["forward"])(*trees, *inputs)
    else:
        found = jax.jit(space["forward"])(*trees, *inputs)
    outputs = list(found) if isinstance(found, tuple) else [found]
    return list(request["outputs"]), [np.asarray(output) for output in outputs], f"jax {jax.__version__}"


def run_keras(request: Mapping[str, Any], inputs: Sequence[Array]) -> Answer:
    """The Keras code that neuralc writes for the model, with the model's weights, on TensorFlow."""
    import os

    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    space: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(Path(request["model"]).read_text(encoding="utf-8"), request["model"], "exec"), space)
    build, file = (space["load"], [request["weights"]]) if request["weights"] else (space["build_model"], [])
    model = build(*file, **_sizes_of(build, request))
    _save(request, space, model)
    found = model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
    outputs = list(found) if isinstance(found, list | tuple) else [found]
    arrays = [np.asarray(keras.ops.convert_to_numpy(output)) for output in outputs]
    return list(request["outputs"]), arrays, f"Keras {keras.__version__}"


def _sizes_of(function: Callable[..., Any], request: Mapping[str, Any]) -> dict[str, int]:
    """The sizes that what is kept has, where a function takes them."""
    return {name: request["sizes"][name] for name in inspect.signature(function).parameters if name in request["sizes"]}


def _save(request: Mapping[str, Any], space: Mapping[str, Any], *model: Any) -> None:
    if request["weights"] and request.get("saved"):
        space["save"](*model, request["saved"])


FRAMEWORKS: dict[str, Callable[[Mapping[str, Any], Sequence[Array]], Answer]] = {
    "onnxruntime": run_onnxruntime,
    "torch": run_torch,
    "jax": run_jax,
    "keras": run_keras,
}


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    with np.load(folder / "inputs.npz") as stored:
        inputs = [stored[f"arr_{i}"] for i in range(len(stored.files))]
    names, arrays, version = FRAMEWORKS[request["framework"]](request, inputs)
    # A file of numpy has no bfloat16; single precision holds each of its values.
    arrays = [array.astype(np.float32) if array.dtype.name == "bfloat16" else array for array in arrays]
    np.savez(folder / "outputs.npz", *arrays)
    (folder / "answer.json").write_text(json.dumps({"names": names, "version": version}), encoding="utf-8")


def serve() -> None:
    """A folder a line, until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a framework prints is no answer
    for line in sys.stdin:
        said = ""
        try:
            main(Path(line.strip()))
        except Exception as problem:
            said = " ".join(f"{type(problem).__name__}: {problem}".split())
        print(said, file=answers, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "-":
        serve()
    else:
        main(Path(sys.argv[1]))
