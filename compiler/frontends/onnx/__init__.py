"""The ONNX front end: a model file becomes a graph module, its tensors stay where they are in the file."""
