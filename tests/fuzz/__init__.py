"""Coverage-guided fuzzing of what reads models: `make fuzz`."""
