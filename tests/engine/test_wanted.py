"""The precision of float32 products: who says it, and what follows."""

import pickle

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.engine.nodes.loss import Loss
from fastcnn.errors import ArgumentError

SHAPE = (16, 12, 12)
X = np.random.default_rng(0).standard_normal((9, *SHAPE)).astype(np.float32)


@pytest.fixture(autouse=True)
def default():
    yield
    fastcnn.set_float32_matmul_precision("high")
    fastcnn.set_conv_algorithm(None)


def network():
    fastcnn.manual_seed(0)
    return nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(6), nn.Flatten())


def names(plan):
    return {name for _, _, name in plan.picked}


def test_high_is_the_default():
    assert fastcnn.get_float32_matmul_precision() == "high"
    compiled = fastcnn.compile(network())
    compiled(X)
    assert names(compiled._last) == {"winograd"}


def test_the_setting_holds_from_the_next_call_on():
    model = network().eval()
    compiled = fastcnn.compile(model)
    high = model.predict(X)
    np.testing.assert_array_equal(compiled(X), high)
    fastcnn.set_float32_matmul_precision("highest")
    assert fastcnn.get_float32_matmul_precision() == "highest"
    highest = model.predict(X)
    np.testing.assert_array_equal(compiled(X), highest)
    assert names(compiled._last) == {"direct"}
    assert (high != highest).any()
    np.testing.assert_allclose(high, highest, atol=1e-6)


def test_a_call_and_a_program_may_have_their_own():
    model = network().eval()
    highest, high = (model.predict(X, precision=each) for each in ("highest", "high"))
    assert (high != highest).any()
    np.testing.assert_array_equal(model.predict(X), high)
    own = fastcnn.compile(model, precision="highest")
    np.testing.assert_array_equal(own(X), highest)
    np.testing.assert_array_equal(own.predict(X), highest)
    np.testing.assert_array_equal(own.predict(X, precision="high"), high)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(own))(X), highest)
    np.testing.assert_array_equal(model.predict(X, 4, precision="highest"), highest)


def test_eager_mode_and_float64_have_the_highest():
    model = network().eval()
    eager = model.predict(X, engine=False)
    np.testing.assert_array_equal(model.predict(X, engine=False, precision="high"), eager)
    double = network().double().eval()
    compiled = fastcnn.compile(double, precision="high", conv_algorithm="winograd")
    compiled(X.astype(np.float64))
    assert names(compiled._last) == {"direct"}


def test_the_highest_precision_has_no_filtering_even_if_it_is_pinned():
    compiled = fastcnn.compile(network(), precision="highest", conv_algorithm="winograd")
    compiled(X)
    assert names(compiled._last) == {"direct"}


def test_a_pinned_algorithm_goes_with_any_precision():
    fastcnn.set_conv_algorithm("gemm")
    compiled = fastcnn.compile(network(), precision="high")
    compiled(X)
    assert names(compiled._last) == {"gemm"}


@pytest.mark.parametrize(
    ("precision", "expected"), [("highest", "direct"), ("high", "winograd"), (None, "winograd")]
)
def test_trainer(precision, expected):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    trainer = fastcnn.Trainer(
        model, optimizer, nn.CrossEntropyLoss(), preprocess=lambda x: x, precision=precision
    )
    trainer.train_step(X, np.arange(9))
    plan = trainer._executor.model._plans.find(model, X, loss=Loss())
    assert names(plan) == {expected}
    trainer.precision = "highest"
    trainer.train_step(X, np.arange(9))
    assert names(trainer._executor.model._plans.find(model, X, loss=Loss())) == {"direct"}


def test_wrong_names():
    choices = "must be None or one of highest, high, medium, got"
    model = network()
    with pytest.raises(ArgumentError, match=f"^set_float32_matmul_precision: precision {choices} 'low'$"):
        fastcnn.set_float32_matmul_precision("low")
    with pytest.raises(
        ArgumentError,
        match=r"^set_float32_matmul_precision: precision must be one of highest, high, medium, got None$",
    ):
        fastcnn.set_float32_matmul_precision(None)
    with pytest.raises(ArgumentError, match=f"^compile: precision {choices} 32$"):
        fastcnn.compile(model, precision=32)
    for predict in (model.predict, fastcnn.compile(model).predict):
        with pytest.raises(ArgumentError, match=f"^predict: precision {choices} 'low'$"):
            predict(X, precision="low")
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ArgumentError, match=f"^Trainer: precision {choices} 'low'$"):
        fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss(), precision="low")
    assert fastcnn.get_float32_matmul_precision() == "high"
