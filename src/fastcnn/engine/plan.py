"""Plans: a model lowered for one input shape, with its program and memory, ready to run."""

from __future__ import annotations

import numpy as np

from .. import nn
from .._kernels import cpu
from .._kernels import program as kernels
from .._shapes import allocate
from ..errors import StateError
from ..nn import changes
from .choose import choose, layouts, with_spare
from .describe import describe
from .emit import Executable, Writer, assemble
from .fuse import fuse
from .gradients import Gradients
from .graph import Graph
from .locking import Locked
from .lower import lower
from .nodes.loss import RESULTS, Loss
from .nodes.loss import check as check_loss
from .nodes.loss import write as write_loss
from .packed import Packed
from .parts import Backward, Forward
from .write import write_backward, write_forward, write_output, write_output_grad

# So many rows of output are made without a look at the memory that is free.
_FEW = 64


class Plan(Locked):
    """A compiled model for samples of one shape: for training batches up to a capacity, else for any batch.

    Runs of several threads take turns; between a forward and its backward pass no other may come.

    Parameters
    ----------
    model : Module
        The model; its parameters are read, and its running statistics updated, in place.
    input_shape : (C, H, W) or (F,)
        Shape of one sample.
    training : bool
        Whether each layer is in its own mode and there is a backward part, for the parameters with
        requires_grad; else all layers are in evaluation mode.
    batch_size : int
        The largest batch, if memory depends on it; rounded up to whole vectors.
    input_gradient : bool
        Whether backward returns the gradient of the input.
    layout : {"images", "channels"}, optional
        Of the buffers; by default what `choose` says for the batch size.
    bands : int
        Parts that the work on one image may be cut into, for threads.
    loss : Loss, optional
        Makes a plan that trains in one part, see `step`, and has no forward and backward pass of their own.
    """

    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, ...],
        *,
        training: bool,
        batch_size: int,
        input_gradient: bool = False,
        layout: str | None = None,
        bands: int = 1,
        loss: Loss | None = None,
    ) -> None:
        super().__init__()
        self._seen = -1
        self.graph: Graph = fuse(lower(model, input_shape, training))
        self.input_shape = tuple(input_shape)
        self.training = training
        self.dtype = self.graph.dtype
        self.loss = loss
        self.input_gradient = input_gradient
        self.parameter_grads: list[tuple[nn.Parameter, np.ndarray]] = []
        chosen = choose(self.graph, batch_size, training)
        named = {each.name: each for each in layouts(self.dtype)}[layout or chosen.name]
        self.layout = with_spare(named, self.graph)
        writer = Writer(self.dtype, self.layout, bands, single=batch_size == 1 and bands > 1)
        wanted = self.graph.wanted(input_gradient) if training else set()
        forward = Forward(writer, self.graph, training, wanted)
        ends = self._write(writer, forward)
        # A phase over groups, the only kind with a buffer for each thread, has no work for more than SLOTS.
        self.isa, self.threads = cpu.get_isa(), min(cpu.get_num_threads(), kernels.SLOTS)
        self._enough_threads = self.threads == kernels.SLOTS
        self.executable: Executable = assemble(writer, ends, batch_size, self.threads)
        self.capacity = self.executable.capacity
        self._in_and_out = self.executable.externals == ["input", "output"]
        self.shapes = {id(p): p.shape for _, _, p in self.executable.parameters}
        self._parameters = list({id(p): p for _, _, p in self.executable.parameters}.values())
        self.dropouts = forward.dropouts
        # Those that take and count the statistics of batches.
        self.norms = [state.norm for node, state in forward.norms.items() if not node.fixed]
        self._packed = Packed(
            self._parameters, [a for state in forward.norms.values() for a in state.running]
        )
        self._is_packed = False  # whether the present run finds packed weights
        self._prepared_phases = sum(last <= writer.first_prepared for _, _, last in self.executable.phases)
        one_pixel = training and any(node.x.pixels == 1 and not node.fixed for node in forward.norms)
        self.min_batch = 2 if one_pixel else 1  # one value has no variance
        self.keys = np.zeros(max(1, len(self.dropouts)), np.uint64)
        self.gradients = Gradients(self.executable, self.parameter_grads, model)
        self._factor = 1.0
        self._loss_op = next((i for i, op in enumerate(writer.ops) if op.kernel == "cross_entropy"), -1)
        value = self.graph.output
        # Shape of one sample's output.
        self.output_shape = (
            (value.size,) if self.graph.output_flat else (value.channels, value.height, value.width)
        )
        self.batch = 0
        # Seconds of each operation. With an array here passes run on one thread, look at the clock after each
        # operation and add to it.
        self.seconds: np.ndarray | None = None

    def _write(self, writer: Writer, forward: Forward) -> list[int]:
        """Write the program; return the number of operations at the end of each part."""
        write_forward(forward, not self.training or self.loss is not None)
        if not self.training:
            write_output(forward)
            return [writer.close_part()]
        backward = Backward(forward, self.input_gradient)
        self.parameter_grads = backward.parameter_grads
        if self.loss is not None:
            check_loss(self.graph, self.loss)
            write_loss(forward, backward, self.loss)
            write_backward(backward)
            return [writer.close_part()]
        write_output(forward)
        ends = [writer.close_part()]
        write_output_grad(backward)
        write_backward(backward)
        return [*ends, writer.close_part()]

    def fits(self, batch: int) -> bool:
        """Tell whether the plan can run a batch of this size with the present settings."""
        if self.isa != cpu.get_isa() or batch > self.capacity:
            return False
        return self._enough_threads or cpu.get_num_threads() <= self.threads

    def _given(self, **arrays: np.ndarray) -> tuple:
        """Return these arrays of the caller in the order of the program."""
        return tuple([arrays.get(name) for name in self.executable.externals])

    def _run(self, part: int, given: tuple) -> None:
        """Run a part on arrays of the caller."""
        executable = self.executable
        program, ends = executable.program, executable.phase_ends
        first = ends[part - 1] if part else 0
        if self.seconds is not None:
            program.time_ops(self.seconds, self.batch, self.keys, first, ends[part], given)
            return
        if self._is_packed:
            first = self._prepared_phases
        threads = cpu.get_num_threads()
        if threads > self.threads and not self._enough_threads:
            threads = self.threads
        program.run(self.batch, self.keys, first, ends[part], threads, given)

    def _refresh(self) -> list[np.ndarray]:
        """Follow what was changed in parameters and settings; return the parameters' arrays."""
        latest = changes.latest()
        if not self.training:  # in training they change with every step
            self._is_packed = latest == self._seen and self._packed.holds()
            if not self._is_packed:
                self._packed.note()
        arrays = [parameter._data for parameter in self._parameters]
        if latest == self._seen:
            return arrays
        executable = self.executable
        for op, index, parameter in executable.parameters:
            data = parameter._data
            if data.shape != self.shapes[id(parameter)] or data.dtype != self.dtype:
                raise StateError(
                    f"the plan was made for a parameter of the shape {self.shapes[id(parameter)]} and type "
                    f"{self.dtype}; now it is {data.shape}, {data.dtype}"
                )
            executable.program.point(op, index, data)
        for op, index, scalar in executable.scalars:
            executable.program.set_scalar(op, index, scalar())
        self._seen = latest
        return arrays

    def forward(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Return the model's output, written into y if it is given.

        Parameters
        ----------
        x : array (N, *input_shape)
            C-contiguous, of the plan's dtype; from min_batch to capacity rows.
        y : array (N, *output_shape), optional
            C-contiguous, of the plan's dtype.
        """
        self._check(x, self.input_shape, "x")
        batch = len(x)
        if y is None:
            shape = (batch, *self.output_shape)
            few = batch <= _FEW
            y = np.empty(shape, self.dtype) if few else allocate(shape, self.dtype, "the model's output")
        else:
            self._check(y, self.output_shape, "y")
        if self.loss is not None or len(y) != batch or not self.min_batch <= batch <= self.capacity:
            raise StateError(
                f"forward: a plan for {self.min_batch} to {self.capacity} samples got {batch}, "
                f"and y has {len(y)} rows"
            )
        with self.lock:
            kept = self._begin(batch)
            self._run(0, (x, y) if self._in_and_out else self._given(input=x, output=y))
            if self.training:
                self._count_batch()
            del kept
        return y

    def step(self, x: np.ndarray, target: np.ndarray, factor: float) -> np.ndarray:
        """Run forward, loss and backward pass; `gradients` has those of parameters then.

        Parameters
        ----------
        x : array (N, *input_shape)
            As in forward.
        target : int64 array (N,)
            Classes, each in range or ignore_index.
        factor : float
            What the gradient of the sum of all losses is multiplied by.

        Returns
        -------
        float64 array (N, 2)
            Each image's loss, and 1 where the image was predicted right before the step, or 0.
        """
        self._check(x, self.input_shape, "x")
        if self.loss is None or not self.min_batch <= len(x) <= self.capacity:
            raise StateError(f"step: a plan for {self.min_batch} to {self.capacity} samples got {len(x)}")
        if target.shape != (len(x),) or target.dtype != np.int64 or not target.flags.c_contiguous:
            raise StateError(f"step: target must be int64 ({len(x)},), got {target.dtype} {target.shape}")
        results = np.empty((len(x), RESULTS))
        with self.lock:
            self.gradients.keep_handed_out()
            kept = self._begin(len(x))
            if factor != self._factor:
                self._factor = factor
                self.executable.program.set_scalar(self._loss_op, 0, factor)
            self._run(0, self._given(input=x, target=target, results=results))
            self._count_batch()
            del kept
        return results

    def _begin(self, batch: int) -> list[np.ndarray]:
        """Get ready for a batch; return what must stay alive while it runs."""
        arrays = self._refresh()
        self.batch = batch
        for i, layer in enumerate(self.dropouts):
            if layer.p:  # as in eager mode, nothing is drawn where nothing is dropped
                generator = layer.generator or nn.init.default_generator()
                self.keys[i] = generator.integers(2**64, dtype=np.uint64)
        return arrays

    def _count_batch(self) -> None:
        for norm in self.norms:
            tracked = norm.num_batches_tracked
            tracked += 1  # in place: assigning it to the layer would count as a change

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Add the gradients of all parameters; return the input's if the plan has it.

        dy is the gradient of the last forward pass's output, C-contiguous and of the plan's dtype.
        """
        self._check(dy, self.output_shape, "dy")
        with self.lock:
            if not self.training or self.loss is not None or self.batch != len(dy):
                raise StateError(f"backward: no forward pass of {len(dy)} samples came before")
            kept = self._refresh()
            arrays, dx = {"output_grad": dy}, None
            if self.input_gradient:
                dx = allocate((self.batch, *self.input_shape), self.dtype, "backward: dx")
                arrays["input_grad"] = dx
            self._run(1, self._given(**arrays))
            del kept
            for parameter, grad in self.parameter_grads:
                parameter.accumulate(grad.reshape(parameter.shape))
        return dx

    def _check(self, array: np.ndarray, shape: tuple[int, ...], name: str) -> None:
        """Refuse what the program would read or write past its end."""
        if array.shape[1:] != shape or array.dtype != self.dtype or not array.flags.c_contiguous:
            raise StateError(
                f"the plan needs {name} contiguous, {self.dtype} (N, *{shape}), got {array.shape}"
            )

    def describe(self) -> str:
        """Return the program as text: phases, operations with the layers they belong to, buffers, work."""
        return describe(self)
