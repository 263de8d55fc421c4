"""Handlers of ONNX operators, one module a family; `neuralc.frontends.onnx.registry` says how one is added."""
