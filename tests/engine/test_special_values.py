"""Numbers that are not finite, in programs: as in eager mode, and in no other image than their own."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import data, nn
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.choose import takes_channels
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.loss import Loss

from .._kernels.helpers import flushing
from ..ops.test_special_values import cross_entropy_by_hand

DTYPES = (np.float32, np.float64)
SHAPE = (4, 7, 6)
# The bias of a convolution before a normalisation in training has a gradient of 0 in programs, see the page.
MODELS = {
    "activations": lambda: [nn.Conv2d(4, 5, 3), nn.LeakyReLU(0.1), nn.Conv2d(5, 3, 1), nn.Sigmoid()],
    "padding": lambda: [nn.Conv2d(4, 17, 3, padding=1), nn.ReLU(), nn.Conv2d(17, 3, 3, 2, 1)],
    "depthwise": lambda: [nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 6, 5, padding=2, groups=2)],
    "dilation": lambda: [nn.Conv2d(4, 9, 3, padding=2, dilation=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)],
    "max-pools": lambda: [nn.Conv2d(4, 4, 1), nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(2, 1, 0, (1, 2))],
    "averages": lambda: [nn.Conv2d(4, 4, 1), nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d((2, 1))],
    "normalised": lambda: [nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 2, 1)],
    "normalised, pooled": lambda: [
        *(nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(24, 3)),
    ],
    "ReLU, normalised": lambda: [nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(6)],
    "residual": lambda: [
        nn.Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())),
        nn.DenseResidual(nn.Conv2d(4, 3, 3, padding=1)),
    ],
    "classifier": lambda: [
        *(nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 9, 3), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(9, 21), nn.LogSoftmax(1)),
    ],
    "probabilities": lambda: [nn.Conv2d(4, 2, (7, 6)), nn.Flatten(), nn.Softmax(1)],
}
APART = [n for n in MODELS if "BatchNorm2d" not in str(nn.Sequential(*MODELS[n]()))]
KINDS = {"nan": [np.nan], "inf": [np.inf], "minus-inf": [-np.inf], "mixed": [np.nan, np.inf, -np.inf, 0.0]}


def network(name, dtype=np.float32):
    return nn.Sequential(*MODELS[name]()).initialize("kaiming_normal", seed=3).astype(dtype)


def images(batch, dtype=np.float32, shape=SHAPE):
    return np.random.default_rng(batch).standard_normal((batch, *shape)).astype(dtype)


def spoiled(batch, kind, dtype):
    """Return images, some of whose numbers are not finite."""
    x, rng = images(batch, dtype), np.random.default_rng(1)
    where = rng.random(x.shape) < 0.04
    x[where] = rng.choice(KINDS[kind], where.sum())
    return x


def layouts(model):
    return ("images", "channels") if takes_channels(lower(model, SHAPE)) else ("images",)


def assert_same(got, want, dtype, what):
    """The same numbers are NaN, inf and -inf, and the finite ones are near."""
    for kind in (np.isnan, np.isposinf, np.isneginf):
        np.testing.assert_array_equal(kind(got), kind(want), err_msg=f"{what}: {kind.__name__}")
    finite = np.isfinite(want)
    tolerance = 2e-4 if dtype == np.float32 else 1e-9
    scale = np.abs(want[finite]).max(initial=1)
    np.testing.assert_allclose(got[finite], want[finite], rtol=0, atol=tolerance * scale, err_msg=what)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_as_in_eager_mode(isa, name, kind):
    """Outputs, gradients and statistics, in both layouts, of full and of partial vectors."""
    for dtype, batch in ((np.float32, 5), (np.float32, 17), (np.float64, 9)):
        model, x = network(name, dtype), spoiled(batch, kind, dtype)
        for layout in layouts(model):
            options = {"batch_size": batch, "layout": layout, "wanted": Wanted("highest")}
            predicted = Plan(model.eval(), SHAPE, training=False, **options).forward(x)
            assert_same(predicted, model.predict(x, engine=False), dtype, f"{layout}: prediction")
            trained, reference = copy.deepcopy(model).train(), copy.deepcopy(model).train()
            plan = Plan(trained, SHAPE, training=True, input_gradient=True, **options)
            y, want = plan.forward(x), reference(x)
            assert_same(y, want, dtype, f"{layout}: output")
            dy = np.random.default_rng(6).standard_normal(want.shape).astype(dtype)
            assert_same(plan.backward(dy), reference.backward(dy), dtype, f"{layout}: dx")
            both = zip(trained.named_parameters(), reference.parameters(), strict=True)
            for (parameter, p), q in both:
                assert_same(p.grad, q.grad, dtype, f"{layout}: {parameter}")
            for (buffer, p), (_, q) in zip(trained.named_buffers(), reference.named_buffers(), strict=True):
                assert_same(p, q, dtype, f"{layout}: {buffer}")


@pytest.mark.parametrize("wanted", [Wanted("highest"), Wanted("high", "winograd")], ids=["highest", "high"])
@pytest.mark.parametrize("name", MODELS)
def test_an_image_does_not_touch_another(isa, name, wanted):
    """Nor does it touch the next batch of the same program, of any size; all to the bit."""
    model = network(name).eval()
    for layout in layouts(model) if wanted.precision == "highest" else layouts(model)[1:]:
        options = {"batch_size": 33, "layout": layout, "wanted": wanted}
        used, fresh = (Plan(model, SHAPE, training=False, **options) for _ in range(2))
        for batch in (33, 17, 16, 5, 3, 2, 1):
            x = images(batch)
            want = fresh.forward(x).copy()
            for value in (np.nan, np.inf, 3e38):
                for place in {0, batch // 2, batch - 1}:
                    given, others = x.copy(), np.arange(batch) != place
                    given[place] = value
                    assert used.forward(given)[others].tobytes() == want[others].tobytes()
            used.forward(np.full_like(x, np.nan))
            assert used.forward(x).tobytes() == want.tobytes()


@pytest.mark.parametrize("name", APART)
def test_a_step_of_training_leaves_nothing_behind(name):
    """Outputs for the other images, and all gradients of the next step, to the bit."""
    for batch in (5, 17):
        model, x = network(name).train(), images(batch)
        given, others = x.copy(), np.arange(batch) != 1
        given[1] = np.nan
        for layout in layouts(model):
            options = {"training": True, "input_gradient": True, "batch_size": batch, "layout": layout}
            models = copy.deepcopy(model), copy.deepcopy(model)
            used, fresh = (Plan(each, SHAPE, **options) for each in models)
            want = fresh.forward(x).copy()
            dy = np.ones_like(want)
            dx = fresh.backward(dy).copy()
            assert used.forward(given)[others].tobytes() == want[others].tobytes()
            assert used.backward(dy)[others].tobytes() == dx[others].tobytes()
            models[0].zero_grad()
            assert used.forward(x).tobytes() == want.tobytes()
            assert used.backward(dy).tobytes() == dx.tobytes()
            for p, q in zip(*(each.parameters() for each in models), strict=True):
                assert p.grad.tobytes() == q.grad.tobytes()


def test_winograd_spreads_a_number_over_its_tiles_and_no_further(isa):
    """An output within the 3x3 around it is not finite; whole tiles of 4x4 may be, and none beyond those."""
    model = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1)).initialize(seed=0).eval()
    options = {"wanted": Wanted("high", "winograd"), "layout": "channels", "batch_size": 3}
    for value in (np.nan, np.inf):
        x = images(3, shape=(16, 12, 12))
        plan = Plan(model, x.shape[1:], training=False, **options)
        want = plan.forward(x).copy()
        x[1, 2, 5, 5] = value
        y = plan.forward(x)
        touched = ~np.isfinite(y)
        assert touched[1, :, 4:7, 4:7].all()
        tiles = touched[1].any(0)
        assert not tiles[:, 8:].any()  # two tiles in each direction read pixel (5, 5)
        assert not tiles[8:].any()
        assert np.isnan(y[touched]).all()
        np.testing.assert_array_equal(y[~touched], want[~touched])


@pytest.mark.parametrize("layers", ["pooled", "apart"])
def test_fixed_statistics_give_finite_gradients(layers, isa):
    """dx = scale dy, whatever x is."""
    pool = [nn.MaxPool2d(2)] if layers == "pooled" else []
    for dtype in DTYPES:
        model = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4), *pool).train()
        model[0].weight.data[...] = np.eye(4)[:, :, None, None]
        model[1].eval()
        x = images(5, dtype)
        x[1, :, 2, 2], x[2, :, 2, 2], x[3, :, 2, 2] = np.inf, -np.inf, np.nan
        for layout in ("images", "channels"):
            plan = Plan(
                model.astype(dtype), SHAPE, training=True, batch_size=5, layout=layout, input_gradient=True
            )
            dx = plan.backward(np.ones_like(plan.forward(x)))
            np.testing.assert_allclose(dx, model.backward(np.ones_like(model(x))), rtol=1e-6)
            assert np.isfinite(dx).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 7, 21, 41])
def test_the_running_mean_of_an_infinity_is_infinite(value, place, isa):
    for dtype in DTYPES:
        x = images(5, dtype)
        x.reshape(5, 4, -1)[2, 1, place] = value
        for layout in ("images", "channels"):
            model = nn.Sequential(nn.BatchNorm2d(4)).astype(dtype).train()
            y = Plan(model, SHAPE, training=True, batch_size=5, layout=layout).forward(x)
            assert model[0].running_mean[1] == value
            assert np.isnan(model[0].running_var[1])
            assert np.isnan(y[:, 1]).all()
            assert np.isfinite(y[:, [0, 2, 3]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 7, 17, 33])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_logits_of_ten_thousand_in_a_step(isa, smoothing, classes, dtype):
    """Losses and gradients are finite and those of the equations."""
    rng = np.random.default_rng(classes)
    logits, target = (1e4 * rng.choice([-1, 0, 1], (9, classes))).astype(dtype), rng.integers(classes, size=9)
    weight = rng.integers(1, 5, classes) / 4
    want, grads = cross_entropy_by_hand(logits.astype(np.float64), target, weight.tolist(), smoothing)
    loss = Loss(tuple(weight.tolist()), -100, smoothing)
    for layout in ("images", "channels"):
        # With fixed statistics a normalisation is the identity, and its shift has the sum of the gradients.
        model = nn.Sequential(nn.BatchNorm2d(classes, eps=0.0).eval(), nn.Flatten()).astype(dtype)
        plan = Plan(model, (classes, 1, 1), training=True, batch_size=9, layout=layout, loss=loss)
        results = plan.step(logits.reshape(9, classes, 1, 1), target, 1.0)
        plan.gradients.hand_out()
        tolerance = 1e-6 if dtype == np.float32 else 1e-13
        np.testing.assert_allclose(results[:, 0], want, rtol=tolerance)
        np.testing.assert_allclose(model[0].bias.grad, grads.sum(0), atol=9 * tolerance)
        np.testing.assert_array_equal(results[:, 1], logits.argmax(1) == target)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"ignore_index": 2}], ids=str)
def test_a_step_has_the_loss_and_gradients_of_eager_mode(options, kind, isa):
    """Of the logits of one sample, whatever they are."""
    for dtype in DTYPES:
        for seed, (classes, place) in enumerate([(3, 2), (5, 0), (17, 16), (33, 2)]):
            logits = np.random.default_rng(seed).standard_normal((1, classes, 1, 1)).astype(dtype)
            logits[0, place] = KINDS[kind][seed % len(KINDS[kind])]
            target = np.array([2])
            loss = nn.CrossEntropyLoss(reduction="sum", **options)
            want = loss(logits.reshape(1, -1), target)
            for layout in ("images", "channels"):
                model = nn.Sequential(nn.BatchNorm2d(classes, eps=0.0).eval(), nn.Flatten()).astype(dtype)
                asked = {"training": True, "batch_size": 1, "layout": layout, "loss": Loss(**options)}
                plan = Plan(model, (classes, 1, 1), **asked)
                results = plan.step(logits, target, 1.0)
                plan.gradients.hand_out()
                assert_same(results[:, 0], np.atleast_1d(want), dtype, "loss")
                assert_same(model[0].bias.grad, loss.backward()[0], dtype, "gradient")


@pytest.mark.parametrize("name", ["padding", "max-pools", "averages"])
def test_denormals_in_programs(name, isa):
    """They are zeros in float32, kept if that is asked for, and always kept in float64."""
    for dtype, mode, kept in ((np.float32, True, False), (np.float32, False, True), (np.float64, True, True)):
        model = network(name, dtype).eval()
        for p in model.parameters():
            p.data[...] = 0 if p.data.ndim == 1 else 1
        x = np.full((3, *SHAPE), 1e-41 if dtype == np.float32 else 1e-311, dtype)
        with flushing(mode):
            for layout in layouts(model):
                y = Plan(model, SHAPE, training=False, batch_size=3, layout=layout).forward(x)
                assert bool(y.any()) == kept, (layout, dtype, mode)


def test_classes_of_logits_that_are_not_finite():
    """The first NaN of a row is its maximum; nothing warns, whichever way a class is found."""
    rows = np.array([[1, np.nan, np.nan], [np.nan] * 3, [-np.inf, 3, np.inf], [-np.inf] * 3, [0, 2, 1]])
    first = np.array([1, 0, 2, 0, 1])
    x = rows.astype(np.float32).reshape(5, 3, 1, 1)
    model = nn.Sequential(nn.BatchNorm2d(3, eps=0.0), nn.Flatten())
    trainer = fastcnn.Trainer(model, fastcnn.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    scores = trainer.evaluate(data.Dataset(x, first))
    assert scores["accuracy"] == 1
    assert np.trace(scores["confusion"]) == 5
    np.testing.assert_array_equal(model.predict(x).argmax(1), first)
    model.train()[0].eval()
    for layout in ("images", "channels"):
        plan = Plan(model, (3, 1, 1), training=True, batch_size=5, layout=layout, loss=Loss())
        np.testing.assert_array_equal(plan.step(x, first, 1.0)[:, 1], np.ones(5))
