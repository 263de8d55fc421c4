"""Names that emitted code must not give away: what the file imports or defines."""

import builtins

from neuralc.emit.jax.helper_source import functions
from neuralc.emit.jax.init_texts import NAMES as INIT_NAMES
from neuralc.emit.jax.layer_texts import NAMES as LAYER_NAMES

_FILE = frozenset(
    {"Any", "Array", "Params", "Training", "constrain", "forward", "init", "jax", "jnp", "keystr", "lax", "load",
     "load_file", "math", "name_of", "nn", "np", "params", "penalty", "save", "save_file", "train", "train_forward",
     "partial"}
)  # fmt: skip

HELPERS = frozenset({*functions(), *LAYER_NAMES, *INIT_NAMES})

FUNCTION_NAMES = _FILE | HELPERS | {name.removeprefix("init_") for name in INIT_NAMES}
"""What the function of a block may not be called; `init_` in front of its name makes another one."""

LOCAL_NAMES = _FILE | HELPERS | frozenset(dir(builtins)) | {"body", "key", "keys", "otherwise", "state", "then"}
"""What a parameter or variable of a body may not be called: names of the file that it uses."""
