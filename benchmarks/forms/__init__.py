"""Every op and layer in every form, run and held against the interpreter: `python -m benchmarks.forms`."""
