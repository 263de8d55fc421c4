"""Control flow."""

from __future__ import annotations

from collections.abc import Mapping

LOWERINGS: Mapping = {}
