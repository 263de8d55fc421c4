"""Weights that are written between epochs."""

import keras


class Checkpoint(keras.callbacks.Callback):
    """Writes a weights file after each epoch, or only when a number is better."""

    def __init__(self, save, path, monitor=None, rises=False, best=None):
        super().__init__()
        self.save, self.path, self.monitor = save, path, monitor
        self.sign, self.best = -1 if rises else 1, best

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor is not None:
            value = self.sign * logs[self.monitor]
            if self.best is not None and value >= self.sign * self.best:
                return
            self.best = logs[self.monitor]
        self.save(self.model, self.path.format(epoch=epoch + 1, **logs))
