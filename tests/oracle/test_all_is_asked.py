"""PyTorch was asked about every layer, function, loss, optimizer and schedule that is public."""

import re
from pathlib import Path

import pytest

from fastcnn.cli.inside import rows

from ..optim import cases as optim_cases
from . import cases, grid_samples

FOLDER = Path(__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.npz"))
OPTIM = optim_cases.answers()
ROWS = rows()
# What PyTorch has not: tested by hand, and against NumPy.
NOT_IN_TORCH = {
    "StochasticDepth",
    "stochastic_depth",
    "Lion",
    "Lookahead",
    "Combined",
    "WarmupQuarterCosineLR",
}
# These draw: PyTorch's layers are asked in evaluation and with p = 0, their shares are tested by counting.
DRAWN = {"dropout", "dropout1d", "dropout2d", "alpha_dropout", "feature_alpha_dropout"}
# Containers, which networks of the other layers stand in, or which the functions of formulas hold.
HELD = {"Sequential", "ModuleList", "ModuleDict"}
# Functions of formulas and of layers, which have no operation of their own in the files.
WITHIN = {
    **dict.fromkeys(("cat", "chunk", "flatten", "split"), "formula"),
    "instance_norm": "InstanceNorm2d",
    "adaptive_avg_pool1d": "AdaptiveAvgPool1d",
    "avg_pool1d": "AvgPool1d",
    "max_pool1d": "MaxPool1d",
}
# Layers of two inputs, which stand in no chain: what they apply.
APPLIED = {"MaxUnpool1d": "max_unpool1d", "MaxUnpool2d": "max_unpool2d"}
# The functions of losses, where capital letters do not tell their names.
FUNCTION_OF = {
    "BCELoss": "binary_cross_entropy",
    "CrossEntropyLoss": "cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "GaussianNLLLoss": "gaussian_nll_loss",
    "KLDivLoss": "kl_div",
    "MSELoss": "mse_loss",
    "NLLLoss": "nll_loss",
    "PoissonNLLLoss": "poisson_nll_loss",
}


def types_of(layers):
    for each in layers:
        yield each["type"]
        yield from types_of(each.get("body") or ())


def asked():
    """Return the operations, functions and layers in all files."""
    found = set()
    for name in FILES:
        for case in cases.load(name):
            found |= {case.op, case.args.get("name"), case.args.get("layer")}
            if case.op in ("layer", "training"):
                found |= set(types_of(case.args["layers"]))
    return found


ASKED = asked()


@pytest.mark.parametrize("name", [n for what in ("layers", "activations", "containers") for n in ROWS[what]])
def test_every_layer(name):
    assert name in ASKED | NOT_IN_TORCH | HELD or APPLIED.get(name) in ASKED, (
        "add it to a grid of tests/oracle"
    )


@pytest.mark.parametrize("name", ROWS["functions"])
def test_every_function(name):
    assert name in ASKED | NOT_IN_TORCH | DRAWN or WITHIN.get(name) in ASKED, (
        "add it to a grid of tests/oracle"
    )


@pytest.mark.parametrize("name", ROWS["losses"])
def test_every_loss(name):
    function = FUNCTION_OF.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    assert {name, function} & ASKED, "add it to a grid of tests/oracle"


def classes_of(value):
    """Yield the names in a table of `tests/optim/cases.py`, however deep they stand."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from classes_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from classes_of(each)


def optim_asked():
    """Return the classes of optimizers and schedules whose answers are stored."""
    kinds = {"OPTIMIZERS": "optimizers", "GROUPS": "optimizers", "MATRICES": "optimizers"}
    kinds |= {name: name.lower() for name in ("SCHEDULES", "SEQUENCES", "CHAINS", "CONTINUED")}
    found = {"ChainedScheduler", "SequentialLR", "ReduceLROnPlateau", "SWALR", "AveragedModel"}
    for table, kind in kinds.items():
        for key, each in getattr(optim_cases, table).items():
            found |= set(classes_of(each)) if key in OPTIM[kind] else set()
    assert all(OPTIM[kind] for kind in ("chains", "sequences", "plateaus", "swa", "averages"))
    return found


@pytest.mark.parametrize("name", ROWS["optimizers"] + ROWS["schedules"] + ROWS["averages of weights"])
def test_every_optimizer_and_schedule(name):
    assert name in optim_asked() | NOT_IN_TORCH, "add it to tests/optim/cases.py"


# What is not in module_db or op_db, draws, or takes places that would have to be those of maxima.
WITHOUT_SAMPLES = (
    NOT_IN_TORCH
    | DRAWN
    | HELD
    | {
        "Dropout",
        "Dropout1d",
        "Dropout2d",
        "AlphaDropout",
        "FeatureAlphaDropout",
        "Residual",
        "DenseResidual",
        "PositionBias",
    }
    | {"Flatten", "Unflatten", "Identity", "Hardsigmoid", "LayerNorm2d"}
    | {"ChannelShuffle", "PixelShuffle", "PixelUnshuffle"}
    | {"Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"}
    | {"MaxUnpool1d", "MaxUnpool2d", "max_unpool1d", "max_unpool2d", "lp_pool1d", "lp_pool2d"}
)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("modules", grid_samples.MODULES),
        ("functions", grid_samples.FUNCTIONS + grid_samples.METHODS),
    ],
)
def test_every_sample_is_stored(kind, names):
    assert {case.args["name"] for case in cases.load(f"samples_{kind}")} == set(names)


@pytest.mark.parametrize("what", ["layers", "activations", "containers", "losses", "functions"])
def test_all_that_pytorch_has_samples_of(what):
    listed = set(grid_samples.FUNCTIONS if what == "functions" else grid_samples.MODULES)
    assert set(ROWS[what]) - listed <= WITHOUT_SAMPLES, "look for it in PyTorch's op_db and module_db"


def test_answers_stay_small():
    files = [path for path in FOLDER.parent.rglob("*") if path.suffix in (".npz", ".json", ".safetensors")]
    assert sum(path.stat().st_size for path in files) < 15_000_000
