"""`--for=training`: a script beside the JAX code that trains the model by optax as the clauses of the program say."""

from neuralc.emit.jax.training.script import training_script

__all__ = ["training_script"]
