"""Images: their shapes and types, and networks in each of the ways in which they can be said."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastcnn import nn, zoo
from fastcnn.data import transforms
from fastcnn.errors import DataError, DTypeError, ShapeError
from fastcnn.sklearn import CNNClassifier, CNNRegressor

LAYERS = [
    {"type": "Conv2d", "out_channels": 4, "kernel_size": 5, "stride": 2},
    {"type": "ReLU"},
    {"type": "Linear", "out_features": 10},
    {"type": "Softmax"},
]


def lenet(shape, outputs, activation="ReLU"):
    layers = [*LAYERS[:1], {"type": activation}, {"type": "Linear", "out_features": outputs}]
    return zoo.from_dicts(layers, shape)


def module():
    return lenet((1, 28, 28), 10).initialize(seed=5)


def test_a_network_of_the_zoo_learns_digits(digits):
    X, y, other, truth = digits
    model = CNNClassifier("spec-lenet", learning_rate_init=0.003, batch_size=50, max_iter=8, random_state=0)
    assert model.fit(X, y).score(other, truth) > 0.93
    assert model.n_features_in_ == 784
    assert model.input_shape_ == (1, 28, 28)


@pytest.mark.parametrize(
    "network",
    [
        "spec-lenet",
        LAYERS,
        {"layers": LAYERS},
        {"name": "spec-lenet"},
        {"spec": "Conv 4 5 2 0\nReLU\nFC 10"},
        lenet,
        functools.partial(lenet, activation="Tanh"),
        module(),
    ],
)
def test_networks_in_each_form(network, digits):
    X, y = digits[0][:200], digits[1][:200]
    one, two = (CNNClassifier(network, max_iter=2, random_state=0).fit(X, y) for _ in range(2))
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert_allclose(one.predict_proba(X).sum(1), 1, 1e-12)
    assert not isinstance(list(one.module_.modules())[-1], nn.Softmax)
    assert not one.module_.training


def test_the_scheme_of_first_weights(digits):
    X, y = digits[0][:50], digits[1][:50]
    settings = {"optimizer": "SGD", "learning_rate_init": 0.0, "max_iter": 1, "random_state": 0}
    model = CNNClassifier({"layers": LAYERS, "init": "small_normal"}, **settings).fit(X, y)
    assert model.module_[0].weight.data.std() == pytest.approx(0.001, rel=0.2)


def test_images_that_are_not_scaled_are_warned_of(digits, caplog):
    CNNClassifier(LAYERS, max_iter=1).fit(digits[0][:50].astype(float), digits[1][:50])
    assert "images reach the model unscaled" in caplog.text


def test_a_module_is_copied_and_its_weights_are_the_beginning(digits):
    X, y = digits[0][:100], digits[1][:100]
    own = module()
    before = {key: value.copy() for key, value in own.state_dict().items()}
    model = CNNClassifier(own, optimizer="SGD", learning_rate_init=0.0, max_iter=1).fit(X, y)
    for key, value in model.module_.state_dict().items():
        assert_array_equal(value, before[key])
    model.set_params(learning_rate_init=0.1).fit(X, y)
    assert model.module_ is not own
    for key, value in own.state_dict().items():
        assert_array_equal(value, before[key])


def test_images_grey_images_and_rows_are_the_same(digits):
    X, y = digits[0][:200], digits[1][:200]
    settings = {"max_iter": 2, "random_state": 0}
    model = CNNClassifier("spec-lenet", **settings).fit(X, y)
    expected = model.predict_proba(X)
    grey = CNNClassifier("spec-lenet", **settings).fit(X[:, 0], y)
    flat = CNNClassifier("spec-lenet", input_shape=(1, 28, 28), **settings).fit(X.reshape(200, -1), y)
    for other in (model, grey, flat):
        for given in (X, X[:, 0], X.reshape(200, -1), X.tolist(), X[:, :, :, ::-1].copy()[:, :, :, ::-1]):
            assert_array_equal(other.predict_proba(given), expected)


def test_bytes_are_scaled_as_they_were_in_fit(digits):
    X, y = digits[0][:100], digits[1][:100]
    of_bytes = CNNClassifier("spec-lenet", max_iter=2, random_state=0).fit(X, y)
    of_floats = CNNClassifier("spec-lenet", max_iter=2, random_state=0).fit(X / 255, y)
    assert_array_equal(of_bytes.predict_proba(X), of_floats.predict_proba(X / 255))
    # Their type alone makes no difference afterwards.
    assert_array_equal(of_bytes.predict_proba(X), of_bytes.predict_proba(X.astype(float)))
    large = CNNClassifier("spec-lenet", max_iter=2, random_state=0).fit(X.astype(float), y)
    assert_array_equal(large.predict_proba(X), large.predict_proba(X.astype(float)))


def test_bytes_in_rows_are_numbers():
    X = np.array([[0], [1], [2], [200]], np.uint8)
    settings = {"hidden_layer_sizes": (), "dtype": "float32", "max_iter": 2, "random_state": 0}
    model = CNNRegressor(**settings).fit(X, [0, 1, 2, 3])
    same = CNNRegressor(**settings).fit(X.astype(float), [0, 1, 2, 3])
    assert_array_equal(model.predict(X), same.predict(X))


def test_transforms(digits):
    X, y = digits[0][:200], digits[1][:200]
    settings = {"network": "spec-lenet", "max_iter": 2, "random_state": 0}
    plain = CNNClassifier(**settings).fit(X, y).predict_proba(X)
    crop = {"type": "RandomCrop", "size": 28, "padding": 2}
    moved = CNNClassifier(augment=[crop], **settings).fit(X, y).predict_proba(X)
    assert np.abs(moved - plain).max() > 1e-3
    own = CNNClassifier(augment=transforms.RandomCrop(28, 2), **settings).fit(X, y)
    assert_array_equal(own.predict_proba(X), moved)
    named = CNNClassifier(augment="RandomHorizontalFlip", normalize="Standardize", **settings).fit(X, y)
    assert named._prepare(X).std() == pytest.approx(1, rel=1e-4)
    half = CNNClassifier(normalize=lambda images: images / np.float32(255), **settings).fit(X, y)
    assert_allclose(half.predict_proba(X), plain, 1e-4)


def test_a_sample_that_would_be_a_batch_of_its_own_is_left_out(digits):
    layers = [
        LAYERS[0],
        {"type": "BatchNorm2d"},
        {"type": "Linear", "out_features": 10},
        {"type": "BatchNorm1d"},
    ]
    X, y = digits[0][:101], digits[1][:101]
    model = CNNClassifier(layers, batch_size=50, max_iter=1).fit(X, y)
    assert model.n_iter_ == 1


def test_regression_from_images(digits):
    X = digits[0][:400]
    ink = np.stack([X[:, 0, :14].mean((1, 2)), X[:, 0, 14:].mean((1, 2))], 1) / 255
    model = CNNRegressor("spec-lenet", learning_rate_init=0.003, batch_size=20, max_iter=8, random_state=0)
    assert model.fit(X, ink).score(X, ink) > 0.5
    assert model.predict(X).shape == (400, 2)


@pytest.mark.parametrize(
    ("settings", "X", "error", "message"),
    [
        ({}, np.zeros((4, 8, 8, 3)), ShapeError, "images of .8, 8, 3. look like .H, W, C."),
        (
            {"input_shape": (1, 8)},
            np.zeros((4, 64)),
            ShapeError,
            r"input_shape must be \(C, H, W\), got \(1, 8",
        ),
        ({"input_shape": (1, 8, 0)}, np.zeros((4, 64)), ValueError, "input_shape must be at least 1, got 0"),
        ({"input_shape": (1, 8, 9)}, np.zeros((4, 64)), ShapeError, "72 numbers, but X has 64 features"),
        ({"input_shape": (1, 4, 16)}, np.zeros((4, 1, 8, 8)), ShapeError, "X has images of .1, 8, 8., but"),
        ({"network": "spec-lenet"}, np.zeros((4, 784)), ValueError, "rows of 784 numbers: say which shape"),
        (
            {"network": "spec-lent"},
            np.zeros((4, 784)),
            DataError,
            "no network is called 'spec-lent' .did you",
        ),
        ({"network": "unet-scenes"}, np.zeros((4, 1, 64, 64)), DataError, "4 classes need 4|outputs"),
        (
            {"network": lambda shape, outputs: 3},
            np.zeros((4, 2)),
            DTypeError,
            "must return a Module, got int",
        ),
        (
            {"network": 3},
            np.zeros((4, 2)),
            DTypeError,
            "network must be a name of fastcnn.zoo, dicts, .*got 3",
        ),
        (
            {"network": LAYERS},
            np.zeros((4, 1, 9, 9)),
            DataError,
            "10 outputs of an image .* 4 classes need 4",
        ),
        ({"network": nn.Linear(3, 4)}, np.zeros((4, 2)), ShapeError, "the network does not fit"),
        ({"network": {"type": "x"}}, np.zeros((4, 2)), DataError, "CNNClassifier: unknown key model.type"),
    ],
)
def test_what_does_not_fit(settings, X, error, message):
    with pytest.raises(error, match=message):
        CNNClassifier(max_iter=1, **settings).fit(X, np.arange(4))


def test_other_images_than_in_fit(digits):
    X, y = digits[0][:50], digits[1][:50]
    model = CNNClassifier("spec-lenet", max_iter=1).fit(X, y)
    with pytest.raises(ShapeError, match=r"X has images of \(1, 14, 56\), but fit had \(1, 28, 28\)"):
        model.predict(X.reshape(-1, 1, 14, 56))
    with pytest.raises(ValueError, match="X has 196 features, but CNNClassifier is expecting 784"):
        model.predict(X[:, :, ::2, ::2])
    channels = CNNClassifier(input_shape=(8, 8, 3), max_iter=1).fit(np.zeros((4, 8, 8, 3)), np.arange(4))
    assert channels.input_shape_ == (8, 8, 3)
