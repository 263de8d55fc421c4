"""Functions that emitted files carry as source where they use them: not imported."""
