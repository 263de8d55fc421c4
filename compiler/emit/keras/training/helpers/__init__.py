"""Classes that training scripts of Keras carry as source: not imported."""
