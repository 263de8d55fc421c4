"""What training scripts share, whatever the framework: clauses, losses, metrics, rates, optimizers, callbacks."""
