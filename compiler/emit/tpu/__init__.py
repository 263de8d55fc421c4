"""`--target tpu`: a folder with the JAX code of a model and what XLA compiles for TPUs, made without one."""

from neuralc.emit.tpu.product import files

__all__ = ["files"]
