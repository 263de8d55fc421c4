"""The reader of cubins on files it must refuse; what it reads of real ones is tested where they are compiled."""

from __future__ import annotations

import pytest

from neuralc.emit.triton.cubin import read_cubin


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x01" + bytes(64), b"//\n.version 8.0\n"])
def test_another_kind_of_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="64-bit ELF"):
        read_cubin(data)
