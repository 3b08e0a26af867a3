"""Every operation in an ONNX file, computed by the reference implementation of the onnx package."""

import sys

import numpy as np
import onnx as library
import pytest

from fastcnn import graph, nn, onnx
from fastcnn.data import transforms
from fastcnn.data.normalization import MeanImage
from fastcnn.engine.tracing import picture
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.onnx.exporting.rules import rule_of

from .networks import IMAGE, NETWORKS, of
from .running import NEWEST, reference, runtime, samples

OPSETS = (9, 10, 11, 13, 14, 18, min(NEWEST, 24))
# Where the reference implementation gives other values than its own description.
WRONG_REFERENCE = {"transposed stride", "transposed lines"}
# What is not read again.
ONE_WAY = {"limited by tensors"}


# What older operators cannot say.
TOO_OLD = {("max pool dilated", 9): "max_pool2d with dilation=\\(3, 3\\) needs opset 10, got 9"}


@pytest.mark.parametrize(
    ("name", "opset"),
    [(name, opset) for name in NETWORKS for opset in OPSETS if (name, opset) not in TOO_OLD],
)
def test_values(tmp_path, name, opset):
    make, shape = NETWORKS[name]
    model, x = make().eval().initialize(seed=1), samples(shape, 3)
    onnx.export(model, tmp_path / "model.onnx", shape, opset=opset)
    got, want = runtime(tmp_path / "model.onnx", x), model.predict(x, engine=False)
    np.testing.assert_allclose(got, want, 1e-5, 1e-5)


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - WRONG_REFERENCE))
def test_values_of_float64(tmp_path, name):
    """Attributes of nodes are float32, so the two differ by their rounding."""
    make, shape = NETWORKS[name]
    model = make().eval().initialize(seed=1).double()
    if next(model.parameters(), None) is None:
        pytest.skip("without parameters values are float32")
    x = samples(shape, 3, np.float64)
    onnx.export(model, tmp_path / "model.onnx", shape)
    got, want = reference(tmp_path / "model.onnx", x), model.predict(x, engine=False)
    assert got.dtype == want.dtype == np.float64
    np.testing.assert_allclose(got, want, 1e-7, 1e-7)


@pytest.mark.parametrize(("name", "opset"), TOO_OLD)
def test_older_operators(tmp_path, name, opset):
    make, shape = NETWORKS[name]
    with pytest.raises(ArgumentError, match=TOO_OLD[name, opset]):
        onnx.export(make().eval(), tmp_path / "model.onnx", shape, opset=opset)


@pytest.mark.parametrize("opset", [9, 18])
@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - ONE_WAY))
def test_there_and_back(tmp_path, name, opset):
    if (name, opset) in TOO_OLD:
        pytest.skip("there is no such file")
    make, shape = NETWORKS[name]
    model, x = make().eval().initialize(seed=1), samples(shape, 3)
    onnx.export(model, tmp_path / "model.onnx", shape, opset=opset)
    again = onnx.load(tmp_path / "model.onnx")
    np.testing.assert_allclose(again.predict(x, engine=False), model.predict(x, engine=False), 1e-5, 1e-5)


def test_every_operation_is_tested():
    """Those that are not here have no form in ONNX files, and are refused by name."""
    seen = set()
    for make, shape in NETWORKS.values():
        steps = picture(make().eval(), (shape,), np.dtype(np.float32), False).steps
        seen.update(type(step.operation) for step in steps)
    known = {
        each
        for name in graph.__all__
        if isinstance(each := getattr(graph, name), type) and issubclass(each, graph.Operation)
    }
    with_rule = {each for each in known if rule_of(each.__new__(each)) is not None}
    dropping = {graph.Dropout, graph.Dropout2d, graph.AlphaDropout, graph.FeatureAlphaDropout}
    assert with_rule - seen <= {graph.FeatureAlphaDropout}
    assert dropping <= with_rule
    assert known - with_rule - {graph.Operation, graph.Activation} == WITHOUT


# What a network in evaluation mode does that no file says.
WITHOUT = {graph.InstanceNorm, graph.MaxPoolWithIndices, graph.MaxUnpool2d}


@pytest.mark.parametrize("batch", [1, 4])
def test_a_batch_of_one_size(tmp_path, batch):
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)).initialize(seed=0), samples((3, 4), batch)
    onnx.export(model.eval(), tmp_path / "model.onnx", (3, 4), dynamic_batch=False, batch_size=batch)
    got = runtime(tmp_path / "model.onnx", x)
    np.testing.assert_allclose(got, model.predict(x), 1e-5, 1e-6)
    assert (
        library.load(tmp_path / "model.onnx").graph.input[0].type.tensor_type.shape.dim[0].dim_value == batch
    )


def test_names(tmp_path):
    """Arrays are called as in the state dict, nodes as their modules, outputs as their keys."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2))

        def forward(self, x, other):
            y = self.body(x)
            return {"features": y, "pair": (y.mean((2, 3)), other * 2)}

    model = Net().eval()
    onnx.export(model, tmp_path / "model.onnx", [IMAGE, (5,)], metadata={"who": "a test"})
    graph = library.load(tmp_path / "model.onnx").graph
    assert [each.name for each in graph.input] == ["input_1", "input_2"]
    assert [each.name for each in graph.output] == ["features", "pair.output_1", "pair.output_2"]
    arrays = {each.name for each in graph.initializer}
    assert {name for name, _ in model.named_parameters()} <= arrays
    assert {"body.1.running_mean", "body.1.running_var"} <= arrays
    assert graph.node[0].name == "body.0/Conv"
    properties = library.load(tmp_path / "model.onnx").metadata_props
    assert [(each.key, each.value) for each in properties] == [("who", "a test")]
    inputs = samples(IMAGE, 2), samples((5,), 2)
    made = model.predict(inputs)
    got = runtime(tmp_path / "model.onnx", *inputs)
    for one, other in zip(got, (made["features"], *made["pair"]), strict=True):
        np.testing.assert_allclose(one, other, 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["input", "output", "constant"])
def test_a_parameter_with_the_name_of_something_else(tmp_path, name):
    """It keeps its name, and the other gets a number."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            setattr(self, name, nn.Parameter(np.arange(1, 4, dtype=np.float32)))

        def forward(self, x):
            return (x + 1.5) * getattr(self, name)

    model, x = Net().eval(), samples((3,), 2)
    onnx.export(model, tmp_path / "model.onnx", (3,))
    np.testing.assert_allclose(runtime(tmp_path / "model.onnx", x), model.predict(x), 1e-6)
    assert name in {each.name for each in library.load(tmp_path / "model.onnx").graph.initializer}


def test_numbers_have_no_axis(tmp_path):
    """Limits of a Clip are scalars in ONNX."""
    onnx.export(nn.Hardtanh(-1, 2).eval(), tmp_path / "model.onnx", (3,))
    assert [list(each.dims) for each in library.load(tmp_path / "model.onnx").graph.initializer] == [[], []]


@pytest.mark.parametrize(
    "preprocess",
    [
        transforms.Normalize((0.5, 0.4), (0.2, 0.3)),
        transforms.Normalize(0.5, 0.2),
        MeanImage(np.random.default_rng(0).uniform(0, 1, (2, 5, 6)), 0.5),
        lambda x: x.astype(np.float32),
    ],
)
def test_images_that_the_file_prepares(tmp_path, preprocess):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(36, 3)).initialize(seed=0).eval()
    images = np.random.default_rng(1).integers(0, 256, (3, 2, 5, 6)).astype(np.uint8)
    onnx.export(model, tmp_path / "model.onnx", (2, 5, 6), preprocess=preprocess)
    want = model.predict(preprocess(images))
    np.testing.assert_allclose(runtime(tmp_path / "model.onnx", images), want, 1e-4, 1e-3)
    floats = (images / 255).astype(np.float32)
    onnx.export(model, tmp_path / "model.onnx", (2, 5, 6), preprocess=preprocess, input_dtype="float32")
    got, want = runtime(tmp_path / "model.onnx", floats), model.predict(preprocess(floats))
    np.testing.assert_allclose(got, want, 1e-4, 1e-4)


class Own(nn.Module):
    """A layer with a backward of its own."""

    def forward(self, x):
        return x + 1

    def backward(self, dy):
        return dy


LINEAR = nn.Linear(3, 2).eval()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda path: onnx.export("x", path, (3,)),
            DTypeError,
            "onnx.export: model must be a Module, got str",
        ),
        (lambda path: onnx.export(LINEAR, path, 3), ShapeError, "onnx.export: input_shape must be a tuple"),
        (lambda path: onnx.export(LINEAR, path, (4,)), ShapeError, "linear"),
        (lambda path: onnx.export(LINEAR, path, (3,), opset=8), ArgumentError, "opset must be from 9 to"),
        (lambda path: onnx.export(LINEAR, path, (3,), opset=1.5), DTypeError, "opset must be an integer"),
        (
            lambda path: onnx.export(LINEAR, path, (3,), dynamic_batch=False, batch_size=0),
            ArgumentError,
            "batch_size must be at least 1, got 0",
        ),
        (
            lambda path: onnx.export(LINEAR, path, (3,), metadata={"epochs": 1}),
            DTypeError,
            r"metadata must be texts by their names, got \{'epochs': 1\}",
        ),
        (
            lambda path: onnx.export(LINEAR, path, (3,), input_dtype="uint8"),
            ArgumentError,
            "input_dtype is that of the images that preprocess takes",
        ),
        (
            lambda path: onnx.export(LINEAR, path, (3,), preprocess=lambda x: x, input_dtype="int8"),
            ArgumentError,
            "input_dtype must be uint8 or float32, got 'int8'",
        ),
        (
            lambda path: onnx.export(LINEAR, path, (3,), preprocess=lambda x: np.sqrt(x.astype(float))),
            ArgumentError,
            "preprocess must be a scale and a shift of each pixel",
        ),
        (
            lambda path: onnx.export(LINEAR, path, (3,), preprocess=lambda x: x[:, :2]),
            ArgumentError,
            "preprocess must keep the shape of images",
        ),
        (
            lambda path: onnx.export(nn.Sequential(nn.Linear(3, 3), Own()), path, (3,)),
            ArgumentError,
            r"onnx.export: 1 \(Own\): a backward of its own has no form in ONNX files",
        ),
        (
            lambda path: onnx.export(nn.MaxPool2d(2, return_indices=True), path, IMAGE),
            ArgumentError,
            "MaxPool2d: MaxPoolWithIndices has no form in ONNX files",
        ),
        (
            lambda path: onnx.export(of(lambda x: x - x.mean(0, keepdim=True))(), path, (3,)),
            ArgumentError,
            "mean over the batch .*, which no file can hold",
        ),
    ],
)
def test_errors(tmp_path, call, error, message):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(error, match=message):
        call(path)
    assert path.read_bytes() == b"old"


def test_a_file_that_cannot_be_written(tmp_path):
    path = tmp_path / "missing" / "model.onnx"
    with pytest.raises(FileNotFoundError, match=r"missing/model\.onnx") as caught:
        onnx.export(LINEAR, path, (3,))
    assert caught.value.filename == str(path)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'ONNX files need onnx: pip install "fastcnn\[onnx\]"'):
        onnx.export(LINEAR, tmp_path / "model.onnx", (3,))
    with pytest.raises(ImportError, match="ONNX files need onnx"):
        onnx.load(tmp_path / "model.onnx")
