"""The three kinds of plans: for predictions, for training in two passes, and for a training step in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from .._kernels import program as kernels
from .._shapes import allocate
from ..errors import StateError
from .emit import Writer
from .gradients import Gradients
from .nodes import loss as losses
from .nodes.loss import RESULTS
from .parts import Forward
from .plan import Plan
from .write import write_backward, write_forward, write_output, write_output_grad

# So many rows of output are made without a look at the memory that is free.
_FEW = 64


class ForwardPlan(Plan):
    """A plan with a forward pass of its own."""

    def forward(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Return the model's output, written into y if it is given.

        Parameters
        ----------
        x : array (N, *input_shape)
            Of the plan's dtype; from min_batch to capacity rows.
        y : array (N, *output_shape), optional
            C-contiguous, of the plan's dtype.
        """
        x = self._readable(x, self.input_shape, "x")
        y = self._output(len(x), y)
        with self.lock:
            kept = self._begin(len(x))
            if self._in_and_out:
                self.runner.run(0, len(x), (x, y))
            else:
                self._run("forward", input=x, output=y)
            kernels.add_one(self._counters)
            del kept
        return y

    def _output(self, batch: int, y: np.ndarray | None) -> np.ndarray:
        """Return the array for the output of so many samples, after a look at what the program would write."""
        if not self.min_batch <= batch <= self.capacity:
            raise StateError(
                f"forward: a plan for {self.min_batch} to {self.capacity} samples got {batch}"
            )
        shape = (batch, *self.output_shape)
        if y is None:
            few = batch <= _FEW
            return np.empty(shape, self.dtype) if few else allocate(shape, self.dtype, "the model's output")
        if y.shape != shape or y.dtype != self.dtype or not y.flags.carray:
            raise StateError(f"forward: y must be contiguous, {self.dtype} {shape}, got {y.dtype} {y.shape}")
        return y


class InferencePlan(ForwardPlan, kind="inference"):
    """A plan for predictions: one part, all layers in evaluation mode, weights packed until they change."""

    def _write(self, writer: Writer, forward: Forward) -> None:
        writer.part_name = "forward"
        write_forward(forward, input_stays=True)
        write_output(forward)
        writer.close_part()


class TwoPassPlan(ForwardPlan, kind="two passes"):
    """A plan for training in two parts, between which the caller computes a loss."""

    training = True

    def _write(self, writer: Writer, forward: Forward) -> None:
        writer.part_name = "forward"
        write_forward(forward, input_stays=False)
        write_output(forward)
        writer.close_part()
        writer.part_name = "backward"
        backward = self._backward(forward)
        self.parameter_grads = backward.parameter_grads
        write_output_grad(backward)
        write_backward(backward)
        writer.close_part()

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Add the gradients of all parameters; return the input's if the plan has it.

        dy is the gradient of the last forward pass's output, of the plan's dtype.
        """
        dy = self._readable(dy, self.output_shape, "dy")
        with self.lock:
            if self.batch != len(dy):
                raise StateError(f"backward: no forward pass of {len(dy)} samples came before")
            kept = self.runner.refresh()
            arrays, dx = {"output_grad": dy}, None
            if self.input_gradient:
                dx = allocate((self.batch, *self.input_shape), self.dtype, "backward: dx")
                arrays["input_grad"] = dx
            self._run("backward", **arrays)
            del kept
            for parameter, grad in self.parameter_grads:
                parameter.accumulate(grad.reshape(parameter.shape))
        return dx


class StepPlan(Plan, kind="step"):
    """A plan for a training step: forward pass, loss and backward pass in one part."""

    training = True

    def __init__(self, model: nn.Module, input_shape: tuple[int, ...], **options: Any) -> None:
        super().__init__(model, input_shape, **options)
        outside = [parameter for node in self.graph.nodes for parameter in node.outside_parameters]
        self.gradients = Gradients(self.executable, self.parameter_grads, model, outside)
        self._factor = 1.0
        ops = self.executable.writer.ops
        self._loss_op = next(i for i, op in enumerate(ops) if op.kernel == "cross_entropy")

    def _write(self, writer: Writer, forward: Forward) -> None:
        assert self.loss is not None
        writer.part_name = "step"
        losses.check(self.graph, self.loss)
        write_forward(forward, input_stays=True)
        backward = self._backward(forward)
        self.parameter_grads = backward.parameter_grads
        losses.write(forward, backward, self.loss)
        write_backward(backward)
        writer.close_part()

    def step(self, x: np.ndarray, target: np.ndarray, factor: float) -> np.ndarray:
        """Run forward, loss and backward pass; `gradients` has those of parameters then.

        Parameters
        ----------
        x : array (N, *input_shape)
            Of the plan's dtype; from min_batch to capacity rows.
        target : int64 array (N,)
            Classes, each in range or ignore_index.
        factor : float
            What the gradient of the sum of all losses is multiplied by.

        Returns
        -------
        float64 array (N, 2)
            Each image's loss, and 1 where the image was predicted right before the step, or 0.
        """
        x = self._readable(x, self.input_shape, "x")
        if not self.min_batch <= len(x) <= self.capacity:
            raise StateError(f"step: a plan for {self.min_batch} to {self.capacity} samples got {len(x)}")
        if target.shape != (len(x),) or target.dtype != np.int64 or not target.flags.c_contiguous:
            raise StateError(f"step: target must be int64 ({len(x)},), got {target.dtype} {target.shape}")
        results = np.empty((len(x), RESULTS))
        with self.lock:
            self.gradients.keep_handed_out()
            self.gradients.forget_outside()
            kept = self._begin(len(x))
            if factor != self._factor:
                self._factor = factor
                self.executable.program.set_scalar(self._loss_op, "factor", factor)
            self._run("step", input=x, target=target, results=results)
            kernels.add_one(self._counters)
            del kept
        return results
