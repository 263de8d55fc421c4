"""Settings of all tests: random tests draw the same cases everywhere, and slow machines are not failures."""

import os

from hypothesis import settings

# Tests run side by side: libraries that start a thread for each core would wait for one another most of the time.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

settings.register_profile("neuralc", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("neuralc")
