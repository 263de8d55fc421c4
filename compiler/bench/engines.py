"""The engines inside of their processes: each makes of a request and the inputs a call to be timed.

A call takes numpy arrays and gives numpy arrays, as a user's does; what an engine does once (reading, optimizing,
compiling) is done before.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Call = Callable[[], Sequence[Array]]
Request = Mapping[str, Any]


def neuralc(request: Request, inputs: Sequence[Array]) -> Call:
    """A compiled model through its Python interface."""
    import neuralc as package

    model = package.compile(request["model"], threads=request["threads"], **request["options"])
    return lambda: _listed(model(*inputs))


def onnxruntime(request: Request, inputs: Sequence[Array]) -> Call:
    import onnxruntime as package

    options = package.SessionOptions()
    enums = {"graph_optimization_level": package.GraphOptimizationLevel, "execution_mode": package.ExecutionMode}
    for name, value in request["options"].items():
        setattr(options, name, getattr(enums[name], value) if name in enums else value)
    setattr(options, request["threads_key"], request["threads"])
    session = package.InferenceSession(request["model"], options, providers=["CPUExecutionProvider"])
    known = {port.name for port in session.get_inputs()}
    feeds = {name: array for name, array in zip(request["names"], inputs, strict=True) if name in known}
    return lambda: [np.asarray(each) for each in session.run(None, feeds)]


def openvino(request: Request, inputs: Sequence[Array]) -> Call:
    import openvino as package

    core = package.Core()
    settings = {**request["options"], request["threads_key"]: str(request["threads"])}
    compiled = core.compile_model(core.read_model(request["model"]), "CPU", settings)
    running = compiled.create_infer_request()
    known = {name for port in compiled.inputs for name in port.names}
    feeds = {name: array for name, array in zip(request["names"], inputs, strict=True) if name in known}

    def call() -> Sequence[Array]:
        found = running.infer(feeds, share_inputs=True, share_outputs=True)
        return [np.asarray(found[port]) for port in compiled.outputs]

    return call


def torch(request: Request, inputs: Sequence[Array]) -> Call:
    """PyTorch as it is, without gradients."""
    import torch as package

    package.set_num_threads(request["threads"])
    return _torch_call(_torch_module(request), inputs)


def inductor(request: Request, inputs: Sequence[Array]) -> Call:
    """torch.compile."""
    import torch as package
    from torch._inductor import config

    package.set_num_threads(request["threads"])
    config.freezing = request["options"]["freezing"]
    return _torch_call(package.compile(_torch_module(request), mode=request["options"]["mode"]), inputs)


def xla(request: Request, inputs: Sequence[Array]) -> Call:
    """JAX functions under jit, on XLA's CPU client."""
    import jax

    space = _executed(request)
    before = [space["load"](request["weights"])] if request["weights"] else []
    stateful = "init_state" in space
    if stateful:  # every call begins with the same states: what they hold does not change its time
        sizes = inspect.signature(space["init_state"]).parameters
        before.append(space["init_state"](*(request["sizes"][name] for name in sizes)))
    run = jax.jit(space["forward"])

    def call() -> Sequence[Array]:
        found = jax.block_until_ready(run(*before, *inputs))
        return _listed(found[0] if stateful else found)

    return call


ENGINES: Mapping[str, Callable[[Request, Sequence[Array]], Call]] = {
    "neuralc": neuralc,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "torch": torch,
    "inductor": inductor,
    "xla": xla,
}


def restrict(request: Request) -> None:
    """An engine without a setting for its threads gets as many processors; called before it is loaded."""
    if request.get("affinity") and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["threads"]])


def _torch_module(request: Request) -> Any:
    import torch as package

    if request["model"].endswith(".pt2"):
        return package.export.load(request["model"]).module()
    space = _executed(request)
    if request["weights"]:
        return space["load"](request["weights"]).eval()
    return [each for each in space.values() if isinstance(each, type) and each.__module__ == "emitted"][-1]().eval()


def _torch_call(module: Any, inputs: Sequence[Array]) -> Call:
    import torch as package

    tensors = [package.from_numpy(array) for array in inputs]

    def call() -> Sequence[Array]:
        with package.inference_mode():
            found = module(*tensors)
        return [each.numpy() for each in (found if isinstance(found, tuple | list) else [found])]

    return call


def _executed(request: Request) -> dict[str, Any]:
    """The names of a module of code."""
    space: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(Path(request["model"]).read_text(encoding="utf-8"), request["model"], "exec"), space)
    return space


def _listed(found: Any) -> list[Array]:
    """Outputs as a list, whether there is one or several."""
    if isinstance(found, Mapping):
        found = tuple(found.values())
    return [np.asarray(each) for each in (found if isinstance(found, tuple | list) else [found])]
