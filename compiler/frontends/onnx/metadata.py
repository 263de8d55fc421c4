"""What neuralc keeps of a model in the `metadata_props` of its ONNX: clauses for training, bounds of sizes."""

from __future__ import annotations

CLAUSE, DIM, STATE, WEIGHT = (f"neuralc.{kind}." for kind in ("clause", "dim", "state", "weight"))
"""What the key of an entry begins with; the name of the clause, size, state or weight follows."""
