"""The implementations of convolutions: which is taken, how it is pinned, and that all give the same."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Algorithm, Setting, Wanted, always, pick
from fastcnn.engine.layout import Layout
from fastcnn.engine.nodes import conv
from fastcnn.engine.nodes.loss import Loss
from fastcnn.errors import ArgumentError

SHAPE = (4, 9, 8)
CHANNELS = Setting(Layout("channels", 8))


@pytest.fixture(autouse=True)
def nothing_pinned():
    yield
    fastcnn.set_conv_algorithm(None)


def network(**options):
    options = {"kernel_size": 3, **options}
    groups = options.get("groups", 1)
    fastcnn.manual_seed(3)
    first, last = nn.Conv2d(4, 4 * groups, **options), nn.Conv2d(4 * groups, 5, 2)
    return nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool2d(3), last, nn.Flatten()).double()


def results(model, algorithm, layout, batch=11):
    """Return output and gradients, and the names of the implementations."""
    plan = Plan(
        model,
        SHAPE,
        training=True,
        batch_size=batch,
        layout=layout,
        wanted=Wanted(algorithm=algorithm),
        input_gradient=True,
    )
    rng = np.random.default_rng(0)
    model.zero_grad()
    y = plan.forward(rng.standard_normal((batch, *SHAPE)))
    dx = plan.backward(rng.standard_normal(y.shape))
    return [y, dx, *(p.grad for p in model.parameters())], {name for _, _, name in plan.picked}


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1},
        {"padding": (2, 0, 1, 3), "stride": 2},
        {"padding": 4, "dilation": 2},  # rows of taps that lie in the padding alone
        {"kernel_size": (1, 5), "stride": (3, 1)},
        {"kernel_size": 1},
        {"groups": 2},
        {"groups": 4, "padding": 1},
    ],
    ids=repr,
)
def test_rows_of_windows_give_the_same(isa, layout, options):
    """The sums are the same, in the same order; zeros in the padding change none."""
    model = network(**options)
    direct, names = results(model, "direct", layout)
    assert names == {"direct"}
    rows, names = results(model, "gemm", layout)
    assert "gemm" in names
    for got, want in zip(rows, direct, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12 * np.abs(want).max())


def test_what_does_not_fit_is_left_to_the_last_one():
    """Depthwise, with channels in the lanes, has no rows of windows."""
    model = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4)).double()
    assert results(model, "gemm", "channels")[1] == {"direct"}
    assert results(model, "gemm", "images")[1] == {"gemm"}


def test_the_cheapest_is_taken():
    def algorithm(name, cost, fits=always):
        return Algorithm(name, fits, lambda node, setting: cost, print)

    never = lambda node, setting: False  # noqa: E731
    listed = [algorithm("a", 3), algorithm("b", 1, never), algorithm("c", 2), algorithm("d", 2)]
    assert pick(listed, None, CHANNELS).name == "c"
    assert pick(listed, None, CHANNELS._replace(wanted=Wanted(algorithm="a"))).name == "a"
    assert pick(listed, None, CHANNELS._replace(wanted=Wanted(algorithm="b"))).name == "c"
    assert pick(listed, None, CHANNELS._replace(wanted=Wanted(algorithm="other"))).name == "c"


@pytest.mark.parametrize("passes", [conv.FORWARD, conv.INPUT_GRADIENT, conv.WEIGHT_GRADIENT])
def test_the_last_one_fits_always(passes):
    assert passes[-1].fits is always
    assert len({each.name for each in passes}) == len(passes)


def test_pins():
    """A keyword goes before the general choice; programs follow it from the next call on."""
    model = network()
    x = np.random.default_rng(0).standard_normal((5, *SHAPE))
    compiled, own = fastcnn.compile(model), fastcnn.compile(model, conv_algorithm="direct")

    def names(of):
        of(x)
        return {name for _, _, name in of._last.picked}

    assert fastcnn.get_conv_algorithm() is None
    assert names(compiled) == names(own) == {"direct"}
    fastcnn.set_conv_algorithm("gemm")
    assert fastcnn.get_conv_algorithm() == "gemm"
    assert names(compiled) == {"gemm"}
    assert names(own) == {"direct"}
    fastcnn.set_conv_algorithm(None)
    assert names(compiled) == {"direct"}
    text = Plan(model, SHAPE, batch_size=1, wanted=Wanted(algorithm="gemm")).describe()
    assert "products\n  0 Conv2d + 1 ReLU  forward gemm\n  3 Conv2d           forward gemm\n" in text


def test_a_row_is_the_same_in_any_batch():
    model = network(padding=1).astype(np.float32)
    fastcnn.set_conv_algorithm("gemm")
    x = np.random.default_rng(0).standard_normal((37, *SHAPE)).astype(np.float32)
    all_at_once = model.predict(x)
    for first, last in ((0, 1), (3, 8), (5, 37)):
        np.testing.assert_array_equal(model.predict(x[first:last]), all_at_once[first:last])


def test_trainer():
    x, y = np.random.default_rng(0).standard_normal((20, *SHAPE)), np.arange(20) % 5
    weights = []
    for algorithm in ("gemm", "direct"):
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        trainer = fastcnn.Trainer(
            model, optimizer, nn.CrossEntropyLoss(), preprocess=lambda x: x, conv_algorithm=algorithm
        )
        trainer.train_step(x, y)
        picked = trainer._executor.model._plans.find(model, x, loss=Loss()).picked
        assert {name for _, _, name in picked} == {algorithm}
        weights.append(np.concatenate([p.data.ravel() for p in model.parameters()]))
    np.testing.assert_allclose(*weights, rtol=1e-11)


def test_wrong_names():
    choices = "None or one of direct, gemm, winograd, winograd_pairs, got"
    with pytest.raises(ArgumentError, match=f"^set_conv_algorithm: name must be {choices} 'fft'$"):
        fastcnn.set_conv_algorithm("fft")
    with pytest.raises(ArgumentError, match=f"^compile: conv_algorithm must be {choices} 3$"):
        fastcnn.compile(network(), conv_algorithm=3)
    model = network()
    with pytest.raises(ArgumentError, match=f"^Trainer: conv_algorithm must be {choices} \\['gemm'\\]$"):
        fastcnn.Trainer(
            model,
            optim.SGD(model.parameters(), lr=0.1),
            nn.CrossEntropyLoss(),
            conv_algorithm=["gemm"],
        )
