"""What a library needs of the system: the C library alone, as its dynamic section says and as a linker finds."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.native_modules import MLP, mlp_store, native

from neuralc.passes.target import Target

READELF = shutil.which("readelf")
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

pytestmark = [
    pytest.mark.skipif(READELF is None, reason="needs readelf, of binutils"),
    pytest.mark.skipif(COMPILER is None, reason="needs a C compiler, which links"),
]

C_LIBRARY = re.compile(r"lib[cm]\.(so\.6|musl-.*)")
"""glibc's two files, musl's one."""
THREADS = re.compile(r"libpthread\.so\.0")
"""Threads of a glibc before 2.34; later ones are in the C library."""

FLOOR = """
kernel.func @floor(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
  %zero = arith.constant 0 : index
  %t = kernel.load %x[%zero over 0] -> !kernel.tile<8xf32, v4>
  %r = kernel.map floor %t -> !kernel.tile<8xf32, v4>
  kernel.store %r, %y[%zero over 0]
  kernel.return
}
kernel.host @floors(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] inputs ["x"] outputs ["y"] arena (0) {
  kernel.launch @floor[](%x, %y)
  kernel.return
}
"""


def needed(library: Path) -> list[str]:
    """The libraries that the loader has to find for one."""
    done = subprocess.run([str(READELF), "-dW", str(library)], capture_output=True, text=True, check=True)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout)


def saved(folder: Path, threads: int) -> Path:
    path = folder / "mlp.so"
    path.write_bytes(b"".join(native(MLP, mlp_store(), target=Target.host(), threads=threads).library()))
    return path


def test_a_library_of_one_thread_needs_the_c_library_alone(tmp_path: Path) -> None:
    assert [name for name in needed(saved(tmp_path, 1)) if not C_LIBRARY.fullmatch(name)] == []


def test_a_library_of_several_threads_needs_no_runtime_of_threads(tmp_path: Path) -> None:
    """No OpenMP, no TBB, no libstdc++: its workers are those of the system."""
    allowed = (C_LIBRARY, THREADS)
    found = needed(saved(tmp_path, 2))
    assert [name for name in found if not any(each.fullmatch(name) for each in allowed)] == []


@pytest.mark.skipif(Target.host().triple.split("-")[0] != "x86_64", reason="is about processors of x86-64")
def test_functions_that_a_processor_lacks_come_from_libm(tmp_path: Path) -> None:
    """Rounding down is an instruction since SSE4.1."""
    path = tmp_path / "floors.so"
    path.write_bytes(b"".join(native(FLOOR, target=Target.cpu("x86-64")).library()))
    found = needed(path)
    assert any(name.startswith("libm.") for name in found)
    assert [name for name in found if not C_LIBRARY.fullmatch(name)] == []


def test_an_object_of_one_thread_links_with_the_c_library_alone(tmp_path: Path) -> None:
    """`-z defs` has the linker refuse a name that nothing given defines."""
    (tmp_path / "mlp.o").write_bytes(b"".join(native(MLP, mlp_store(), target=Target.host()).object()))
    library = tmp_path / "linked.so"
    command = [str(COMPILER), "-shared", "-nostdlib", "-Wl,-z,defs", "-Wl,--as-needed", "-o", str(library)]
    done = subprocess.run(
        [*command, str(tmp_path / "mlp.o"), "-lc", "-lm"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [name for name in needed(library) if not C_LIBRARY.fullmatch(name)] == []
