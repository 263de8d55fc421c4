"""Handlers of ATen ops by family: each turns one call into values of the builder."""
