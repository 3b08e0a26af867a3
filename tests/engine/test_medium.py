"""The precision "medium": values in bfloat16, in programs as in eager mode."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import fastcnn
from fastcnn import nn, optim
from fastcnn._kernels import cpu
from fastcnn._precision import within
from fastcnn.engine import Plan, choose
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.nodes.loss import Loss
from fastcnn.graph.bfloat16 import rounded

from .._kernels.helpers import using_isa
from ..oracle import network as oracle
from ..oracle.cases import select
from .graphs import random_graph
from .test_graphs import runs, zeros

MEDIUM = Wanted("medium")
relaxed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.fixture(params=cpu.available_isas("bfloat16", in_c=True))
def isa(request):
    """Run the test on each instruction set that has kernels of bfloat16."""
    with using_isa(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def plain_forms(request, monkeypatch):
    """Let all instruction sets have products of bfloat16, but in tests of what is so without."""
    if "without" not in request.node.name:
        monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
        monkeypatch.setattr(choose, "narrow_pays", lambda graph, training: True)


@pytest.fixture
def medium():
    """Let all be in the medium precision."""
    before = fastcnn.get_float32_matmul_precision()
    fastcnn.set_float32_matmul_precision("medium")
    yield
    fastcnn.set_float32_matmul_precision(before)


def network():
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(24 * 16, 10)),
    ).initialize("kaiming_normal", 1)


def samples(count=12, shape=(3, 8, 8), seed=2):
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)


def size_of(x):
    """Return the root mean square of some numbers."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0


@settings(max_examples=60, suppress_health_check=relaxed, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_programs_round_where_eager_mode_does(isa, seed):
    """Their difference is that of single roundings, which is less than the error that both have.

    A sum that is next to the middle of two numbers may be rounded either way, and what follows differs. So
    the bound is one for sizes of errors, with what a single rounding makes of a small tensor.
    """
    model, shape, batch = random_graph(seed)
    assume(runs(model, zeros(shape, batch)))
    model.reseed(seed)
    rng = np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data[...] = 0.5 * rng.standard_normal(parameter.shape)
    eager, exact = copy.deepcopy(model), copy.deepcopy(model).double()
    x = samples(batch, shape, seed)
    compiled = fastcnn.compile(model, input_gradient=True, precision="medium")
    y = compiled(x)
    assert isinstance(compiled._last, Plan)
    with within("medium"):
        expected = eager(x)
    dy = samples(batch, expected.shape[1:], seed + 1)
    found = [(y, expected, exact(x.astype(np.float64)))]
    found += [(compiled.backward(dy), eager.backward(dy), exact.backward(dy.astype(np.float64)))]
    of_parameters = zip(model.parameters(), eager.parameters(), exact.parameters(), strict=True)
    found += [(one.grad, two.grad, three.grad) for one, two, three in of_parameters if three.grad is not None]
    found += [
        (
            compiled.predict(x),
            eager.predict(x, engine=False, precision="medium"),
            exact.predict(x.astype(np.float64), engine=False),
        )
    ]
    scale = max(size_of(each) for _, _, each in found)
    for got, wanted, truth in found:
        error = size_of(wanted - truth)
        assert size_of(got - wanted) <= 3 * error + 0.02 * size_of(truth) + 1e-3 * scale


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("case", select("autocast", "autocast"), ids=lambda case: case.id)
def test_errors_are_no_larger_than_those_of_pytorchs_autocast(isa, case, engine):
    """Against float64: of each output and gradient within twice as much, of all together a tenth more."""
    model = oracle.build(nn, case.args["layers"])
    model.load_state_dict({name: case.input(f"state:{name}", np.float32) for name in case.args["state"]})
    x, loss = case.input("x", np.float32), nn.CrossEntropyLoss()
    compiled = fastcnn.compile(model, precision="medium")
    with within("medium"):
        logits = compiled(x) if engine else model(x)
    loss(logits, np.arange(len(x)) % 10)
    (compiled if engine else model).backward(loss.backward())
    found = {"logits": logits, **{name: each.grad for name, each in model.named_parameters()}}
    errors = []
    for name, got in found.items():
        exact, autocast = case[f"float64 {name}"], case[f"autocast {name}"]
        size = size_of(exact)
        own, theirs = size_of(got - exact) / size, size_of(autocast - exact) / size
        assert own < 2 * theirs + 1e-3, name
        errors.append((own, theirs))
    own, theirs = np.array(errors).T
    assert np.mean(own) < 1.1 * np.mean(theirs)


def test_values_are_the_same_to_the_bit_where_sums_are_exact(isa, medium):
    """Small integers: no sum is rounded, so that only the places of rounding count."""
    model = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 24, 1), nn.ReLU()),
        *(nn.Conv2d(24, 8, 2, stride=2, groups=2), nn.Flatten(), nn.Linear(32, 10)),
    )
    rng = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data[...] = rng.integers(-3, 4, parameter.shape) / 8
    x = (rng.integers(-20, 21, (7, 3, 8, 8)) / 16).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x), model.predict(x, engine=False))
    assert not np.array_equal(model.predict(x), model.predict(x, precision="highest"))


def test_what_a_model_returns_is_not_rounded(medium):
    model, x = network().eval(), samples()
    for engine in (True, False):
        y = model.predict(x, engine=engine)
        assert y.dtype == np.float32
        assert not np.array_equal(y, rounded(y))


@pytest.mark.parametrize(
    "last",
    [
        lambda: [nn.Conv2d(24, 3, 3, padding=1)],
        lambda: [nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 20, 3, padding=1)],
        lambda: [nn.Conv2d(24, 3, 1, bias=False), nn.BatchNorm2d(3)],
        lambda: [nn.ConvTranspose2d(24, 3, 2, 2)],
        lambda: [nn.Flatten(), nn.Linear(24 * 64, 5), nn.Softmax(1)],
        lambda: [nn.Softmax2d()],
        lambda: [nn.DenseResidual(nn.Conv2d(24, 8, 3, padding=1))],
        lambda: [nn.Residual(nn.Conv2d(24, 24, 1)), nn.PReLU()],
        lambda: [nn.Conv2d(24, 6, 3, padding=1, groups=3), nn.Flatten()],
        lambda: [nn.AvgPool2d(2), nn.Upsample(scale_factor=2)],
        lambda: [nn.GroupNorm(2, 24), nn.GELU()],
    ],
)
def test_any_layer_may_be_the_last(isa, last):
    model = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), *last()).initialize("kaiming_normal", 3)
    reference, x = copy.deepcopy(model), samples()
    compiled = fastcnn.compile(model, input_gradient=True, precision="medium")
    y = compiled(x)
    with within("medium"):
        expected = reference(x)
    dy = samples(len(x), expected.shape[1:], 5)
    dx, wanted = compiled.backward(dy), reference.backward(dy)
    for one, two in [(y, expected), (dx, wanted)]:
        assert size_of(one - two) < 0.01 * size_of(two)
    for one, two in zip(model.parameters(), reference.parameters(), strict=True):
        assert size_of(one.grad - two.grad) < 0.02 * size_of(two.grad) + 1e-6
    np.testing.assert_allclose(
        compiled.predict(x),
        reference.predict(x, engine=False, precision="medium"),
        rtol=0,
        atol=0.02 * np.abs(y).max(),
    )


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (network, (3, 8, 8)),
        (lambda: nn.Sequential(nn.Linear(700, 300), nn.Linear(300, 300), nn.Linear(300, 5)), (700,)),
    ],
)
def test_a_rows_prediction_is_the_same_in_any_batch(isa, medium, model, shape):
    model, x = model(), samples(20, shape)
    whole = model.predict(x)
    for size in (1, 3, 7, 19):
        np.testing.assert_array_equal(model.predict(x, size), whole)


def test_parts_of_a_concatenation_may_be_computed_in_float32(isa, medium):
    """They are written apart, and then put where the others stand."""
    body = nn.DenseResidual(nn.Softmax2d())
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), body, nn.Conv2d(32, 4, 1))
    model.initialize("kaiming_normal", 1)
    x = samples()
    expected = model.predict(x, engine=False)
    assert size_of(model.predict(x) - expected) < 0.01 * size_of(expected)


def test_one_image_of_few_taps_is_trained_on_threads(isa):
    """Bands share out the taps of a window, and there are no more of them than taps."""
    model = nn.Conv2d(1, 64, 1).initialize("kaiming_normal", 1)
    x = samples(1, (1, 64, 64))
    for precision in ("high", "medium"):
        compiled = fastcnn.compile(model, precision=precision)
        compiled.backward(np.ones_like(compiled(x)))
        expected = np.broadcast_to((rounded(x) if precision == "medium" else x).sum(), (64, 1, 1, 1))
        np.testing.assert_allclose(model.weight.grad, expected, rtol=1e-4)
        model.zero_grad()


def test_gradients_of_float64_are_arrays_of_their_own(medium):
    class Sum(nn.Module):
        def forward(self, x, y):
            return x + y

    model, x = Sum(), samples().astype(np.float64)
    one, two = model.backward(np.ones_like(model(x, x.copy())))
    assert not np.shares_memory(one, two)


def test_a_number_stays_one_in_eager_mode(medium):
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 2)

        def forward(self, x):
            return self.linear(x).mean() * 2

    model = Mean()
    y = model(samples(3, (4,)))
    assert np.shape(y) == ()
    model.backward(np.float32(1))
    assert model.linear.weight.grad.any()


def test_a_step_leaves_the_gradients_of_two_passes(isa):
    model, x, target = network(), samples(), np.arange(12) % 10
    two, loss = copy.deepcopy(model), nn.CrossEntropyLoss()
    plan = Plan(model, (3, 8, 8), training=True, batch_size=12, loss=Loss(), wanted=MEDIUM)
    results = plan.step(x, target, 1 / 12)
    plan.gradients.hand_out()
    compiled = fastcnn.compile(two, precision="medium")
    value = loss(compiled(x), target)
    compiled.backward(loss.backward())
    assert results[:, 0].mean() == pytest.approx(value, rel=1e-6)
    for one, other in zip(model.parameters(), two.parameters(), strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=0, atol=1e-6 * np.abs(other.grad).max())


def test_it_is_high_without_instructions_for_it(medium):
    model, x = network(), samples()
    with using_isa("baseline"):
        assert not cpu.multiplies_bfloat16()
        np.testing.assert_array_equal(model.predict(x), model.predict(x, precision="high"))
        eager = [model.predict(x, engine=False, precision=each) for each in ("medium", "highest")]
        np.testing.assert_array_equal(*eager)
        assert fastcnn._config.config()["float32 products"] == "medium, as high: no instructions for bfloat16"


def test_it_is_high_with_images_in_the_lanes():
    model, x = network(), samples()
    plans = (
        Plan(model, x.shape[1:], batch_size=len(x), layout="images", wanted=Wanted(name))
        for name in ("medium", "high")
    )
    np.testing.assert_array_equal(*(plan.forward(x) for plan in plans))


def test_float64_has_the_highest_precision(medium):
    model, x = network().double(), samples().astype(np.float64)
    np.testing.assert_array_equal(model.predict(x), model.predict(x, precision="highest"))
    np.testing.assert_array_equal(
        model.predict(x, engine=False), model.predict(x, engine=False, precision="highest")
    )


@pytest.mark.parametrize("engine", [True, False])
def test_a_trainer_has_its_own_precision(engine):
    x, target = samples(32), np.arange(32) % 10
    losses = {}
    for precision in ("highest", "medium"):
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        trainer = fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss(), engine=engine, precision=precision)
        losses[precision] = [trainer.train_step(x, target) for _ in range(12)]
        assert all(parameter.data.dtype == np.float32 for parameter in model.parameters())
    assert losses["medium"] != losses["highest"]
    np.testing.assert_allclose(losses["medium"], losses["highest"], rtol=0.1, atol=0.02)
    assert losses["medium"][-1] < 0.3 * losses["medium"][0]


def test_parameters_of_products_alone_are_rounded(medium):
    """Biases and statistics are added in float32."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten()).eval()
    model[0].weight.data[...] = 1 + 2**-7 + 2**-10
    model[0].bias.data[...] = 2**-20
    x = np.ones((1, 1, 1, 1), np.float32)
    for engine in (True, False):
        assert model.predict(x, engine=engine)[0, 0] == 1 + 2**-7 + np.float32(2**-20)


def test_a_layer_that_runs_in_python_is_given_float32(medium):
    seen = []

    class Doubled(nn.Module):
        def forward(self, x):
            seen.append((x.dtype, np.array_equal(x, rounded(x))))
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    model = nn.Sequential(nn.Conv2d(3, 4, 3), Doubled(), nn.Conv2d(4, 2, 1)).initialize("kaiming_normal", 0)
    x = samples()
    compiled = fastcnn.compile(model)
    compiled.backward(np.ones_like(compiled(x)))
    assert isinstance(compiled._last, Plan)
    assert seen[-1] == (np.float32, True)


def test_the_description_says_how_values_are_stored():
    text = Plan(network(), (3, 8, 8), batch_size=1, wanted=MEDIUM).describe()
    assert "float32 stored as bfloat16" in text.splitlines()[0]
    assert "bfloat16" not in Plan(network(), (3, 8, 8), batch_size=1).describe()
