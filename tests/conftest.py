"""Settings of all tests: random tests draw the same cases everywhere, and slow machines are not failures."""

from hypothesis import settings

settings.register_profile("neuralc", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("neuralc")
