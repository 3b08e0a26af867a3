"""The README's Python runs as it stands (on fewer images), and what it names exists."""

import copy
import re
import shlex

import numpy as np
import pytest

import fastcnn
from fastcnn.cli.parser import new_parser
from fastcnn.testing import gradcheck

from . import documents
from .documents import ROOT

TEXT = documents.read("README.md")
BLOCKS = [block for block in documents.blocks(TEXT) if "PyTorch" not in block]

NUMBERS = ("loss", "mae", "mse", "r2", "worst_error")


def fewer(code: str) -> str:
    """Return the README's code with 600 images instead of 60,000."""
    code = code.replace('data.load("mnist")', '(each.subset(range(600)) for each in data.load("mnist"))')
    return code.replace("5_000", "100")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Run all blocks one after the other, as a reader would, and return what they define."""
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        namespace = documents.run(map(fewer, BLOCKS), "README.md", __name__="readme")
    namespace["folder"] = folder
    return namespace


def test_library_and_loop(names):
    assert len(BLOCKS) == 13
    assert names["averaged"].callbacks[-1].averaged.n_averaged > 1
    assert len(names["trainer"].history) == 2
    assert names["logits"].shape == (600, 10)
    assert (names["logits"].argmax(1) == names["test"].labels).mean() > 0.5
    # The loop went on from where the Trainer stopped.
    assert names["loss"] < names["trainer"].history[0]["loss"]


def test_every_network_of_the_zoo_is_named():
    rows = [line for line in TEXT.splitlines() if line.startswith("| networks")]
    named = re.findall(r"[a-z0-9_-]+", " ".join(rows))
    assert [each for each in fastcnn.zoo.names() if each not in named] == []


def test_augmentation(names):
    history = names["hardened"].history
    assert history[1]["loss"] < history[0]["loss"]
    assert names["hardened"].evaluate(names["test"], tta="shift=1")["accuracy"] > 0.5
    assert names["drawn"].shape == (8, 1, 28, 28)
    assert not np.array_equal(names["drawn"], names["train"].images[:8])


@pytest.mark.parametrize("name", sorted(vars(fastcnn.data.transforms)))
def test_every_transform_is_named(name):
    found = getattr(fastcnn.data.transforms, name)
    if isinstance(found, type) and issubclass(found, fastcnn.data.transforms.Transform):
        assert name in ("Transform", "Moving", "Compose", "PerInput") or re.search(rf"\b{name}\b", TEXT), name


def test_a_new_head(names):
    first, second = names["tuning"].history
    assert second["loss"] < first["loss"]
    assert names["model"][-1].weight.shape == (2, 32 * 7 * 7)


def test_other_tasks_than_classes(names):
    assert list(names["measuring"].history[-1])[3:8] == [f"val_{name}" for name in NUMBERS]
    assert names["measuring"].evaluate(names["amounts"])["mae"] < 0.1
    assert names["painting"].history[-1]["val_mean_iou"] > 0.9


def test_two_inputs_and_two_outputs(names):
    assert names["first"].shape == names["second"].shape == (500, 10)
    assert len(names["training"].history) == 1


def test_what_looks_wrong_is_said(names):
    assert names["diagnostics"].verdict().startswith("a step changes no layer's weights by more than ")
    assert (names["folder"] / "layers.png").exists()


def test_a_checkpoint_is_left(names):
    assert len(names["overnight"].history) == 3
    assert (names["folder"] / "training.safetensors").exists()


def test_weights_file_holds_the_model(names):
    state = names["model"].state_dict()
    other = copy.deepcopy(names["model"]).initialize(seed=1)
    fastcnn.load_weights(other, names["folder"] / "digits.safetensors")
    assert {name: value.tolist() for name, value in other.state_dict().items()} == {
        name: value.tolist() for name, value in state.items()
    }


def test_the_block_has_the_right_gradients(names):
    """By the step that it takes: the loss falls by the square of the gradient times the length."""
    block = names["Block"](2, 3, 2).double().initialize(seed=0)
    x = np.random.default_rng(0).standard_normal((4, 2, 6, 6))
    y = block(x)
    assert block.backward(2 * y).shape == x.shape
    slope = sum((parameter.grad**2).sum() for parameter in block.parameters())
    for parameter in block.parameters():
        parameter.data -= 1e-7 * parameter.grad
    np.testing.assert_allclose((y**2).sum() - (block(x) ** 2).sum(), 1e-7 * slope, rtol=1e-3)


def test_the_picture_of_the_block_is_what_the_code_draws(names):
    made = (names["folder"] / "block.svg").read_bytes()
    assert made == (ROOT / "examples" / "block.svg").read_bytes(), (
        "copy block.svg, as the code makes it, there"
    )


def test_custom_layer_has_the_right_gradients(names):
    layer = names["Swish"](3)

    def forward(x, beta):
        layer.beta.data = beta
        return layer(x)

    def backward(dy, x, beta):
        layer.zero_grad()
        return layer.backward(dy), layer.beta.grad

    rng = np.random.default_rng(0)
    gradcheck(forward, backward, [rng.standard_normal((2, 3, 2, 2)), rng.uniform(0.5, 2, (3, 1, 1))])


def test_command_lines_are_understood():
    lines = re.findall(r"^fastcnn .*", TEXT, re.MULTILINE)
    commands = [new_parser().parse_args(shlex.split(line, comments=True)[1:]).command for line in lines]
    assert set(commands) == {
        "train",
        "lr-find",
        "evaluate",
        "report",
        "predict",
        "summary",
        "convert",
        "datasets",
        "info",
    }


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^(?:make|\./run) ([a-z]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_files_that_a_document_names_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w/])(?:examples|tests|bench|src)/[\w/.*-]*[\w*]|[A-Z]{4,}\.md", text))
    assert named
    # "foo" stands for what a reader is about to write.
    assert {path for path in named if "foo" not in path and not any(ROOT.glob(path))} == set()


@pytest.mark.parametrize("kind", ["nn", "optim", "optim.lr_scheduler"])
def test_classes_in_the_table_exist(kind):
    rows = {"nn": ("layers", "losses"), "optim": ("optimizers",), "optim.lr_scheduler": ("schedules",)}[kind]
    module = fastcnn
    for part in kind.split("."):
        module = getattr(module, part)
    for row in rows:
        cells = re.search(rf"^\| {row} \| (.*) \|$", TEXT, re.MULTILINE)[1]
        for name in re.sub(r"\(.*?\)|, with .*", "", cells).split(","):
            assert hasattr(module, name.strip()), name
