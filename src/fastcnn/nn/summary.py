"""A table of a model's layers: what each makes of its input, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._shapes import allocate, integer
from ..errors import ShapeError
from .module import Module, observe


@dataclass(frozen=True)
class LayerRow:
    """One layer without children, for one sample."""

    name: str
    type: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int
    macs: int


@dataclass(frozen=True)
class Summary:
    """The rows of a model and its totals."""

    model: str
    input_shape: tuple[int, ...]
    layers: list[LayerRow]
    parameters: int
    trainable: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(layer.macs for layer in self.layers)

    @property
    def forward_backward_bytes(self) -> int:
        """Bytes of all outputs and their gradients for one float32 sample."""
        return sum(2 * 4 * int(np.prod(layer.output_shape, dtype=object)) for layer in self.layers)

    def text(self) -> str:
        """Return the table as text."""
        head = ("Layer", "Type", "Output shape", "Parameters", "MACs")
        rows = [
            (r.name, r.type, "x".join(map(str, r.output_shape)), f"{r.parameters:,}", f"{r.macs:,}")
            for r in self.layers
        ]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

        def line(cells: tuple[str, ...]) -> str:
            left = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
            right = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
            return "  ".join(left + right).rstrip()

        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        mib = 1024**2
        sizes = [
            4 * int(np.prod(self.input_shape, dtype=object)) / mib,
            self.forward_backward_bytes / mib,
            4 * self.parameters / mib,
        ]
        return "\n".join(
            [
                f"{self.model}, input {'x'.join(map(str, self.input_shape))}",
                rule,
                line(head),
                rule,
                *(line(row) for row in rows),
                rule,
                f"Parameters: {self.parameters:,} ({self.trainable:,} trainable)",
                f"Multiply-accumulates per sample: {self.macs:,}",
                f"Memory per sample (MiB): input {sizes[0]:.2f}, forward/backward {sizes[1]:.2f}, "
                f"parameters {sizes[2]:.2f}, total {sum(sizes):.2f}",
            ]
        )


def summarize(model: Module, input_shape: tuple[int, ...]) -> Summary:
    """Run one zero sample of `input_shape` (C, H, W) through `model` and describe each layer.

    Raises
    ------
    ShapeError
        If input_shape is not a tuple of sizes, or does not fit the model.
    """
    if not isinstance(input_shape, tuple | list) or not input_shape:
        raise ShapeError(f"summary: input_shape must be a tuple such as (C, H, W), got {input_shape!r}")
    sizes = tuple(integer(size, "summary: input_shape", 1) for size in input_shape)
    names = {id(module): name for name, module in model.named_modules()}
    counted: set[int] = set()
    rows: list[LayerRow] = []

    def record(module: Module, x: np.ndarray, y: np.ndarray) -> None:
        if any(True for _ in module.children()):
            return
        own = [p for p in module.parameters() if id(p) not in counted]
        counted.update(id(p) for p in own)
        macs = module.macs(y.shape) if hasattr(module, "macs") else 0
        rows.append(
            LayerRow(
                names.get(id(module), "") or type(module).__name__,
                type(module).__name__,
                x.shape[1:],
                y.shape[1:],
                sum(p.size for p in own),
                sum(p.size for p in own if p.requires_grad),
                macs,
            )
        )

    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    sample = allocate((1, *sizes), dtype, "summary: the sample")
    sample[...] = 0
    observe(model, sample, record)
    total = sum(p.size for p in model.parameters())
    return Summary(type(model).__name__, sizes, rows, total, model.num_parameters())
