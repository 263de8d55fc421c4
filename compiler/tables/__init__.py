"""What corresponds to what: layers, ONNX operators and ATen ops against graph ops. docs/ops.md is written from here."""
