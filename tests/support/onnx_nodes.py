"""One ONNX op in the reference implementation of ONNX: the independent definition that tests compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator


def run_node(op: str, *operands: Any, opset: int = 21, **attributes: Any) -> Any:
    """The first result of an op; an operand of None is left out."""
    names = ["" if operand is None else f"x{i}" for i, operand in enumerate(operands)]
    given = {name: np.asarray(operand) for name, operand in zip(names, operands, strict=True) if name}
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in given.items()
    ]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.UNDEFINED, None)
    graph = onnx.helper.make_graph([onnx.helper.make_node(op, names, ["y"], **attributes)], "g", inputs, [output])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model).run(None, given)[0]
