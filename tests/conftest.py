"""Settings of all tests: random tests draw the same cases everywhere, and slow machines are not failures."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "neuralc",
    deadline=None,
    derandomize=True,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # to explain a failure takes hundreds of runs more
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("neuralc")
