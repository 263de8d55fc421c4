"""`neuralc bench`: how long a model takes, beside the engines that people use and the limits of the machine."""
