"""The `.nr` language: grammar, syntax tree with spans, names, layer signatures, diagnostics."""
