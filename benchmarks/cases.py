"""What is measured: each case is a model, the sizes and engines it runs with, and the bar it has to reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = Path(__file__).resolve().parent / "kernels"


@dataclass(frozen=True)
class Case:
    """One row of the report."""

    name: str
    model: Path
    shape: tuple[int, ...]
    """The shape of the input, batch first."""
    threads: int = 1
    engines: tuple[str, ...] = ("neuralc", "onnxruntime", "torch")
    pinned: bool = False
    """Whether the batch is fixed when the model is compiled (`--dim batch=`)."""
    flops: int | None = None
    """Operations of one call, where the bar is a share of the peak."""
    bar: str = ""

    @property
    def batch(self) -> int:
        return self.shape[0]


def model_cases() -> list[Case]:
    """The example models at batch 1 and 64, on one and two threads."""
    inputs = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "mlp": (784,)}
    bars = {("mlp", 1), ("digits", 1)}
    return [
        Case(
            f"{name} batch {batch} threads {threads}",
            ROOT / "examples" / f"{name}.nr",
            (batch, *shape),
            threads,
            bar="no slower than onnxruntime" if (name, batch) in bars else "",
        )
        for name, shape in inputs.items()
        for batch in (1, 64)
        for threads in (1, 2)
    ]


def kernel_cases() -> list[Case]:
    """Single layers on one core, through the whole pipeline, against the register-only multiply-add loop."""

    def case(name: str, shape: tuple[int, ...], flops: int | None, bar: str, engines: tuple[str, ...]) -> Case:
        limit = ("fma_peak",) if flops else ()
        return Case(name, KERNELS / f"{name}.nr", shape, 1, (*engines, *limit), pinned=True, flops=flops, bar=bar)

    return [
        case("gemm_512", (512, 512), 2 * 512**3, ">= 85 % of peak", ("neuralc", "torch")),
        case("conv_3x3", (1, 28, 28, 128), 2 * 28 * 28 * 128 * 128 * 9, ">= 85 % of peak", ("neuralc", "torch")),
        case("conv_1x1", (1, 28, 28, 512), 2 * 28 * 28 * 512 * 128, ">= 85 % of peak", ("neuralc", "torch")),
        case("softmax_1000", (256, 1000), None, "no slower than torch", ("neuralc", "torch")),
    ]


def attention_case() -> Case:
    """Flash attention written by hand in kernel IR: 8 heads, 512 positions, 64 channels."""
    path = ROOT / "examples" / "kernels" / "flash_attention_cpu.mlir"
    flops = 4 * 8 * 512 * 512 * 64
    return Case(
        "flash_attention", path, (8, 512, 64), 1, ("neuralc", "torch", "fma_peak"), True, flops, ">= 60 % of peak"
    )


SUITES = {
    "models": model_cases,
    "kernels": lambda: [*kernel_cases(), attention_case()],
}
