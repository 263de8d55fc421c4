"""`--for=training`: a script beside the Keras code that trains the model as the clauses of the program say."""

from neuralc.emit.keras.training.script import training_script

__all__ = ["training_script"]
