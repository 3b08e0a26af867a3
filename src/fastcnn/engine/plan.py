"""Plans: a model lowered for one input shape, with its program and memory, ready to run."""

from __future__ import annotations

import numpy as np

from .. import nn
from .._kernels import cpu
from .._kernels import program as kernels
from ..errors import StateError
from .emit import Executable, Writer, assemble
from .fuse import fuse
from .graph import Graph
from .lower import lower
from .parts import Backward, Forward
from .write import write_backward, write_forward


class Plan:
    """A compiled model for samples of one shape and batches up to a capacity.

    Parameters
    ----------
    model : Module
        The model; its parameters are read, and its running statistics updated, in place.
    input_shape : (C, H, W) or (F,)
        Shape of one sample.
    training : bool
        Whether to use batch statistics and dropout, and to have a backward part.
    batch_size : int
        The largest batch; it is rounded up to whole vectors.
    input_gradient : bool
        Whether backward returns the gradient of the input.
    """

    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, ...],
        *,
        training: bool,
        batch_size: int,
        input_gradient: bool = False,
    ) -> None:
        self.graph: Graph = fuse(lower(model, input_shape))
        self.training = training
        self.dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
        writer = Writer(self.dtype, per_thread=not training)
        forward = Forward(writer, self.graph, training)
        write_forward(forward)
        ends = [writer.close_part()]
        self.parameter_grads: list[tuple[nn.Parameter, np.ndarray]] = []
        if training:
            backward = Backward(forward, input_gradient)
            write_backward(backward)
            ends.append(writer.close_part())
            self.parameter_grads = backward.parameter_grads
        self.input_gradient = input_gradient
        self.groups = max(1, -(-batch_size // writer.lanes))
        self.capacity = self.groups * writer.lanes
        self.isa, self.threads = cpu.get_isa(), cpu.get_num_threads()
        self.executable: Executable = assemble(writer, ends, self.groups, self.threads)
        self.dropouts = forward.dropouts
        self.norms = [state.norm for state in forward.norms.values()]
        self.keys = np.zeros(max(1, len(self.dropouts)), np.uint64)
        self.batch = 0

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one sample's output."""
        value = self.graph.output
        if self.graph.output_flat:
            return (value.size,)
        return (value.channels, value.height, value.width)

    def fits(self, batch: int) -> bool:
        """Tell whether the plan can run a batch of this size with the present settings."""
        if self.isa != cpu.get_isa() or batch > self.capacity:
            return False
        return self.training or cpu.get_num_threads() <= self.threads

    def _bind(self, name: str, array: np.ndarray) -> None:
        for op, index in self.executable.externals.get(name, []):
            self.executable.program.bind(op, index, array)

    def _refresh(self) -> None:
        """Follow parameters whose arrays were replaced, and settings that may have changed."""
        executable = self.executable
        for i, (op, index, parameter, bound) in enumerate(executable.parameters):
            if parameter.data is not bound:
                executable.program.bind(op, index, parameter.data)
                executable.parameters[i] = (op, index, parameter, parameter.data)
        for op, index, scalar in executable.scalars:
            executable.program.set_scalar(op, index, scalar())

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the model's output for x (N, ...), C-contiguous and of the model's dtype."""
        y = np.empty((len(x), *self.output_shape), self.dtype)
        self.batch = len(x)
        if self.batch == 0:
            return y
        self._refresh()
        for i, layer in enumerate(self.dropouts):
            generator = layer.generator or nn.init.default_generator()
            self.keys[i] = generator.integers(2**64, dtype=np.uint64)
        self._bind("input", x)
        self._bind("output", y)
        self.executable.program.run(self.batch, self.keys, 0, self.executable.phase_ends[0])
        if self.training:
            for norm in self.norms:
                norm.num_batches_tracked += 1
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Add the gradients of all parameters; return the input's if the plan has it.

        dy is the gradient of the last forward pass's output.
        """
        if not self.training or self.batch != len(dy):
            raise StateError(f"backward: no forward pass of {len(dy)} samples came before")
        dx = None
        if self.input_gradient:
            value = self.graph.input
            dx = np.empty((self.batch, value.channels, value.height, value.width), self.dtype)
            self._bind("input_grad", dx)
        self._bind("output_grad", dy)
        first, last = self.executable.phase_ends
        self.executable.program.run(self.batch, self.keys, first, last)
        for parameter, grad in self.parameter_grads:
            parameter.accumulate(grad.reshape(parameter.shape))
        return dx

    def describe(self) -> str:
        """Return the program as text: phases, operations, work and memory."""
        ops, executable = self.executable.writer.ops, self.executable
        lines = [
            f"{'training' if self.training else 'inference'} program for up to {self.capacity} images: "
            f"{len(ops)} operations, {executable.bytes / 2**20:.1f} MiB of buffers"
        ]
        for i, op in enumerate(ops):
            where = "groups" if op.tasks is None else f"{op.tasks} tasks"
            work = f"  {op.flops / 1e6:.3f} MFLOP/image" if op.flops else ""
            lines.append(f"{i:4d}  {op.kernel:<16} {where:<9} sizes {list(map(int, op.sizes))}{work}")
        return "\n".join(lines)


def slots() -> int:
    """Return the number of runs that a batch is cut into at most: the limit of useful threads."""
    return kernels.SLOTS
