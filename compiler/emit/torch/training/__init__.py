"""`--for=training`: a script beside the emitted module that trains it as the clauses of the program say."""

from neuralc.emit.torch.training.script import training_script

__all__ = ["training_script"]
