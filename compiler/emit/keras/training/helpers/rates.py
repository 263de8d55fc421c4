"""Learning rates that Keras has no schedule for."""

import keras
from keras import ops


class Rates(keras.optimizers.schedules.LearningRateSchedule):
    """The rates of all steps, one after the other."""

    def __init__(self, rates):
        self.rates = list(rates)

    def __call__(self, step):
        last = len(self.rates) - 1
        return ops.take(self.rates, ops.minimum(ops.cast(step, "int32"), last))

    def get_config(self):
        return {"rates": self.rates}
