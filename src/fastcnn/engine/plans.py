"""The three kinds of plans: for predictions, for training in two passes, and for a training step in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _samples, nn
from .._kernels import program as kernels
from .._samples import Samples, Sizes
from .._shapes import allocate, filled
from ..errors import StateError
from ..graph import replaced
from .gradients import Gradients
from .nodes.loss_batch import RESULTS
from .packed import Packed
from .parts import Forward
from .plan import Plan
from .runners import Runners
from .write import names, write_backward, write_forward, write_output_grads, write_outputs
from .writer import Writer

Arrays = tuple[np.ndarray, ...]

# So many rows of output are made without a look at the memory that is free.
_FEW = 64
_NOTHING: Mapping[str, np.ndarray] = {}


class ForwardPlan(Plan):
    """A plan with a forward pass of its own."""

    def forward(self, x: Samples, y: Samples | None = None) -> Any:
        """Return what the model returns, in y if it is given.

        Parameters
        ----------
        x : array (N, *input_shape), or tuple of such arrays for several inputs
            Of the plan's dtype; from min_batch to capacity rows.
        y : array (N, *output_shape), or tuple of such arrays for several outputs, optional
            C-contiguous, of the plan's dtype.
        """
        inputs = self._arrays(x, self.input_shapes, "x")
        batch = len(inputs[0])
        if not self.min_batch <= batch <= self.capacity:
            raise StateError(f"forward: a plan for {self.min_batch} to {self.capacity} samples got {batch}")
        outputs = self.room(batch) if y is None else self._writable(_samples.arrays(y), batch)
        self._compute(batch, inputs, outputs)
        return outputs[0] if self.graph.form == 0 else self.arranged(outputs)

    def _compute(self, batch: int, inputs: Arrays, outputs: Arrays) -> None:
        """Run the forward pass."""
        raise NotImplementedError

    def _named(self, inputs: Arrays, outputs: Arrays) -> dict[str, np.ndarray]:
        """Return the caller's arrays by the names that the program has for them."""
        return dict(zip([*self._inputs, *self._outputs], [*inputs, *outputs], strict=True))

    def room(self, count: int) -> tuple[np.ndarray, ...]:
        """Return new arrays for the outputs of so many samples."""
        made = []
        for shape in self.output_shapes:
            whole = (count, *shape)
            few = count <= _FEW
            made.append(np.empty(whole, self.dtype) if few else allocate(whole, self.dtype, "the output"))
        return tuple(made)

    def arranged(self, outputs: tuple[np.ndarray, ...]) -> Any:
        """Return outputs in tuples, lists and dicts as the model does."""
        return replaced(self.graph.form, lambda number: None if number is None else outputs[number])

    def _writable(self, outputs: tuple[np.ndarray, ...], batch: int) -> tuple[np.ndarray, ...]:
        """Return arrays for the outputs after a look at what the program would write."""
        expected = [(batch, *shape) for shape in self.output_shapes]
        if [y.shape for y in outputs] != expected or not all(
            y.dtype == self.dtype and y.flags.carray for y in outputs
        ):
            raise StateError(f"forward: y must be contiguous, {self.dtype}, of the shapes {expected}")
        return outputs


class InferencePlan(ForwardPlan, kind="inference"):
    """A plan for predictions, of several threads at a time; weights stay packed until they change."""

    def __init__(self, model: nn.Module, input_shape: Sizes, **options: Any) -> None:
        super().__init__(model, input_shape, **options)
        self.runners = Runners(self.runner, Packed(self.runner.parameters, self._running))
        self._only_forward = self.executable.externals == [*self._inputs, *self._outputs]

    def _write(self, writer: Writer, forward: Forward) -> None:
        writer.part_name = "forward"
        write_forward(forward, inputs_stay=True)
        write_outputs(forward)
        writer.close_part()

    def _compute(self, batch: int, inputs: Arrays, outputs: Arrays) -> None:
        if self._only_forward:
            with self.runners.turn() as runner:
                runner.run(0, batch, inputs + outputs, prepared=True)
            return
        # A module that runs in Python may be unable to do so in several threads.
        with self.lock, self.runners.turn() as runner:
            runner.run_pass("forward", batch, self._named(inputs, outputs), prepared=True)

    def clock(self, x: Samples, seconds: np.ndarray) -> None:
        """Predict with a clock around each operation, whose times are added to `seconds`; see `Runner`."""
        inputs = self._arrays(x, self.input_shapes, "x")
        batch = len(inputs[0])
        with self.lock, self.runners.turn() as runner:
            runner.seconds = seconds
            try:
                runner.run_pass("forward", batch, self._named(inputs, self.room(batch)))
            finally:
                runner.seconds = None


class TwoPassPlan(ForwardPlan, kind="two passes"):
    """A plan for training in two parts, between which the caller computes a loss."""

    training = True

    def _write(self, writer: Writer, forward: Forward) -> None:
        writer.part_name = "forward"
        write_forward(forward, inputs_stay=False)
        write_outputs(forward)
        writer.close_part()
        writer.part_name = "backward"
        backward = self._backward(forward)
        self.parameter_grads = backward.parameter_grads
        write_output_grads(backward)
        write_backward(backward)
        writer.close_part()

    def _compute(self, batch: int, inputs: Arrays, outputs: Arrays) -> None:
        with self.lock:
            kept = self._begin(batch)
            self.runner.run_pass("forward", batch, self._named(inputs, outputs))
            if self._counters:
                kernels.add_one(self._counters)
            del kept

    def backward(self, dy: Samples) -> Samples | None:
        """Add the gradients of all parameters; return those of the inputs if the plan has them.

        dy is the gradient of the last forward pass's output, or a tuple of those of several outputs, of the
        plan's dtype.
        """
        dys = self._arrays(dy, self.output_shapes, "dy")
        with self.lock:
            if self.batch != len(dys[0]):
                raise StateError(f"backward: no forward pass of {len(dys[0])} samples came before")
            kept = self.runner.refresh()
            arrays = dict(zip(names("output_grad", len(dys)), dys, strict=True))
            dxs: tuple[np.ndarray, ...] = ()
            if self.input_gradient:
                shapes = [(self.batch, *shape) for shape in self.input_shapes]
                # Zeros where no output depends on the input.
                dxs = tuple([filled(shape, 0, self.dtype, "backward: dx") for shape in shapes])
                arrays.update(zip(names("input_grad", len(dxs)), dxs, strict=True))
            self.runner.run_pass("backward", self.batch, arrays)
            del kept
            for parameter, grad in self.parameter_grads:
                parameter.accumulate(grad.reshape(parameter.shape))
        return dxs if len(dxs) > 1 else dxs[0] if dxs else None


class StepPlan(Plan, kind="step"):
    """A plan for a training step: forward pass, loss and backward pass in one part."""

    training = True

    def __init__(self, model: nn.Module, input_shape: Sizes, **options: Any) -> None:
        super().__init__(model, input_shape, **options)
        outside = [parameter for node in self.graph.nodes for parameter in node.outside_parameters]
        self.gradients = Gradients(self.executable, self.parameter_grads, self._factored, model, outside)
        self._factor = 1.0
        ops = self.executable.writer.ops
        self._loss_op = next(i for i, op in enumerate(ops) if "results" in op.buffers)
        assert self.loss is not None
        self._kinds_given = self.loss.arrays(self.graph)

    def _write(self, writer: Writer, forward: Forward) -> None:
        assert self.loss is not None
        writer.part_name = "step"
        self.loss.check(self.graph)
        write_forward(forward, inputs_stay=True)
        backward = self._backward(forward)
        self.parameter_grads, self._factored = backward.parameter_grads, backward.factored
        with forward.storing(self.graph.outputs[0]):
            self.loss.write(forward, backward)
        write_backward(backward)
        writer.close_part()

    def step(
        self, x: Samples, target: np.ndarray, factor: float, others: Mapping[str, np.ndarray] = _NOTHING
    ) -> np.ndarray:
        """Run forward, loss and backward pass; `gradients` has those of parameters then.

        Parameters
        ----------
        x : array (N, *input_shape), or tuple of such arrays for several inputs
            Of the plan's dtype; from min_batch to capacity rows.
        target : array (N, ...)
            As the loss says; classes are int64 (N,), each in range or ignore_index.
        factor : float
            What the gradient of the sum of all losses is multiplied by.
        others : dict
            What else the loss takes, see `arrays` of engine/nodes/loss.py.

        Returns
        -------
        float64 array (N, 2)
            Each image's loss, and of losses of classes 1 where the image was predicted right before the step,
            or 0, or how many of its pixels were; of others how many elements have no loss.
        """
        inputs = self._arrays(x, self.input_shapes, "x")
        batch = len(inputs[0])
        if not self.min_batch <= batch <= self.capacity:
            raise StateError(f"step: a plan for {self.min_batch} to {self.capacity} samples got {batch}")
        arrays = dict(zip(self._inputs, inputs, strict=True))
        for name, (shape, dtype) in self._kinds_given.items():
            array = arrays[name] = target if name == "target" else others[name]
            flags = array.flags
            fits = array.shape == (batch, *shape) and array.dtype == dtype
            if not (fits and flags.c_contiguous and flags.aligned):
                got = f"{array.dtype} {array.shape}"
                raise StateError(f"step: {name} must be contiguous, {dtype} {(batch, *shape)}, got {got}")
        arrays["results"] = np.empty((batch, RESULTS))
        with self.lock:
            arrays.update(self.gradients.room_for_factors(batch))
            self.gradients.keep_handed_out()
            self.gradients.forget_outside()
            kept = self._begin(batch)
            if factor != self._factor:
                self._factor = factor
                self.executable.program.set_scalar(self._loss_op, "factor", factor)
            self.runner.run_pass("step", batch, arrays)
            kernels.add_one(self._counters)
            del kept
        return arrays["results"]
