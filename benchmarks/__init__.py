"""Measurements of neuralc beside its peers, and of what it writes: README.md lists them."""
