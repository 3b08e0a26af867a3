"""Normalisations that files write in parts come back as the layers that they were."""

import numpy as np
import pytest

from fastcnn import nn, onnx

from .graphs import save
from .running import reference, samples

SHAPE = (6, 2, 3)


def layers():
    return nn.Sequential(
        nn.GroupNorm(3, 6),
        nn.ReLU(),
        nn.InstanceNorm2d(6, affine=True),
        nn.GroupNorm(2, 6, affine=False),
        nn.InstanceNorm2d(6, eps=1e-3),
        nn.GroupNorm(2, 6, eps=1e-3, bias=False),
        nn.BatchNorm2d(6, affine=False),
        nn.BatchNorm2d(6),
        nn.LayerNorm((2, 3), elementwise_affine=False),
        nn.LayerNorm(3),
        nn.Flatten(2),
        nn.InstanceNorm1d(6, affine=True),
        nn.GroupNorm(3, 6),
        nn.Flatten(),
        nn.GroupNorm(6, 36),
        nn.Linear(36, 3),
    )


@pytest.mark.parametrize("opset", [17, 18, 21])
def test_layers_and_keys(tmp_path, opset):
    model = layers().initialize(seed=0).eval()
    rng = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data[...] = rng.uniform(0.5, 1.5, parameter.shape)
    onnx.export(model, tmp_path / "model.onnx", SHAPE, opset=opset)
    again, x = onnx.load(tmp_path / "model.onnx"), samples(SHAPE, 3)
    assert list(again.state_dict()) == list(model.state_dict())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[name], value, name)
    for name, layer in again.named_children():
        assert repr(layer) == repr(getattr(model, name)), name
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert all(each.requires_grad for each in again.parameters())


def test_factors_that_were_not_trained_yet_are_there(tmp_path):
    """Ones and zeros with the names of a layer's arrays."""
    model = layers().initialize(seed=0).eval()
    onnx.export(model, tmp_path / "model.onnx", SHAPE)
    assert list(onnx.load(tmp_path / "model.onnx").state_dict()) == list(model.state_dict())


GROUPED = [
    ("Reshape", "x three", "a"),
    ("InstanceNormalization", "a ones zeros", "b"),
    ("Shape", "x", "s"),
    ("Reshape", "b s", "c"),
]


def arrays(**more):
    return {"three": np.array([0, 3, -1]), "ones": np.ones(3, "f4"), "zeros": np.zeros(3, "f4"), **more}


@pytest.mark.parametrize("names", [("onnx::Mul_20", "onnx::Add_21"), ("n.weight", "n.bias")])
def test_groups_as_pytorch_writes_them(tmp_path, names):
    """The shape is that of the input, and factors have got axes already, or get them."""
    factor, shift = (np.arange(1, 7, dtype=np.float32) * scale for scale in (0.5, 2))
    if "::" in names[0]:
        nodes = [*GROUPED, ("Mul", f"c {names[0]}", "d"), ("Add", f"d {names[1]}", "y")]
        given = {names[0]: factor[:, None, None], names[1]: shift[:, None, None]}
    else:
        nodes = [
            *GROUPED,
            *(("Unsqueeze", f"{names[0]} axes", "w"), ("Mul", "c w", "d")),
            *(("Unsqueeze", f"{names[1]} axes", "v"), ("Add", "v d", "y")),
        ]
        given = {names[0]: factor, names[1]: shift, "axes": np.array([1, 2])}
    path = save(tmp_path / "model.onnx", nodes, ("N", *SHAPE), arrays=arrays(**given))
    model, x = onnx.load(path), samples(SHAPE, 3)
    (layer,) = model.children()
    assert repr(layer) == repr(nn.GroupNorm(3, 6))
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)


@pytest.mark.parametrize(
    ("nodes", "given", "layers"),
    [
        # Another shape than before, and groups in columns.
        ([*GROUPED[:2], ("Reshape", "b other", "y")], {"other": np.array([0, 3, 4, 3])},
         [nn.InstanceNorm1d(3)]),
        # Numbers of columns, a parameter of the network's own, and factors that something else reads.
        ([*GROUPED, ("Mul", "c w", "y")], {"w": np.ones((2, 3), "f4")}, [nn.GroupNorm(3, 6, affine=False)]),
        ([*GROUPED, ("Mul", "c w", "y")], {"w": np.ones((6, 1, 1), "f4")},
         [nn.GroupNorm(3, 6, affine=False)]),
        (
            [*GROUPED, ("Mul", "c onnx::W", "d"), ("Mul", "d onnx::W", "y")],
            {"onnx::W": np.ones((6, 1, 1), "f4")},
            [nn.GroupNorm(3, 6, affine=False)],
        ),
        # A shift alone.
        ([*GROUPED, ("Add", "c onnx::A", "y")], {"onnx::A": np.ones((6, 1, 1), "f4")},
         [nn.GroupNorm(3, 6, affine=False)]),
    ],
)  # fmt: skip
def test_what_only_looks_like_it(tmp_path, nodes, given, layers):
    path = save(tmp_path / "model.onnx", nodes, ("N", *SHAPE), arrays=arrays(**given))
    model, x = onnx.load(path), samples(SHAPE, 3)
    assert [repr(each) for each in model.children()] == [repr(each) for each in layers]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)


def test_a_part_that_something_else_reads(tmp_path):
    nodes = [*GROUPED, ("Mul", "c onnx::M", "d"), ("Add", "c d", "y")]
    given = arrays(**{"onnx::M": np.full((6, 1, 1), 2, "f4")})
    path = save(tmp_path / "model.onnx", nodes, ("N", *SHAPE), arrays=given)
    model, x = onnx.load(path), samples(SHAPE, 3)
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)
