"""What docs/numbers.md says of each operation, as computations: a function for each row of its tables."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastcnn.nn.functional as F
from fastcnn import nn, ops, optim
from fastcnn._precision import within
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.nodes.loss import Loss, as_loss
from fastcnn.nn.utils import clip_grad_norm_, clip_grad_value_

# Sample 1 of 3 has the number at one place, and a large one at a second place beside it.
SHAPE, HERE, BESIDE = (3, 4, 6, 6), (1, 1, 2, 2), (1, 1, 2, 3)
ORDINARY, DY = 0.5, 0.25
COLUMNS = ("NaN", "inf", "-inf", "denormal", "denormal, kept", "large")


def number(column: str, dtype: Any) -> float:
    """Return the number of a column."""
    if column == "0":
        return 0.0
    small, large = (1e-40, 3e38) if np.dtype(dtype) == np.float32 else (1e-310, 1.7e308)
    known = {"denormal": small, "denormal, kept": small, "large": large}
    return float(np.dtype(dtype).type(known[column] if column in known else float(column)))


def images(column: str, dtype: Any) -> np.ndarray:
    """Return ordinary numbers, and that of the column among them."""
    x = np.full(SHAPE, ORDINARY, dtype)
    x[HERE] = number(column, dtype)
    if column == "large":
        x[BESIDE] = x[HERE]
    return x


class Computed(nn.Module):
    """A function of a value, with a parameter that nothing reads, for its type."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function, self.unread = function, nn.Parameter(np.zeros(1, np.float32))

    def forward(self, x: Any) -> Any:
        """Return the function's value."""
        return self.function(x)


def constant(layer: Any, value: float = 1.0) -> Any:
    """Return a layer whose weights are all the same."""
    for parameter in layer.parameters():
        parameter.data[...] = value
    return layer


class Row(NamedTuple):
    """An operation.

    Attributes
    ----------
    make : callable () -> Module
    at : tuple
        Which elements of what it computes the row is about.
    training : bool
        Whether the module is in training mode.
    """

    make: Callable[[], nn.Module]
    at: Any = HERE
    training: bool = False


def _of(function: Callable[[Any], Any], at: Any = HERE) -> Row:
    return Row(lambda: Computed(function), at)


# Where the number is behind a margin of 1, and one of four places where it is in an image of twice the size.
PADDED, DOUBLED = (1, 1, 3, 3), (1, 1, 4, 4)
WINDOW, SAMPLE, CHANNEL, GROUP = (1, 1, 1, 1), (1,), (slice(None), 1), (1, slice(2))
ACTIVATIONS = {
    "relu": _of(F.relu),
    "leaky_relu, slope 0.5": _of(lambda x: F.leaky_relu(x, 0.5)),
    "relu6": _of(F.relu6),
    "hardtanh": _of(F.hardtanh),
    "hardsigmoid": _of(F.hardsigmoid),
    "hardswish": _of(F.hardswish),
    "threshold 0.25, value 1": _of(lambda x: F.threshold(x, 0.25, 1.0)),
    "hardshrink": _of(F.hardshrink),
    "softshrink": _of(F.softshrink),
    "clamp to 0 .. 1": _of(lambda x: F.clamp(x, 0, 1)),
    "sigmoid": _of(F.sigmoid),
    "logsigmoid": _of(F.logsigmoid),
    "softplus": _of(F.softplus),
    "softsign": _of(F.softsign),
    "tanh": _of(F.tanh),
    "tanhshrink": _of(F.tanhshrink),
    "elu, celu": _of(F.elu),
    "selu": _of(F.selu),
    "silu": _of(F.silu),
    "mish": _of(F.mish),
    "gelu": _of(F.gelu),
    "gelu, tanh": _of(lambda x: F.gelu(x, "tanh")),
    "erf": _of(F.erf),
    "exp": _of(F.exp),
    "sqrt": _of(F.sqrt),
}
VALUES = {
    **ACTIVATIONS,
    "x + 1": _of(lambda x: x + 1),
    "x - x": _of(lambda x: x - x),
    "2 x": _of(lambda x: 2 * x),
    "0 x": _of(lambda x: 0 * x),
    "x x": _of(lambda x: x * x),
    "1 / x": _of(lambda x: 1 / x),
    "x ** 0 (eager)": _of(lambda x: x**0),
    "cat, split, pad, reshape, slices": _of(
        lambda x: F.pad(F.cat(F.split(x, 2, 1), 1).reshape(-1, 4, 6, 6)[:, :], (0, 0, 0, 0))
    ),
    "sum over pixels": _of(lambda x: x.sum((2, 3)), (1, 1)),
    "mean over pixels": _of(lambda x: x.mean((2, 3)), (1, 1)),
    "amax over pixels": _of(lambda x: x.amax((2, 3)), (1, 1)),
    "max_pool2d": _of(lambda x: F.max_pool2d(x, 2), WINDOW),
    "adaptive_max_pool2d": _of(lambda x: F.adaptive_max_pool2d(x, 3), WINDOW),
    "avg_pool2d": _of(lambda x: F.avg_pool2d(x, 2), WINDOW),
    "pad, reflect": _of(lambda x: F.pad(x, (1, 1, 1, 1), "reflect"), PADDED),
    "interpolate, nearest": _of(lambda x: F.interpolate(x, scale_factor=2), DOUBLED),
    "interpolate, bilinear": _of(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), DOUBLED),
    "adaptive_avg_pool2d": _of(lambda x: F.adaptive_avg_pool2d(x, 3), WINDOW),
    "conv2d, weights 1": Row(lambda: constant(nn.Conv2d(4, 5, 3)), (1, slice(None), 1, 1)),
    "linear, weights -1": Row(lambda: nn.Sequential(nn.Flatten(), constant(nn.Linear(144, 3), -1.0)), SAMPLE),
    "softmax, that class": _of(lambda x: F.softmax(F.flatten(x, 1), 1), (1, 36 + 14)),
    "softmax, another class": _of(lambda x: F.softmax(F.flatten(x, 1), 1), (1, 0)),
    "log_softmax, that class": _of(lambda x: F.log_softmax(F.flatten(x, 1), 1), (1, 36 + 14)),
    "log_softmax, another class": _of(lambda x: F.log_softmax(F.flatten(x, 1), 1), (1, 0)),
    "BatchNorm2d, evaluation": Row(lambda: nn.BatchNorm2d(4)),
    "BatchNorm2d, training": Row(lambda: nn.BatchNorm2d(4), CHANNEL, True),
    "GroupNorm, that group": Row(lambda: nn.GroupNorm(2, 4), GROUP),
    "GroupNorm, another group": Row(lambda: nn.GroupNorm(2, 4), (1, slice(2, 4))),
    "InstanceNorm2d, that channel": Row(lambda: nn.InstanceNorm2d(4, affine=True), (1, 1)),
    "LayerNorm, that row": Row(lambda: nn.LayerNorm(6), (1, 1, 2)),
    "LocalResponseNorm(3)": Row(lambda: Computed(nn.LocalResponseNorm(3))),
    "LocalResponseNorm(3), its neighbours": Row(
        lambda: Computed(nn.LocalResponseNorm(3)), (1, slice(0, 3, 2), 2, 2)
    ),
    "PReLU, slope 0.25": Row(lambda: nn.PReLU(4)),
    "BatchNorm2d, training, and PReLU": Row(
        lambda: nn.Sequential(nn.BatchNorm2d(4), nn.PReLU(4)), CHANNEL, True
    ),
    "x + x, and PReLU": Row(lambda: nn.Sequential(nn.Residual(nn.Identity()), nn.PReLU(4))),
    "conv2d, weights 1, and PReLU": Row(
        lambda: nn.Sequential(constant(nn.Conv2d(4, 5, 3)), nn.PReLU()), (1, slice(None), 1, 1)
    ),
    "conv_transpose2d, weights 1": Row(lambda: constant(nn.ConvTranspose2d(4, 5, 3)), (1, slice(None), 3, 3)),
    "Dropout(p=1), training": Row(lambda: Computed(nn.Dropout(1.0)), HERE, True),
    "Dropout2d(p=1), training": Row(lambda: Computed(nn.Dropout2d(1.0)), HERE, True),
    "AlphaDropout(p=1), training": Row(lambda: Computed(nn.AlphaDropout(1.0)), HERE, True),
}
GRADIENTS = {
    **ACTIVATIONS,
    "x x": VALUES["x x"],
    "x ** 0 (eager)": VALUES["x ** 0 (eager)"],
    "amax over pixels": VALUES["amax over pixels"],
    "max_pool2d": VALUES["max_pool2d"],
    "adaptive_max_pool2d": VALUES["adaptive_max_pool2d"],
    "avg_pool2d": VALUES["avg_pool2d"],
    "pad, reflect": VALUES["pad, reflect"],
    "interpolate, bilinear": VALUES["interpolate, bilinear"],
    "conv2d, weights 1": VALUES["conv2d, weights 1"],
    "softmax": _of(lambda x: F.softmax(F.flatten(x, 1), 1)),
    "log_softmax": _of(lambda x: F.log_softmax(F.flatten(x, 1), 1)),
    "BatchNorm2d, evaluation": VALUES["BatchNorm2d, evaluation"],
    "BatchNorm2d, training": VALUES["BatchNorm2d, training"],
    "GroupNorm": VALUES["GroupNorm, that group"],
    "InstanceNorm2d": VALUES["InstanceNorm2d, that channel"],
    "LayerNorm": VALUES["LayerNorm, that row"],
    "LocalResponseNorm(3)": VALUES["LocalResponseNorm(3)"],
    "PReLU, slope 0.25": VALUES["PReLU, slope 0.25"],
    "BatchNorm2d, training, and PReLU": VALUES["BatchNorm2d, training, and PReLU"],
    "x + x, and PReLU": VALUES["x + x, and PReLU"],
    "conv_transpose2d, weights 1": VALUES["conv_transpose2d, weights 1"],
}


def run(
    row: Row, column: str, dtype: Any, how: str, gradient: bool, precision: str = "highest"
) -> np.ndarray:
    """Compute a row eagerly, or as a program with one of the layouts; return the elements it is about."""
    model, x = row.make().astype(dtype), images(column, dtype)
    if isinstance(model, nn.BatchNorm2d):
        model.eps = 0.0
    model.train(row.training)
    if how == "eager":
        with within(precision):
            y = model(x)
            found = model.backward(np.full(y.shape, DY, dtype)) if gradient else y
    else:
        training = gradient or row.training
        options = {"layout": how, "batch_size": len(x), "wanted": Wanted(precision)}
        plan = Plan(model, SHAPE[1:], training=training, input_gradient=training, **options)
        y = plan.forward(x)
        found = plan.backward(np.full(y.shape, DY, dtype)) if gradient else y
    return np.atleast_1d(found[(CHANNEL if row.at == CHANNEL else HERE) if gradient else row.at])


def _logits(column: str, dtype: Any, place: int) -> np.ndarray:
    x = np.full((2, 5), ORDINARY, dtype)
    x[1, place] = number(column, dtype)
    return x


TARGET, NO_WEIGHT = np.array([0, 3]), np.array([1.0, 1, 1, 0, 1])


class LossRow(NamedTuple):
    """Cross-entropy of two samples, where a logit of the second one has the number."""

    place: int
    smoothing: float = 0.0
    weighted: bool = False

    def run(
        self, column: str, dtype: Any, how: str, precision: str = "highest"
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the loss of both, and the gradient of the second one's logits, unless it is a program's."""
        weight = NO_WEIGHT.astype(dtype) if self.weighted else None
        x = _logits(column, dtype, self.place)
        if how == "eager":
            loss, grad = ops.cross_entropy(x, TARGET, weight, -100, "sum", self.smoothing)
            return np.atleast_1d(loss), grad[1]
        # A normalisation with fixed statistics, which has parameters and changes nothing.
        model = nn.Sequential(nn.BatchNorm2d(5, eps=0.0).eval(), nn.Flatten()).astype(dtype)
        loss_of = Loss(None if weight is None else tuple(weight.tolist()), -100, self.smoothing)
        options = {"layout": how, "batch_size": 2, "wanted": Wanted(precision)}
        plan = Plan(model, (5, 1, 1), training=True, loss=loss_of, **options)
        return plan.step(x.reshape(2, 5, 1, 1), TARGET, 1.0)[:, 0].sum(keepdims=True), None


LOSSES: dict[str, Any] = {
    "cross_entropy, the target's logit": LossRow(3),
    "cross_entropy, another logit": LossRow(1),
    "cross_entropy with label_smoothing, another logit": LossRow(1, smoothing=0.1),
    "cross_entropy, a target of weight 0": LossRow(3, weighted=True),
}


def nll(column: str, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return loss and gradient of nll_loss."""
    loss, grad = ops.nll_loss(_logits(column, dtype, 3), TARGET, reduction="sum")
    return np.atleast_1d(loss), grad[1]


ARRAY_LOSSES = {"nll_loss, the target's log-probability": nll}


class Outputs(nn.Module):
    """Rows as they are, and of a pair of inputs both."""

    def __init__(self) -> None:
        super().__init__()
        # With fixed statistics it has parameters and changes nothing.
        self.same = nn.Sequential(nn.BatchNorm2d(5, eps=0.0).eval(), nn.Flatten())

    def forward(self, *inputs: Any) -> Any:
        """Return what came in."""
        outputs = tuple(self.same(x) for x in inputs)
        return outputs if len(outputs) > 1 else outputs[0]


class ElementRow(NamedTuple):
    """A loss of single elements, or of margins, where a number of the second sample is that of the column."""

    loss: Callable[[], Any]
    target: float = 0.0
    pair: bool = False

    def run(
        self, column: str, dtype: Any, how: str, precision: str = "highest"
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the loss of both, and the gradient of the number, unless it is a program's."""
        loss, x = self.loss(), _logits(column, dtype, 3)
        classes = isinstance(loss, nn.MultiMarginLoss)
        target = TARGET if classes else np.full((2, 5), self.target, dtype)
        given = (x,)
        if self.pair:
            given = (x, np.ones_like(x))
        if how == "eager":
            value = loss(given if self.pair else x, target)
            grads = loss.backward()
            return np.atleast_1d(value), (grads[0] if self.pair else grads)[1, 3:4]
        shapes = ((5, 1, 1),) * 2 if self.pair else (5, 1, 1)
        spec = as_loss(loss, target)
        model = Outputs().astype(dtype)
        options = {"layout": how, "batch_size": 2, "wanted": Wanted(precision)}
        plan = Plan(model, shapes, training=True, loss=spec, **options)
        batch = spec.batch(loss, target, None, plan.graph)
        planes = tuple(each.reshape(2, 5, 1, 1) for each in given)
        results = plan.step(planes if self.pair else planes[0], batch.target, batch.factor, batch.others)
        return results[:, 0].sum(keepdims=True) / batch.divisor, None


LOSSES |= {
    "mse_loss": ElementRow(nn.MSELoss),
    "l1_loss": ElementRow(nn.L1Loss),
    "smooth_l1_loss": ElementRow(nn.SmoothL1Loss),
    "huber_loss": ElementRow(nn.HuberLoss),
    "binary_cross_entropy_with_logits, target 0": ElementRow(nn.BCEWithLogitsLoss),
    "binary_cross_entropy_with_logits, target 1": ElementRow(nn.BCEWithLogitsLoss, 1.0),
    "kl_div, target 0.5": ElementRow(nn.KLDivLoss, 0.5),
    "gaussian_nll_loss": ElementRow(nn.GaussianNLLLoss, pair=True),
    "poisson_nll_loss, target 1": ElementRow(nn.PoissonNLLLoss, 1.0),
    "soft_margin_loss, target 1": ElementRow(nn.SoftMarginLoss, 1.0),
    "hinge_embedding_loss, target 1": ElementRow(nn.HingeEmbeddingLoss, 1.0),
    "multi_margin_loss, the target's score": ElementRow(nn.MultiMarginLoss),
}


class StepRow(NamedTuple):
    """A step with three gradients, of which the second has the number."""

    make: Callable[[Any], Any]
    before: Callable[[Any], Any] = lambda parameters: None

    def run(self, column: str, dtype: Any) -> np.ndarray:
        """Return the three values after it."""
        parameter = nn.Parameter(np.full(3, ORDINARY, dtype))
        parameter.grad = np.array([DY, number(column, dtype), DY], dtype)
        self.before([parameter])
        self.make([parameter]).step()
        return parameter.data


STEPS = {
    "SGD": StepRow(lambda p: optim.SGD(p, lr=1.0)),
    "SGD with momentum": StepRow(lambda p: optim.SGD(p, lr=1.0, momentum=0.9)),
    "Adam, AdamW": StepRow(lambda p: optim.Adam(p, lr=1.0)),
    "NAdam": StepRow(lambda p: optim.NAdam(p, lr=1.0)),
    "RAdam": StepRow(lambda p: optim.RAdam(p, lr=1.0)),
    "Adamax": StepRow(lambda p: optim.Adamax(p, lr=1.0)),
    "RMSprop": StepRow(lambda p: optim.RMSprop(p, lr=1.0)),
    "Adagrad": StepRow(lambda p: optim.Adagrad(p, lr=1.0)),
    "Adadelta": StepRow(lambda p: optim.Adadelta(p, lr=1.0)),
    "Lion": StepRow(lambda p: optim.Lion(p, lr=1.0)),
    "clip_grad_norm_": StepRow(lambda p: optim.SGD(p, lr=1.0), lambda p: clip_grad_norm_(p, 1.0)),
    "clip_grad_value_": StepRow(lambda p: optim.SGD(p, lr=1.0), lambda p: clip_grad_value_(p, 1.0)),
}
