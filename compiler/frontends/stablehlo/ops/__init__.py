"""Handlers of StableHLO ops, one module a family; `registry.py` lists them."""
