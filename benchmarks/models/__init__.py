"""The networks that are measured, in plain PyTorch: architectures and sizes as published, weights from a seed."""
