"""The engines inside of their processes: each makes of a request and the inputs a call to be timed.

A call takes numpy arrays and gives numpy arrays, as a user's does; what an engine does once (reading, optimizing,
compiling) is done before.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import time
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
    if len(model.outputs) == 1:
        return lambda: (model(*inputs),)
    return lambda: tuple(model(*inputs))


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
    return lambda: session.run(None, feeds)


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

    if request["model"].endswith(".jax"):
        exported = jax.jit(jax.export.deserialize(bytearray(Path(request["model"]).read_bytes())).call)
        return lambda: _listed(jax.block_until_ready(exported(*inputs)))
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


def iree(request: Request, inputs: Sequence[Array]) -> Call:
    """Compiled with each of the lists of flags; the fastest is the engine."""
    import iree.runtime as package
    from iree.compiler.tools import compile_file

    model = Path(request["model"])
    imported = model.with_suffix(".mlir")
    command = [sys.executable, "-I", "-m", "iree.compiler.tools.import_onnx", str(model), "-o", str(imported)]
    subprocess.run([*command, "--opset-version", str(request["options"]["opset"])], check=True)
    package.flags.parse_flags(f"--{request['threads_key']}={request['threads']}")
    calls = []
    for number, flags in enumerate(request["options"]["compile"]):
        compiled = model.with_suffix(f".{number}.vmfb")
        compile_file(str(imported), output_file=str(compiled), extra_args=[*request["options"]["target"], *flags])
        context = package.SystemContext(
            config=package.Config("local-sync" if request["threads"] == 1 else "local-task")
        )
        module = package.VmModule.mmap(context.instance, str(compiled))
        context.add_vm_module(module)
        calls.append(_iree_call(context.modules[module.name], module.function_names, inputs))
    return min(calls, key=_seconds)


def _iree_call(module: Any, names: Sequence[str], inputs: Sequence[Array]) -> Call:
    run = module[next(name for name in names if not name.startswith("__") and not name.endswith("$async"))]

    def call() -> Sequence[Array]:
        found = run(*inputs)
        return [each.to_host() for each in (found if isinstance(found, tuple | list) else [found])]

    return call


def tvm(request: Request, inputs: Sequence[Array]) -> Call:
    """Relax through the pipeline that it calls `zero`, without tuning."""
    os.environ[request["threads_key"]] = str(request["threads"])
    import onnx
    import tvm as package
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx

    processor = package.target.codegen.llvm_get_system_cpu()
    shapes = {name: list(array.shape) for name, array in zip(request["names"], inputs, strict=True)}
    target = package.target.Target({"kind": "llvm", "num-cores": request["threads"], "mcpu": processor})
    module = from_onnx(onnx.load(request["model"]), shape_dict=shapes)
    with target, package.transform.PassContext(opt_level=3):
        module = relax.get_pipeline("zero")(module)
        machine = relax.VirtualMachine(package.compile(module, target=target), package.cpu())
    run, given = machine["main"], [package.runtime.tensor(array) for array in inputs]

    def call() -> Sequence[Array]:
        found = run(*given)
        return [each.numpy() for each in (found if hasattr(found, "__len__") else [found])]

    return call


ENGINES: Mapping[str, Callable[[Request, Sequence[Array]], Call]] = {
    "neuralc": neuralc,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "torch": torch,
    "inductor": inductor,
    "xla": xla,
    "iree": iree,
    "tvm": tvm,
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


def _seconds(call: Call) -> float:
    """Of one call, warm."""
    call()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _listed(found: Any) -> list[Array]:
    """Outputs as a list, whether there is one or several."""
    if isinstance(found, Mapping):
        found = tuple(found.values())
    return [np.asarray(each) for each in (found if isinstance(found, tuple | list) else [found])]
