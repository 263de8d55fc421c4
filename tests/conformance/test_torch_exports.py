"""What both exporters of PyTorch write, with open sizes: native code agrees with onnxruntime at several sizes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from support.torch_exports import PIECES  # noqa: E402
from support.torch_pieces import Calls, Piece, Sizes  # noqa: E402

import neuralc  # noqa: E402

Array = NDArray[Any]

QUICK = {
    "dynamo": {"residual", "encoder", "decoder_fused", "unet_bilinear_sizes", "lstm"},
    "legacy": {"residual", "decoder", "unet_transposed", "gru", "mean_pooled"},
}


def cases() -> list[Any]:
    return [
        pytest.param(
            each,
            exporter,
            id=f"{each.name}-{exporter}",
            marks=pytest.mark.thorough if each.name in QUICK[exporter] else pytest.mark.slow,
        )
        for each in PIECES
        for exporter in each.exporters
    ]


def export(each: Piece, exporter: str, path: Path) -> None:
    """Write the model as an exporter does, its open sizes under their names."""
    torch.manual_seed(7)
    with torch.no_grad():
        model = each.build().eval()
    arguments = tuple(port.value(each.runs[0]) for port in each.ports)
    names = [f"x{index}" for index in range(len(arguments))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            pytest.importorskip("onnxscript")
            axes = tuple(port.axes for port in each.ports)
            shapes = (axes,) if isinstance(model, Calls) else axes
            program = torch.onnx.export(
                model, arguments, dynamo=True, input_names=names, dynamic_shapes=shapes, verbose=False
            )
            program.save(path)
        else:
            named = {name: port.axes for name, port in zip(names, each.ports, strict=True)}
            torch.onnx.export(
                model, arguments, path, dynamo=False, input_names=names, dynamic_axes=named, opset_version=17
            )


def expected(path: Path, inputs: list[Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {port.name: value for port, value in zip(session.get_inputs(), inputs, strict=True)}
    return list(session.run(None, feeds))


def assert_agrees(found: Array, wanted: Array, sizes: Sizes) -> None:
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), sizes
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(found, wanted, str(sizes))
        return
    largest = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4 * largest, err_msg=str(sizes))


@pytest.mark.parametrize(("each", "exporter"), cases())
def test_an_exported_piece_computes_what_onnxruntime_computes_at_every_size(
    each: Piece, exporter: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    export(each, exporter, path)
    compiled = neuralc.compile(path)
    for sizes in each.runs:
        torch.manual_seed(11)
        inputs = [port.value(sizes).numpy() for port in each.ports]
        results = compiled(*inputs)
        found = results if isinstance(results, tuple) else (results,)
        for ours, theirs in zip(found, expected(path, inputs), strict=True):
            assert_agrees(ours, theirs, sizes)
