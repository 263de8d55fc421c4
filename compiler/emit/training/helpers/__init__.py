"""Functions and classes that training scripts carry as source: not imported."""
