"""Keras models: `.keras` files, read without Keras, and live models of Keras 3."""
