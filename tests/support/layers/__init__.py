"""Makers of layers for random programs, by family. Each takes the program and a value, and gives a value or None."""
