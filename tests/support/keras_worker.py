"""Runs emitted Keras files in a process of its own: one request a line, one answer a line.

A request is JSON: `source` (a path of the file), `weights` and `inputs` (paths of .safetensors, inputs by number), the
`action` and `exact`, in which every float is a double. An answer is `{"outputs": path}` or `{"error": text}`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np


def python_module(text: str, exact: bool) -> ModuleType:
    """The emitted file, imported; in doubles where that is asked for."""
    if exact:
        text = re.sub(r'"b?float(16|32)"', '"float64"', text)
    floats = "float64" if exact else "float32"
    keras.config.set_floatx(floats)
    keras.config.set_dtype_policy(floats)
    module = ModuleType("emitted")
    exec(compile(text, "emitted.py", "exec"), module.__dict__)
    return module


def answer(request: dict[str, Any]) -> dict[str, Any]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    code = python_module(Path(request["source"]).read_text("utf-8"), request["exact"])
    sizes = request.get("sizes", {})
    model = code.load(request["weights"], **sizes) if request["weights"] else code.build_model(**sizes)
    stored = np.load(request["inputs"])
    inputs = [stored[f"input_{index}"] for index in range(len(stored.files))]
    if request["action"] == "saved":
        path = request["outputs"] + ".keras"
        model.save(path)
        model = keras.saving.load_model(path)
    if request["action"] == "trained":
        return trained(model, inputs, request)
    if request["action"] == "written":
        code.save(model, request["outputs"])
        return {"outputs": request["outputs"]}
    if request["exact"]:
        inputs = [x.astype("float64") if x.dtype.kind == "f" else x for x in inputs]
    if request["action"] == "repeated":
        return repeated(model, inputs, request)
    found = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
    listed = found if isinstance(found, list | tuple) else [found]
    arrays = {f"output_{index}": keras.ops.convert_to_numpy(y) for index, y in enumerate(listed)}
    np.savez(request["outputs"], **arrays)
    return {"outputs": request["outputs"]}


def repeated(model: Any, inputs: list[Any], request: dict[str, Any]) -> dict[str, Any]:
    """The first outputs of three runs that follow each other, and of one that begins anew."""
    arrays = {}
    for run in range(4):
        if run == 3:
            model.layers[-1].reset()
        found = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
        arrays[f"output_{run}"] = keras.ops.convert_to_numpy(found)
    np.savez(request["outputs"], **arrays)
    return {"outputs": request["outputs"]}


def trained(model: Any, inputs: list[Any], request: dict[str, Any]) -> dict[str, Any]:
    """The losses of a few epochs on one batch of random targets."""
    shapes = [output.shape for output in model.outputs]
    rng, batch = np.random.default_rng(0), len(inputs[0])
    targets = [
        rng.normal(size=[batch, *(size or inputs[0].shape[1] for size in shape[1:])]).astype("float32")
        for shape in shapes
    ]
    model.compile(keras.optimizers.Adam(0.01), ["mse"] * len(shapes) if len(shapes) > 1 else "mse")
    x = inputs[0] if len(inputs) == 1 else inputs
    y = targets[0] if len(targets) == 1 else targets
    history = model.fit(x, y, epochs=request.get("epochs", 10), batch_size=batch, verbose=0)
    return {"losses": history.history["loss"]}


def main() -> None:
    for line in sys.stdin:
        try:
            found = answer(json.loads(line))
        except Exception as problem:
            found = {"error": f"{type(problem).__name__}: {problem}", "trace": traceback.format_exc()}
        print("@" + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
