"""One pool of workers for all models of a process, so that no more threads are busy than there are processors.

The workers are those of one library, whose code they run: it stays loaded as long as a model uses them.
"""

from __future__ import annotations

import threading
import weakref


class Workers:
    """The pool of a library. `pool` is what nrc_get_pool gives, `code` keeps the library in memory."""

    def __init__(self, pool: int, code: object) -> None:
        self.pool = pool
        self.code = code


_lock = threading.Lock()
_lent: weakref.ref[Workers] | None = None


def shared_workers(own: Workers) -> Workers:
    """The workers that all models of this process use: those that a model before this one has lent, or else its own."""
    global _lent
    with _lock:
        found = None if _lent is None else _lent()
        if found is None:
            found, _lent = own, weakref.ref(own)
        return found
