"""Models of every framework, written in every form, run there, read again: what `benchmarks.round_trips` measures."""
