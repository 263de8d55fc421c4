"""How each op of the graph level is written in loops: one module a family, each with its `CONVERSIONS`."""
