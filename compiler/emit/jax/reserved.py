"""Names that emitted code must not give away: what the file imports or defines."""

import builtins

from neuralc.emit.jax.helper_source import functions
from neuralc.emit.jax.init_texts import NAMES as INIT_NAMES
from neuralc.emit.jax.layer_texts import NAMES as LAYER_NAMES

_FILE = frozenset(
    {"Any", "Array", "Keys", "Params", "Training", "constrain", "forward", "init", "jax", "jnp", "keys", "keystr",
     "lax", "load", "load_file", "math", "name_of", "nn", "np", "params", "partial", "penalty", "save", "save_file",
     "train", "train_forward"}
)  # fmt: skip

HELPERS = frozenset({*functions(), *LAYER_NAMES, *INIT_NAMES})

FUNCTION_NAMES = _FILE | HELPERS | {name.removeprefix("init_") for name in INIT_NAMES}
"""What the function of a block may not be called; `init_` in front of its name makes another one."""

LOCAL_NAMES = _FILE | HELPERS | frozenset(dir(builtins)) | {"body", "otherwise", "state", "then"}
"""What a parameter or variable of a body may not be called: names of the file that it uses."""

INPUT_NAMES = frozenset({"key"})
"""What an input may not be called besides: another parameter of `train_forward`."""
