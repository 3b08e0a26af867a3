"""Plans: a model lowered for one input shape, with its program and memory, ready to run."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from .._kernels import cpu
from .._kernels import program as kernels
from .._shapes import allocate
from ..errors import StateError
from .assemble import assemble
from .choose import choose, layouts, with_spare
from .describe import describe
from .elements import ElementType
from .emit import Writer
from .fuse import fuse
from .gradients import Gradients
from .graph import Graph
from .halos import gradient_halos, masked_gradients, value_halos
from .locking import Locked
from .lower import lower
from .nodes import loss as losses
from .nodes.loss import RESULTS, Loss
from .nodes.norm import find_folded
from .packed import Packed
from .parts import Backward, Forward
from .runner import Runner, working_threads
from .write import write_backward, write_forward, write_output, write_output_grad

# So many rows of output are made without a look at the memory that is free.
_FEW = 64


class Plan(Locked):
    """A compiled model for samples of one shape: for training batches up to a capacity, else for any batch.

    It is an InferencePlan, a TwoPassPlan if it is for training, and a StepPlan if it also has a loss. Runs of
    several threads take turns; between a forward and its backward pass no other may come.

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
        Makes a plan that trains in one part, see `StepPlan.step`.
    graph : Graph, optional
        What the model is lowered to, if that is known.
    """

    training = False
    loss: Loss | None = None

    def __new__(cls, *args: Any, training: bool = False, loss: Loss | None = None, **kwargs: Any) -> Plan:
        """Make the kind of plan that is asked for."""
        kind = cls
        if cls is Plan:
            kind = StepPlan if loss is not None else TwoPassPlan if training else InferencePlan
        return super().__new__(kind)

    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, ...],
        *,
        training: bool = False,
        batch_size: int,
        input_gradient: bool = False,
        layout: str | None = None,
        bands: int = 1,
        loss: Loss | None = None,
        graph: Graph | None = None,
    ) -> None:
        super().__init__()
        self.graph = fuse(lower(model, input_shape, self.training)) if graph is None else graph
        self.input_shape = tuple(input_shape)
        self.dtype = self.graph.dtype
        self.loss = loss
        self.input_gradient = input_gradient
        self.parameter_grads: list[tuple[nn.Parameter, np.ndarray]] = []
        chosen = choose(self.graph, batch_size, self.training)
        named = {each.name: each for each in layouts(self.dtype)}[layout or chosen.name]
        self.layout = with_spare(named, self.graph)
        writer = Writer(
            ElementType.of(self.dtype), self.layout, bands, single=batch_size == 1 and bands > 1
        )
        wanted = self.graph.wanted(input_gradient) if self.training else set()
        folded = find_folded(self.graph, wanted)
        halos = value_halos(self.graph, folded)
        forward = Forward(writer, self.graph, self.training, wanted, folded, halos)
        ends = self._write(writer, forward)
        self.isa, threads = cpu.get_isa(), working_threads()
        self.executable = assemble(writer, ends, batch_size, threads)
        self.capacity = self.executable.capacity
        running = [a for s in forward.norms.values() for a in (s.norm.running_mean, s.norm.running_var)]
        parameters = list({id(p): p for _, _, p in self.executable.parameters}.values())
        # In training, weights change with every step.
        packed = None if self.training else Packed(parameters, running)
        self.runner = Runner(self.executable, threads, packed, forward.dropouts)
        # Those that take and count the statistics of batches.
        self.norms = [state.norm for node, state in forward.norms.items() if not node.fixed]
        one_pixel = any(node.x.pixels == 1 and not node.fixed for node in forward.norms)
        self.min_batch = 2 if one_pixel else 1  # one value has no variance
        value = self.graph.output
        # Shape of one sample's output.
        self.output_shape = (
            (value.size,) if self.graph.output_flat else (value.channels, value.height, value.width)
        )
        self.batch = 0  # of the last run

    def _write(self, writer: Writer, forward: Forward) -> list[int]:
        """Write the program; return the number of operations at the end of each part."""
        raise NotImplementedError

    def _backward(self, forward: Forward) -> Backward:
        """Return a backward part, ready to be written."""
        masked = masked_gradients(self.graph, forward.wanted)
        halos = gradient_halos(self.graph, forward.wanted, masked)
        return Backward(forward, self.input_gradient, halos, masked)

    def fits(self, batch: int) -> bool:
        """Tell whether the plan can run a batch of this size with the present settings."""
        if self.isa != cpu.get_isa() or batch > self.capacity:
            return False
        threads = self.runner.threads
        return threads == kernels.MOST_SLOTS or cpu.get_num_threads() <= threads

    def _given(self, **arrays: np.ndarray) -> tuple:
        """Return these arrays of the caller in the order of the program."""
        return tuple([arrays.get(name) for name in self.executable.externals])

    def _begin(self, batch: int) -> list[np.ndarray]:
        """Get ready for a batch; return what must stay alive while it runs."""
        arrays = self.runner.refresh()
        self.batch = batch
        self.runner.draw_keys()
        return arrays

    def _count_batch(self) -> None:
        for norm in self.norms:
            tracked = norm.num_batches_tracked
            tracked += 1  # in place: assigning it to the layer would count as a change

    def _output(self, batch: int, y: np.ndarray | None, x: np.ndarray) -> np.ndarray:
        """Return the array for the output of a batch, after a look at what the program would read and write."""
        self._check(x, self.input_shape, "x")
        if y is None:
            shape = (batch, *self.output_shape)
            few = batch <= _FEW
            y = np.empty(shape, self.dtype) if few else allocate(shape, self.dtype, "the model's output")
        else:
            self._check(y, self.output_shape, "y")
        if len(y) != batch or not self.min_batch <= batch <= self.capacity:
            raise StateError(
                f"forward: a plan for {self.min_batch} to {self.capacity} samples got {batch}, "
                f"and y has {len(y)} rows"
            )
        return y

    def _check(self, array: np.ndarray, shape: tuple[int, ...], name: str) -> None:
        """Refuse what the program would read or write past its end."""
        if array.shape[1:] != shape or array.dtype != self.dtype or not array.flags.c_contiguous:
            raise StateError(
                f"the plan needs {name} contiguous, {self.dtype} (N, *{shape}), got {array.shape}"
            )

    def describe(self) -> str:
        """Return the program as text: phases, operations with the layers they belong to, buffers, work."""
        return describe(self)


class InferencePlan(Plan):
    """A plan for predictions: one part, all layers in evaluation mode, weights packed until they change."""

    def _write(self, writer: Writer, forward: Forward) -> list[int]:
        write_forward(forward, input_stays=True)
        write_output(forward)
        return [writer.close_part()]

    def forward(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Return the model's output, written into y if it is given.

        Parameters
        ----------
        x : array (N, *input_shape)
            C-contiguous, of the plan's dtype.
        y : array (N, *output_shape), optional
            C-contiguous, of the plan's dtype.
        """
        y = self._output(len(x), y, x)
        with self.lock:
            kept = self._begin(len(x))
            self.runner.run(0, len(x), (x, y))
            del kept
        return y


class TwoPassPlan(Plan):
    """A plan for training in two parts, between which the caller computes a loss."""

    training = True

    def _write(self, writer: Writer, forward: Forward) -> list[int]:
        write_forward(forward, input_stays=False)
        write_output(forward)
        ends = [writer.close_part()]
        backward = self._backward(forward)
        self.parameter_grads = backward.parameter_grads
        write_output_grad(backward)
        write_backward(backward)
        return [*ends, writer.close_part()]

    def forward(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Return the model's output for min_batch to capacity samples; see `InferencePlan.forward`."""
        y = self._output(len(x), y, x)
        with self.lock:
            kept = self._begin(len(x))
            self.runner.run(0, len(x), self._given(input=x, output=y))
            self._count_batch()
            del kept
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Add the gradients of all parameters; return the input's if the plan has it.

        dy is the gradient of the last forward pass's output, C-contiguous and of the plan's dtype.
        """
        self._check(dy, self.output_shape, "dy")
        with self.lock:
            if self.batch != len(dy):
                raise StateError(f"backward: no forward pass of {len(dy)} samples came before")
            kept = self.runner.refresh()
            arrays, dx = {"output_grad": dy}, None
            if self.input_gradient:
                dx = allocate((self.batch, *self.input_shape), self.dtype, "backward: dx")
                arrays["input_grad"] = dx
            self.runner.run(1, self.batch, self._given(**arrays))
            del kept
            for parameter, grad in self.parameter_grads:
                parameter.accumulate(grad.reshape(parameter.shape))
        return dx


class StepPlan(Plan):
    """A plan for a training step: forward pass, loss and backward pass in one part."""

    training = True

    def __init__(self, model: nn.Module, input_shape: tuple[int, ...], **options: Any) -> None:
        super().__init__(model, input_shape, **options)
        self.gradients = Gradients(self.executable, self.parameter_grads, model)
        self._factor = 1.0
        ops = self.executable.writer.ops
        self._loss_op = next(i for i, op in enumerate(ops) if op.kernel == "cross_entropy")

    def _write(self, writer: Writer, forward: Forward) -> list[int]:
        assert self.loss is not None
        losses.check(self.graph, self.loss)
        write_forward(forward, input_stays=True)
        backward = self._backward(forward)
        self.parameter_grads = backward.parameter_grads
        losses.write(forward, backward, self.loss)
        write_backward(backward)
        return [writer.close_part()]

    def step(self, x: np.ndarray, target: np.ndarray, factor: float) -> np.ndarray:
        """Run forward, loss and backward pass; `gradients` has those of parameters then.

        Parameters
        ----------
        x : array (N, *input_shape)
            C-contiguous, of the plan's dtype; from min_batch to capacity rows.
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
        if not self.min_batch <= len(x) <= self.capacity:
            raise StateError(f"step: a plan for {self.min_batch} to {self.capacity} samples got {len(x)}")
        if target.shape != (len(x),) or target.dtype != np.int64 or not target.flags.c_contiguous:
            raise StateError(f"step: target must be int64 ({len(x)},), got {target.dtype} {target.shape}")
        results = np.empty((len(x), RESULTS))
        with self.lock:
            self.gradients.keep_handed_out()
            kept = self._begin(len(x))
            if factor != self._factor:
                self._factor = factor
                self.executable.program.set_scalar(self._loss_op, "factor", factor)
            self.runner.run(0, len(x), self._given(input=x, target=target, results=results))
            self._count_batch()
            del kept
        return results
