"""The base of every layer: parameters, buffers, children, and the two passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from .. import graph
from .._samples import Outputs, OutputShape, Samples
from ..errors import ShapeError
from . import calls, hooks, passes, passive, prediction
from .passive import observe as observe  # for those who know it by this name
from .sample import check_shapes, zeros
from .weights import Weights

if TYPE_CHECKING:
    from .drawing import Drawing

T = TypeVar("T", bound="Module")

# Where the engine keeps a model's plans, so that they end with it: the one name in a module's __dict__ that
# no copy and no pickle takes along.
PLANS = "_plans"


def _overridable(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let type checkers take a backward of a subclass that has fewer arguments."""
    return method


class Module(Weights["Module"]):
    """Base of layers and networks.

    A module defines ``forward``. Made of layers, of functions in `fastcnn.nn.functional` and of operators, it
    needs no more: called as ``model(x)`` it is recorded, and ``model.backward(dy)`` adds the gradients of its
    parameters and returns that of its input. Assigning a Parameter or a Module to an attribute registers it.

    A module can also define a ``backward(dy) -> dx`` of its own. Its passes see arrays: forward keeps in
    ``self.saved`` what backward needs, and backward adds the gradients of the parameters with
    ``parameter.accumulate(...)``.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self, channels):
    ...         super().__init__()
    ...         self.weight = Parameter(np.ones((channels, 1, 1), np.float32))
    ...
    ...     def forward(self, x):
    ...         return x * self.weight
    """

    # Whether the output needs no memory of its own: it can overwrite the input, or is another view of it.
    _reuses_input = False
    # Whether the class has a backward of its own.
    _opaque = False

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["training"] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "backward" in own:
            cls._opaque = True
            cls.backward = passes.in_call(cls.backward)  # type: ignore[method-assign]
        elif "forward" in own and not cls._opaque:
            cls.forward = passes.for_super(cls.forward)  # type: ignore[method-assign]

    def __getstate__(self) -> dict[str, Any]:
        # A copy makes its own plans.
        return {name: value for name, value in self.__dict__.items() if name != PLANS}

    # The two passes ---------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run forward, and keep what backward needs until the next call; `input` is the first argument."""
        y = passes.run(self, args, kwargs, self._opaque or "backward" in self.__dict__)
        passive.report(self, (args, kwargs), y)
        return y

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for an input."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    @_overridable
    def backward(self, dy: Any, *, input_gradient: bool = True) -> Any:
        """Return the gradient for the input of the latest call in this thread; add those of the parameters.

        Parameters
        ----------
        dy : array, or tuple of arrays for several outputs
            Gradient of the loss with respect to the output.
        input_gradient : bool
            Whether the gradient for the input is wanted; else None is returned, and what lies before the
            first trained layer has no backward pass.

        Raises
        ------
        StateError
            If there was no call.
        """
        return passes.derived(self, dy, input_gradient)

    @property
    def saved(self) -> Any:
        """What forward kept for backward, in this thread's present or latest call; StateError without one."""
        return calls.saved(self)

    @saved.setter
    def saved(self, value: Any) -> None:
        calls.save(self, value)

    @property
    def training(self) -> bool:
        """Whether the module is in training mode; never within a prediction."""
        mode = calls.mode()
        return self.__dict__["training"] if mode is None else mode

    @training.setter
    def training(self, mode: bool) -> None:
        self.__dict__["training"] = mode

    def predict(
        self,
        x: Samples,
        batch_size: int = 256,
        *,
        engine: bool = True,
        precision: str | None = None,
        tta: str | None = None,
    ) -> Outputs:
        """Return the outputs for x (N, ...) in evaluation mode; the module's own modes stay as they are.

        Threads may predict with one model at the same time, each with memory of its own for what lies between
        input and output. One that finds other weights than the last one did packs them when the others have
        finished their batches.

        Parameters
        ----------
        x : array (N, ...), or tuple or list of such arrays
            Inputs; several arrays, of equal length, are the arguments of forward.
        batch_size : int
            How many are computed at a time.
        engine : bool
            Whether to run the compiled program: fast, and a row's outputs are the same to the bit whatever
            batch it is in. With False, or where the engine does not take the module or the input, layer
            after layer runs.
        precision : {"highest", "high", "medium"}, optional
            Of float32 products; see `fastcnn.set_float32_matmul_precision`, whose choice None
            takes.
        tta : str, optional
            Return the mean of the outputs (logits, say) over views: "flip", "shift=2" or "flip,shift=2". Maps
            of the image's size are moved back first, see `fastcnn.nn.views`.

        Returns
        -------
        array (N, ...), or tuple, list or dict of such arrays
            What forward returns, for all samples.

        Raises
        ------
        DTypeError, ShapeError
            If x is no array, several differ in length or are not as many as forward takes, or the outputs of
            several batches cannot be put together.
        """
        return prediction.predict(self, x, batch_size, engine, precision, tta)

    # Hooks ------------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        """Call ``hook(module, args)`` before each forward pass.

        Hooks see arrays. What one returns, if not None, stands in the place of what it was given; such a call
        has no backward pass. A model with hooks runs eagerly.
        """
        return hooks.register(self, hooks.FORWARD_PRE, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        """Call ``hook(module, args, output)`` after each forward pass; see `register_forward_pre_hook`."""
        return hooks.register(self, hooks.FORWARD, hook)

    def register_full_backward_hook(self, hook: Callable[..., Any]) -> hooks.RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)``, of tuples, in each backward pass.

        What it returns, if not None, is the gradient for the inputs. A model with hooks runs eagerly.
        """
        return hooks.register(self, hooks.BACKWARD, hook)

    # Modes, and a call for each module --------------------------------------------------------------

    def train(self: T, mode: bool = True) -> T:
        """Switch to training mode (batch statistics, dropout), or with False to evaluation."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: T) -> T:
        """Switch to evaluation mode."""
        return self.train(False)

    def apply(self: T, fn: Callable[[Module], object]) -> T:
        """Call ``fn(module)`` for every module below this one, children first, and for this one."""
        for module in dict.fromkeys(self.children()):
            module.apply(fn)
        fn(self)
        return self

    # Description ------------------------------------------------------------------------------------

    def output_shape(self, input_shape: tuple[int, ...] | Sequence[tuple[int, ...]]) -> OutputShape:
        """Return the shape of the output for an input of this shape (N, ...), or for several of these shapes.

        One zero sample is run through the module in evaluation mode; nothing changes by it. The shapes of
        several outputs stand where forward returns these.
        """
        shapes = check_shapes(input_shape, "output_shape: input_shape", "(N, ...)", 0)
        batch = shapes[0][0]
        for i, shape in enumerate(shapes):
            if shape[0] != batch:
                raise ShapeError(
                    f"output_shape: input_shape[{i}] is for {shape[0]} samples and input_shape[0] for {batch}"
                )
        sample = zeros(self, [shape[1:] for shape in shapes], "output_shape: the sample")
        with calls.passive():
            outputs = prediction.call(self, sample)
        return graph.replaced(outputs, lambda y: y if y is None else (batch, *y.shape[1:]))

    def summary(
        self,
        input_shape: tuple[int, ...] | Sequence[tuple[int, ...]],
        *,
        optimizer: Any = None,
        loss: Any = None,
        format: str = "text",
        columns: Sequence[str] | None = None,
    ) -> str:
        """Return a table of the layers for an input (C, H, W): shapes, costs, receptive fields, memory.

        Parameters
        ----------
        input_shape : (C, H, W), or list of shapes
            Of a sample; of several inputs a list, such as ``[(1, 28, 28), (10,)]``.
        optimizer, loss : optional
            Shown below the table with their settings.
        format : "text" (a table in notebooks), "markdown" or "json"
        columns : sequence of str, optional
            See `fastcnn.nn.summary.Summary.show`.
        """
        from .summary import summarize  # which training and prediction do without

        return summarize(self, input_shape, optimizer=optimizer, loss=loss).show(format, columns)

    def draw_graph(
        self, input_shape: Any, path: str | PathLike[str] | None = None, *, name: str = ""
    ) -> Drawing:
        """Draw what the module does with a sample: operations, blocks, branches, joins, shapes, parameters.

        One zero sample is run through the module in evaluation mode. A module with a backward of its own is
        one box.

        Parameters
        ----------
        input_shape : (C, H, W), or a list of such tuples
            Of a sample; for each input, where there are several.
        path : str or path, optional
            Where to write it: .svg, or .dot, .gv (Graphviz) and .mmd (Mermaid), which others lay out.
        name : str
            Title of the picture. Default: the class.

        Returns
        -------
        Drawing
            Notebooks show it; ``show(format)`` returns it as text, ``save(path)`` writes it.

        Raises
        ------
        ShapeError, DTypeError
            If input_shape is something else, or does not fit the module.
        ArgumentError
            If the suffix of path names no format, or no output depends on an input.
        StateError
            If forward let NumPy compute, so that what depends on what is not known.
        """
        from .drawing import draw  # which training and prediction do without

        return draw(self, input_shape, path, name)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return ""

    def __repr__(self) -> str:
        name = type(self).__name__
        if not self._modules:
            return f"{name}({self.extra_repr()})"
        lines = [f"  ({key}): " + repr(child).replace("\n", "\n  ") for key, child in self._modules.items()]
        return "\n".join([f"{name}(", *lines, ")"])
