"""Benchmarks: neuralc beside its peers, in the same run, with the machine's limits. `python -m benchmarks --help`."""
