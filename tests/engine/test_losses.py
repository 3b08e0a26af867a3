"""Every loss in a program: loss, gradients and what is right are those of eager mode, in both layouts."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan, StepPlan
from fastcnn.engine.nodes.loss import as_loss
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.ops._reduction import reduced

LAYOUTS = ("images", "channels")
TOLERANCE = {np.float32: 2e-4, np.float64: 1e-10}


class Pair(nn.Module):
    """Expected values and variances, as rows or as planes."""

    def __init__(self, *layers):
        super().__init__()
        self.body, self.mean, self.var = layers

    def forward(self, x):
        features = self.body(x)
        return self.mean(features), F.softplus(self.var(features))


def rows(classes=5, last=None):
    layers = [nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, classes)]
    return nn.Sequential(*layers, *([last] if last else []))


def planes(classes=5, last=None):
    layers = [nn.Conv2d(2, 7, 3, padding=1), nn.ReLU(), nn.Conv2d(7, classes, 1)]
    return nn.Sequential(*layers, *([last] if last else []))


def lines():
    return nn.Sequential(nn.Conv1d(2, 4, 3), nn.Tanh(), nn.Conv1d(4, 3, 1))


def pair_of_rows():
    return Pair(nn.Sequential(nn.Flatten(), nn.Linear(72, 8), nn.ReLU()), nn.Linear(8, 5), nn.Linear(8, 5))


def pair_of_planes():
    return Pair(
        nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU()), nn.Conv2d(8, 3, 1), nn.Conv2d(8, 3, 1)
    )


SHAPE, OF_LINES = (2, 6, 6), (2, 9)
RNG = np.random.default_rng(0)
WEIGHT, ONE_WEIGHT_0 = RNG.uniform(0.5, 2, 5), np.array([1, 0, 2, 0.5, 1])
ELEMENTWISE = {
    "mse": (lambda r: nn.MSELoss(r), "real"),
    "l1": (lambda r: nn.L1Loss(r), "real"),
    "smooth l1": (lambda r: nn.SmoothL1Loss(r, 0.5), "real"),
    "huber": (lambda r: nn.HuberLoss(r, 0.5), "real"),
    "logits": (lambda r: nn.BCEWithLogitsLoss(reduction=r), "unit"),
    "kl": (lambda r: nn.KLDivLoss(r), "unit"),
    "kl of logs": (lambda r: nn.KLDivLoss(r, log_target=True), "real"),
    "poisson": (lambda r: nn.PoissonNLLLoss(full=True, reduction=r), "count"),
    "soft margin": (lambda r: nn.SoftMarginLoss(r), "sign"),
    "hinge": (lambda r: nn.HingeEmbeddingLoss(0.5, r), "sign"),
}
# Model, sample, loss by reduction, targets.
CASES = {
    **{
        f"{name} of {kind.__name__}": (kind, OF_LINES if kind is lines else SHAPE, loss, target)
        for name, (loss, target) in ELEMENTWISE.items()
        for kind in (rows, planes, lines)
    },
    "bce of rows": (lambda: rows(5, nn.Sigmoid()), SHAPE, lambda r: nn.BCELoss(reduction=r), "unit"),
    "bce of planes": (
        lambda: planes(5, nn.Sigmoid()),
        SHAPE,
        lambda r: nn.BCELoss(WEIGHT[:, None, None], r),
        "unit",
    ),
    "weighted logits of rows": (
        rows,
        SHAPE,
        lambda r: nn.BCEWithLogitsLoss(WEIGHT, r, pos_weight=ONE_WEIGHT_0),
        "unit",
    ),
    "weighted logits of planes": (
        planes,
        SHAPE,
        lambda r: nn.BCEWithLogitsLoss(WEIGHT[:, None, None], r, WEIGHT[::-1, None, None]),
        "unit",
    ),
    "gaussian of rows": (
        pair_of_rows,
        SHAPE,
        lambda r: nn.GaussianNLLLoss(full=True, reduction=r),
        "real",
    ),
    "gaussian of planes": (
        pair_of_planes,
        SHAPE,
        lambda r: nn.GaussianNLLLoss(eps=0.5, reduction=r),
        "real",
    ),
    "classes": (rows, SHAPE, lambda r: nn.CrossEntropyLoss(WEIGHT, 1, r, 0.1), "class"),
    "pixels": (planes, SHAPE, lambda r: nn.CrossEntropyLoss(reduction=r), "class"),
    "weighted pixels": (planes, SHAPE, lambda r: nn.CrossEntropyLoss(WEIGHT, 1, r, 0.1), "class"),
    "classes of weight 0": (planes, SHAPE, lambda r: nn.CrossEntropyLoss(ONE_WEIGHT_0, reduction=r), "class"),
    "40 classes of pixels": (lambda: planes(40), SHAPE, lambda r: nn.CrossEntropyLoss(None, 3, r), "class"),
    "places of lines": (lines, OF_LINES, lambda r: nn.CrossEntropyLoss(None, 2, r), "class"),
    "soft classes": (rows, SHAPE, lambda r: nn.CrossEntropyLoss(reduction=r), "soft"),
    "soft weighted classes": (rows, SHAPE, lambda r: nn.CrossEntropyLoss(WEIGHT, -100, r, 0.2), "soft"),
    "soft pixels": (planes, SHAPE, lambda r: nn.CrossEntropyLoss(WEIGHT, -100, r, 0.2), "soft"),
    "soft planes that are a row": (
        lambda: planes(2, nn.Flatten()),
        SHAPE,
        lambda r: nn.CrossEntropyLoss(reduction=r),
        "soft",
    ),
    "planes that are a row": (
        lambda: planes(2, nn.Flatten()),
        SHAPE,
        lambda r: nn.CrossEntropyLoss(reduction=r),
        "class",
    ),
    "logarithms": (lambda: rows(5, nn.LogSoftmax(1)), SHAPE, lambda r: nn.NLLLoss(WEIGHT, 1, r), "class"),
    "numbers of pixels": (planes, SHAPE, lambda r: nn.NLLLoss(WEIGHT, 1, r), "class"),
    "margins": (rows, SHAPE, lambda r: nn.MultiMarginLoss(reduction=r), "class"),
    "weighted margins": (rows, SHAPE, lambda r: nn.MultiMarginLoss(2, 0.5, WEIGHT, r), "class"),
    "margins of 40": (lambda: rows(40), SHAPE, lambda r: nn.MultiMarginLoss(2, reduction=r), "class"),
}


def targets(kind, shape, dtype, rng):
    """Return targets for outputs (N, ...)."""
    if kind == "class":
        return rng.integers(0, shape[1], (shape[0], *shape[2:]))
    if kind == "soft":
        flat = rng.dirichlet(np.ones(shape[1]), (shape[0], *shape[2:]))
        return np.ascontiguousarray(np.moveaxis(flat, -1, 1), dtype)
    if kind == "unit":
        return rng.choice([0, 0.25, 1], shape).astype(dtype)
    if kind == "count":
        return rng.integers(0, 6, shape).astype(dtype)
    if kind == "sign":
        return rng.choice([-1, 1], shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def output_of(model, shape):
    found = model(np.zeros((1, *shape), next(model.parameters()).dtype))
    return (found[0] if isinstance(found, tuple) else found).shape[1:]


def weights_of(loss, dtype):
    """Let a loss have weights of a type, as eager mode wants them."""
    for name in ("weight", "pos_weight"):
        if getattr(loss, name, None) is not None:
            setattr(loss, name, getattr(loss, name).astype(dtype))
    return loss


def eager(model, loss, x, target, sample_weight):
    """Return loss and outputs; the model has the gradients."""
    model.zero_grad()
    outputs = model(x)
    value = loss(outputs, target, sample_weight)
    model.backward(loss.backward())
    return value, outputs


def step(model, shape, loss, x, target, sample_weight, layout):
    """Return loss and what is right, of a program of a layout."""
    spec = as_loss(loss, target, sample_weight is not None)
    plan = Plan(model, shape, training=True, batch_size=len(target), layout=layout, loss=spec)
    assert isinstance(plan, StepPlan)
    batch = spec.batch(loss, target, sample_weight, plan.graph)
    results = plan.step(x, batch.target, batch.factor, batch.others)
    plan.gradients.hand_out()
    total, count = results.sum(0)
    return reduced(total, loss.reduction, batch.divisor), spec.correct(count)


def right(loss, outputs, target):
    """Return how many rows are predicted right."""
    if target.ndim != 1 and target.dtype.kind == "f":
        is_row = isinstance(loss, nn.CrossEntropyLoss) and target.ndim == 2
        return np.count_nonzero(outputs.argmax(1) == target.argmax(1)) if is_row else 0
    hits = outputs.argmax(1) == target
    if target.ndim > 1:
        hits &= target != loss.ignore_index
    return np.count_nonzero(hits)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", CASES)
def test_a_step_is_that_of_eager_mode(isa, name, reduction):
    make, shape, loss_of, kind = CASES[name]
    for dtype in TOLERANCE:
        model = make().astype(dtype).initialize(seed=1).train()
        loss, of_sample = weights_of(loss_of(reduction), dtype), output_of(model, shape)
        for batch, weighted in ((1, False), (5, True), (19, False)):
            rng = np.random.default_rng(batch)
            x = rng.standard_normal((batch, *shape)).astype(dtype)
            target = targets(kind, (batch, *of_sample), dtype, rng)
            sample_weight = rng.choice([0, 0.5, 2.0], batch).astype(dtype) if weighted else None
            want, outputs = eager(model, loss, x, target, sample_weight)
            wanted = [p.grad.copy() for p in model.parameters()]
            for layout in LAYOUTS:
                model.zero_grad()
                found, correct = step(model, shape, loss, x, target, sample_weight, layout)
                np.testing.assert_allclose(found, want, rtol=TOLERANCE[dtype], err_msg=layout)
                assert correct == right(loss, outputs, target)
                for p, grad in zip(model.parameters(), wanted, strict=True):
                    floor = TOLERANCE[dtype] * max(1e-3, np.abs(grad).max())
                    np.testing.assert_allclose(p.grad, grad, rtol=0, atol=floor, err_msg=layout)


@pytest.mark.parametrize("name", CASES)
def test_nothing_falls_back_to_eager_mode(name):
    make, shape, loss_of, kind = CASES[name]
    model = make().double().train()
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, *shape))
    loss, target = loss_of("mean"), targets(kind, (3, *output_of(model, shape)), np.float64, rng)
    for weight in (None, np.ones(3)):
        assert fastcnn.compile(model).gradients(x, target, loss, sample_weight=weight) is not None


def refusals():
    """Yield (name, model, loss, target, weights, error): what both modes refuse with one message."""
    rng = np.random.default_rng(3)
    zeros, classes, pixels = np.zeros((4, 5)), np.array([0, 1, 2, 4]), rng.integers(0, 5, (4, 6, 6))
    far, wrong = zeros.copy(), pixels.copy()
    far[2, 3], wrong[1, 2, 3] = 1.5, 5
    yield "probabilities", rows, nn.BCELoss(), zeros, None, ArgumentError
    yield "targets", lambda: rows(5, nn.Sigmoid()), nn.BCELoss(), far, None, ArgumentError
    yield "types", rows, nn.MSELoss(), zeros.astype(np.float32), None, DTypeError
    yield "types of labels", rows, nn.CrossEntropyLoss(), zeros.astype(np.float32), None, DTypeError
    yield "shapes", rows, nn.L1Loss(), zeros[:, :4], None, ShapeError
    yield "shapes of planes", planes, nn.HuberLoss(), zeros, None, ShapeError
    yield "classes", rows, nn.MultiMarginLoss(), classes + 1, None, ArgumentError
    yield "classes below 0", rows, nn.NLLLoss(), classes - 1, None, ArgumentError
    yield "classes of pixels", planes, nn.CrossEntropyLoss(), wrong, None, ArgumentError
    yield "shapes of pixels", planes, nn.CrossEntropyLoss(), pixels[:, :5], None, ShapeError
    yield "no numbers", rows, nn.CrossEntropyLoss(), zeros * np.nan, None, ArgumentError
    yield "weights", rows, nn.BCEWithLogitsLoss(np.ones(4)), zeros, None, ShapeError
    yield "weights of classes", rows, nn.CrossEntropyLoss(np.ones(4)), classes, None, ShapeError
    for name, loss, target in (("", nn.MSELoss(), zeros), (" of classes", nn.CrossEntropyLoss(), classes)):
        yield f"below 0{name}", rows, loss, target, np.array([1.0, -1, 0, 1]), ArgumentError
        yield f"as many{name}", rows, loss, target, np.ones(3), ShapeError
        yield f"integers{name}", rows, loss, target, np.ones(4, int), DTypeError
        yield f"a list{name}", rows, loss, target, [1.0] * 4, DTypeError


@pytest.mark.parametrize("case", list(refusals()), ids=lambda case: case[0])
def test_both_modes_refuse_the_same(case):
    _, make, loss, target, sample_weight, error = case
    model = make().double().initialize(seed=1).train()
    x = np.random.default_rng(0).standard_normal((4, *SHAPE))
    with pytest.raises(error) as in_eager:
        loss(model(x), target, sample_weight)
    for parameter in model.parameters():
        parameter.grad = np.ones(parameter.shape)

    def train():
        # As the Trainer does: what there is no program for is left to eager mode.
        if fastcnn.compile(model).gradients(x, target, loss, sample_weight=sample_weight) is None:
            loss(model(x), target, sample_weight)

    with pytest.raises(error) as in_program:
        train()
    assert str(in_program.value) == str(in_eager.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_the_program_makes_is_refused_too(layout):
    """Probabilities, by how many of them are none; those of samples of weight 0 are not looked at."""
    model = nn.Sequential(nn.BatchNorm2d(3, eps=0.0).eval(), nn.Flatten()).double()
    x = np.full((5, 3, 2, 2), 0.5)
    x[1, 0, 1, 0], x[3, 2, 0, 0], x[3, 1, 0, 0] = -0.1, 1.1, 7
    target, loss = np.zeros((5, 12)), nn.BCELoss()
    for weight, count in ((None, 3), (np.array([1, 0.5, 1, 0, 1]), 1)):
        with pytest.raises(ArgumentError, match=f"got {count} elements") as in_eager:
            loss(model(x), target, weight)
        with pytest.raises(ArgumentError) as in_program:
            step(model, (3, 2, 2), loss, x, target, weight, layout)
        assert str(in_program.value) == str(in_eager.value)


def test_gradients_are_gone_after_a_refusal():
    model = rows().double().initialize(seed=1).train()
    x, compiled = np.random.default_rng(0).standard_normal((4, *SHAPE)), fastcnn.compile(model)
    assert compiled.gradients(x, np.zeros((4, 5)), nn.MSELoss())
    with pytest.raises(ArgumentError, match="binary_cross_entropy: input must lie in"):
        compiled.gradients(x, np.zeros((4, 5)), nn.BCELoss())
    assert all(p.grad is None for p in model.parameters())
    assert compiled.gradients(x, np.zeros((4, 5)), nn.MSELoss())
    assert all(np.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("name", CASES)
def test_the_result_is_that_of_any_threads(name):
    make, shape, loss_of, kind = CASES[name]
    model, rng = make().astype(np.float32).initialize(seed=1).train(), np.random.default_rng(5)
    loss = weights_of(loss_of("mean"), np.float32)
    x = rng.standard_normal((37, *shape)).astype(np.float32)
    target = targets(kind, (37, *output_of(model, shape)), np.float32, rng)
    for layout in LAYOUTS:
        found = []
        for threads in (1, 2, 3, 8):
            fastcnn.set_num_threads(threads)
            model.zero_grad()
            value = step(model, shape, loss, x, target, None, layout)[0]
            found.append([value, *(p.grad.copy() for p in model.parameters())])
        for other in found[1:]:
            for one, two in zip(found[0], other, strict=True):
                np.testing.assert_array_equal(one, two)


def test_ones_are_no_weights():
    for name in ("classes", "weighted pixels", "soft classes", "bce of planes", "margins"):
        make, shape, loss_of, kind = CASES[name]
        model, rng = make().double().initialize(seed=1).train(), np.random.default_rng(6)
        loss, x = loss_of("mean"), rng.standard_normal((7, *shape))
        target = targets(kind, (7, *output_of(model, shape)), np.float64, rng)
        compiled, found = fastcnn.compile(model), []
        for weight in (None, np.ones(7), np.ones(7, np.float32)):
            done = compiled.gradients(x, target, loss, sample_weight=weight)
            found.append([done[0], *(p.grad.copy() for p in model.parameters())])
        for other in found[1:]:
            for one, two in zip(found[0], other, strict=True):
                np.testing.assert_array_equal(one, two)


def test_a_sample_of_weight_0_may_have_any_values():
    model = nn.Sequential(nn.Linear(3, 2)).double()
    x, weight = np.ones((3, 3)), np.array([1, 0, 1.0])
    x[1] = np.inf
    for loss, target in (
        (nn.MSELoss(), np.zeros((3, 2))),
        (nn.CrossEntropyLoss(label_smoothing=0.1), np.array([0, 1, 1])),
        (nn.MultiMarginLoss(), np.array([0, 1, 1])),
    ):
        for layout in LAYOUTS:
            with np.errstate(all="ignore"):
                value, _ = step(model, (3,), loss, x, target, weight, layout)
            assert np.isfinite(value)


def test_a_loss_whose_arguments_change_is_followed():
    """Also within arrays, and of one object."""
    model, rng = rows().double().initialize(seed=1).train(), np.random.default_rng(8)
    x, target, compiled = (
        rng.standard_normal((4, *SHAPE)),
        rng.uniform(0, 1, (4, 5)),
        fastcnn.compile(model),
    )
    loss = nn.BCEWithLogitsLoss(np.ones(5))
    changes = (
        lambda: None,
        lambda: loss.weight.fill(2),
        lambda: setattr(loss, "pos_weight", np.full(5, 3.0)),
        lambda: setattr(loss, "reduction", "sum"),
        lambda: setattr(loss, "weight", None),
    )
    for change in changes:
        change()
        found = compiled.gradients(x, target, loss)[0]
        np.testing.assert_allclose(found, loss(model(x), target), rtol=1e-10)
    huber = nn.HuberLoss()
    for huber.delta in (1.0, 0.25):
        found = compiled.gradients(x, target, huber)[0]
        np.testing.assert_allclose(found, huber(model(x), target), rtol=1e-10)


def test_pairs_that_the_loss_has_no_program_for():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            y = F.sigmoid(self.layer(x))
            return y, y

    class Narrow(Pair):
        def forward(self, x):
            return self.mean(self.body(x)), F.softplus(self.var(self.body(x)))

    narrow = Narrow(nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 1))
    x, target = np.random.default_rng(0).standard_normal((4, 3)), np.zeros((4, 2))
    for model in (Twice(), narrow):
        model.double().train()
        loss = nn.GaussianNLLLoss()
        assert fastcnn.compile(model).gradients(x, target, loss) is None
        assert np.isfinite(loss(model(x), target))
        model.backward(loss.backward())
        assert all(p.grad is not None for p in model.parameters())


def random_case(rng, dtype):
    """Return a loss, outputs (N, C, H, W) or a pair of them, and targets; numbers may be as large as 1e4."""
    shape = int(rng.integers(1, 20)), int(rng.integers(1, 40)), *(int(n) for n in rng.integers(1, 6, 2))
    scale = float(rng.choice([1, 1, 30, 1e4]))
    x = (scale * rng.standard_normal(shape)).astype(dtype)
    x[rng.random(shape) < 0.1] = 0
    reduction = str(rng.choice(["mean", "sum"]))
    kind = str(rng.choice(["elements", "classes", "soft", "bce", "pair"]))
    of_class = rng.uniform(0, 2, shape[1]).astype(dtype) if rng.random() < 0.5 else None
    if kind == "elements":
        name = str(rng.choice([n for n in ELEMENTWISE if "poisson" not in n]))
        loss_of, target = ELEMENTWISE[name]
        return loss_of(reduction), (x,), targets(target, shape, dtype, rng)
    if kind == "bce":
        ends = rng.choice([0, 1, 1e-30, 0.5, 0.25], shape).astype(dtype)
        weight = None if of_class is None else of_class[:, None, None]
        return nn.BCELoss(weight, reduction), (ends,), rng.choice([0, 0.5, 1], shape).astype(dtype)
    if kind == "pair":
        var = rng.uniform(0, 2, shape).astype(dtype)
        return (
            nn.GaussianNLLLoss(eps=0.1, reduction=reduction),
            (x, var),
            x + targets("real", shape, dtype, rng),
        )
    smoothing = float(rng.choice([0, 0.1]))
    ignored = int(rng.integers(-1, 3)) if kind == "classes" else -1
    loss = nn.CrossEntropyLoss(of_class, ignored, reduction, smoothing)
    return loss, (x,), targets("class" if kind == "classes" else "soft", shape, dtype, rng)


class Same(nn.Module):
    """Its inputs, through fixed statistics that change nothing; shifts get the sums of gradients."""

    def __init__(self, channels, count):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels, eps=0.0).eval() for _ in range(count)])

    def forward(self, *inputs):
        outputs = tuple(norm(x) for norm, x in zip(self.norms, inputs, strict=True))
        return outputs if len(outputs) > 1 else outputs[0]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 2**32 - 1))
def test_any_shape_and_size_of_numbers(isa, seed):
    for dtype in TOLERANCE:
        rng = np.random.default_rng(seed)
        loss, inputs, target = random_case(rng, dtype)
        shape = inputs[0].shape[1:]
        weight = rng.choice([0, 0.5, 1], len(target)) if rng.random() < 0.5 else None
        model = Same(shape[0], len(inputs)).astype(dtype)
        given_inputs = inputs if len(inputs) > 1 else inputs[0]
        want = loss(given_inputs, target, weight)
        gradients = loss.backward()
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        shapes = (shape,) * len(inputs) if len(inputs) > 1 else shape
        for layout in LAYOUTS:
            found, correct = step(model, shapes, loss, given_inputs, target, weight, layout)
            np.testing.assert_allclose(found, want, rtol=10 * TOLERANCE[dtype], atol=1e-30)
            assert correct == right(loss, inputs[0], target)
            for norm, each in zip(model.norms, gradients, strict=True):
                total = each.astype(np.float64).sum((0, 2, 3))
                floor = TOLERANCE[dtype] * abs(each).sum() + 1e-30
                np.testing.assert_allclose(norm.bias.grad, total, rtol=0, atol=floor)


def test_weights_of_each_sample_and_arrays_of_any_kind():
    """What is broadcast to a batch, stepped, read-only or in another byte order is read as it is."""
    model, rng = planes(3).double().initialize(seed=1).train(), np.random.default_rng(9)
    x, compiled = rng.standard_normal((4, *SHAPE)), fastcnn.compile(model)
    target, weight = rng.uniform(0, 1, (4, 3, 6, 6)), rng.uniform(0.5, 2, (4, 1, 1, 6))
    loss = nn.BCEWithLogitsLoss(weight, pos_weight=weight[:, :, :, ::-1])
    want = loss(model(x), target)
    stepped = np.zeros((4, 6, 12, 6))
    stepped[:, ::2, ::2] = target
    frozen = target.copy()
    frozen.flags.writeable = False
    for each in (target, stepped[:, ::2, ::2], frozen, target.astype(">f8"), np.asfortranarray(target)):
        np.testing.assert_allclose(compiled.gradients(x, each, loss)[0], want, rtol=1e-10)
    pixels, loss = rng.integers(0, 3, (4, 6, 6)), nn.CrossEntropyLoss()
    want = loss(model(x), pixels)
    for each in (pixels.astype(np.uint8), np.asfortranarray(pixels), np.repeat(pixels, 2, 2)[:, :, ::2]):
        np.testing.assert_allclose(compiled.gradients(x, each, loss)[0], want, rtol=1e-10)


def test_probabilities_have_no_class_to_ignore():
    model, x = rows(3).double().initialize(seed=1).train(), np.zeros((4, *SHAPE))
    message = "cross_entropy: ignore_index must be below 0 with class probabilities, .*, got 1"
    with pytest.raises(ArgumentError, match=message):
        fastcnn.compile(model).gradients(x, np.ones((4, 3)), nn.CrossEntropyLoss(ignore_index=1))
