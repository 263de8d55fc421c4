"""What the clauses of a network may say, as tables: optimizers, schedules, losses, metrics, callbacks, sections."""
