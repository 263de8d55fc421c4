"""Holds what neuralc computes against another framework: inputs, the other framework's process, and how far apart."""
