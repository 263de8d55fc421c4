"""What the emitters of Python code share: identifiers, expressions, and source text laid out as ruff format would."""
