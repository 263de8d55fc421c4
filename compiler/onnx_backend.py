"""neuralc as a backend of the ONNX conformance suite and of whoever else speaks `onnx.backend.base`.

    from neuralc import onnx_backend
    outputs = onnx_backend.prepare(model).run([x])

A model is compiled in this process. Options of `prepare`, or else variables of the environment:

| option     | variable           | meaning |
|------------|--------------------|---------|
| opt        | NEURALC_OPT        | level of optimization, 0 to 2 (default 2) |
| target     | NEURALC_TARGET     | "cpu" (default), or "interp" for the reference interpreter |
| check_each | NEURALC_CHECK_EACH | run the interpreter before and after each pass |
| threads    |                    | default 1 |
| dims       |                    | sizes of symbolic dims, by name |
"""

from __future__ import annotations

import os
import unittest
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx.backend.base import Backend as OnnxBackend
from onnx.backend.base import BackendRep

from neuralc.grammar.diagnostics import NeuralcError, error, usage_error

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto

    from neuralc.driver import Compilation
    from neuralc.interpreted import InterpretedModel
    from neuralc.runtime import Model

    Array = np.ndarray[Any, Any]

DECISIVE = 64
"""Elements of an input up to which its values may decide about sizes."""

UNSUPPORTED = ("E0611", "E0620")
"""Codes of a model that is right, and that neuralc does not compile."""


class BackendIsNotSupposedToImplementIt(unittest.SkipTest, NotImplementedError):
    """A model that neuralc does not compile; the message lists everything in it that stands in the way.

    The class of this name in `onnx.backend.test.runner` would load the whole of onnx.reference. Both are SkipTests.
    """


class Rep(BackendRep):
    """A compiled model."""

    def __init__(self, model: Model | InterpretedModel) -> None:
        self.model = model

    def run(self, inputs: Any, **options: Any) -> tuple[Array, ...]:
        """The outputs for inputs in the model's order, or by name. Raises ModelError, NeuralcError E0904."""
        if isinstance(inputs, Mapping):
            results = self.model(**{name: np.asarray(value) for name, value in inputs.items()})
        else:
            given = [inputs] if isinstance(inputs, np.ndarray) else inputs
            results = self.model(*map(np.asarray, given))
        return results if isinstance(results, tuple) else (results,)


class SpecializingRep(BackendRep):
    """A model whose sizes depend on the values of inputs: compiled when it is run, once for each set of such values."""

    def __init__(self, model: ModelProto, options: Mapping[str, Any]) -> None:
        self._model = model
        self._options = options
        self._compiled: dict[tuple[Any, ...], Rep] = {}

    def run(self, inputs: Any, **options: Any) -> tuple[Array, ...]:
        """As Rep.run. Raises BackendIsNotSupposedToImplementIt where no values make the model one that is compiled."""
        given = self._by_name(inputs)
        fixed = {name: array for name, array in given.items() if _may_decide_sizes(array)}
        key = tuple((name, array.dtype.str, array.shape, array.tobytes()) for name, array in fixed.items())
        if key not in self._compiled:
            self._compiled[key] = _prepared(self._model, self._options, fixed)
        return self._compiled[key].run({name: array for name, array in given.items() if name not in fixed})

    def _by_name(self, inputs: Any) -> dict[str, Array]:
        if isinstance(inputs, Mapping):
            return {name: np.asarray(value) for name, value in inputs.items()}
        weights = {tensor.name for tensor in self._model.graph.initializer}
        names = [port.name for port in self._model.graph.input if port.name not in weights]
        values = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        if len(values) != len(names):
            raise error("E0904", f"the model takes {len(names)} inputs, got {len(values)}")
        return dict(zip(names, map(np.asarray, values), strict=True))


def _may_be_decisive(port: ValueInfoProto) -> bool:
    """An input that `_may_decide_sizes` could hold for, by its declaration."""
    from onnx import helper

    tensor = port.type.tensor_type
    if not tensor.HasField("shape") or len(tensor.shape.dim) > 1:
        return False
    return not tensor.shape.dim or helper.tensor_dtype_to_np_dtype(tensor.elem_type).kind in "iub"


def _may_decide_sizes(array: Array) -> bool:
    """Single values, and short lists of whole numbers: what models compute sizes from."""
    return array.size <= DECISIVE and (array.ndim == 0 or (array.ndim == 1 and array.dtype.kind in "iub"))


class Backend(OnnxBackend):
    """Compiles ONNX models for the processor that this process runs on."""

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **options: Any) -> bool:
        """True for the CPU. What of a model is not compiled shows when it is imported, and `prepare` says it."""
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **options: Any) -> Rep | SpecializingRep:
        """The model, compiled. Raises BackendIsNotSupposedToImplementIt, and NeuralcError for what is wrong with it."""
        if not cls.supports_device(device):
            raise BackendIsNotSupposedToImplementIt(f"device {device}: the backend compiles for the CPU")
        chosen = {**_options(options), "dims": options.get("dims")}
        try:
            return _prepared(model, chosen)
        except _SizesDependOnValues:
            if not any(_may_be_decisive(port) for port in model.graph.input):
                raise
            return SpecializingRep(model, chosen)

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **options: Any) -> tuple[Array, ...]:
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **options: Any,
    ) -> tuple[Array, ...]:
        """Run a single node; `opset_version` says which version of the operator is meant."""
        super().run_node(node, inputs, device, outputs_info, **options)
        return cls.run_model(_model_of(node, [np.asarray(x) for x in inputs], options), inputs, device, **options)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.partition(":")[0] == "CPU"


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a call, completed from the environment. Raises UsageError E0813."""
    opt = str(given.get("opt", os.environ.get("NEURALC_OPT", "2")))
    target = str(given.get("target", os.environ.get("NEURALC_TARGET", "cpu")))
    if opt == "interp":
        opt, target = "0", "interp"
    if opt not in ("0", "1", "2") or target not in ("cpu", "interp"):
        raise usage_error("E0813", f"opt {opt}, target {target}", help="opt is 0, 1 or 2, target is cpu or interp")
    check = given.get("check_each", os.environ.get("NEURALC_CHECK_EACH", "") not in ("", "0"))
    return {"opt": int(opt), "target": target, "check_each": bool(check), "threads": int(given.get("threads", 1))}


class _SizesDependOnValues(BackendIsNotSupposedToImplementIt):
    """The model is compiled where the values of some inputs are known."""


def _prepared(model: ModelProto, options: Mapping[str, Any], fixed: Mapping[str, Array] | None = None) -> Rep:
    """The model compiled, with `fixed` values for some inputs. Raises as Backend.prepare."""
    from neuralc import api
    from neuralc.frontends.onnx.load import Fixed, load_bytes
    from neuralc.frontends.refusals import UnsupportedModel

    try:
        found = load_bytes(model.SerializeToString(), Fixed(options["dims"] or {}, fixed or {}))
    except UnsupportedModel as problem:
        kind = _SizesDependOnValues if problem.refusals.by_values else BackendIsNotSupposedToImplementIt
        raise kind(_reasons(problem)) from None
    except NeuralcError as problem:
        if all(each.code in UNSUPPORTED for each in problem.diagnostics):
            raise BackendIsNotSupposedToImplementIt(_reasons(problem)) from None
        raise
    return Rep(api.finish(_compilation(found.module, found.store, options), options["target"]))


def _compilation(module: Any, store: Any, options: Mapping[str, Any]) -> Compilation:
    from neuralc import driver
    from neuralc.cli_instruments import Watch
    from neuralc.passes.base import PassContext
    from neuralc.settings import make_target

    chosen = driver.Options(
        opt=options["opt"], threads=options["threads"], watch=Watch(check_each=options["check_each"])
    )
    target = make_target(chosen.settings())
    context = PassContext(weights=store, target=target, options=chosen.settings())
    return driver.Compilation("model", module, "graph", target, context, chosen)


def _reasons(problem: NeuralcError) -> str:
    """What stands in the way, on one line."""
    return "; ".join(line for each in problem.diagnostics for line in (each.notes or (each.message,)))


def _model_of(node: NodeProto, inputs: Sequence[Array], options: Mapping[str, Any]) -> ModelProto:
    """A model of one node whose inputs have the shapes of some arrays."""
    from onnx import helper
    from onnx.defs import onnx_opset_version

    names = [name for name in node.input if name]
    ports = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names, inputs, strict=True)
    ]
    results = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    version = int(options.get("opset_version", onnx_opset_version()))
    graph = helper.make_graph([node], "node", ports, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, version)])


backend = Backend
is_compatible = Backend.is_compatible
prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
