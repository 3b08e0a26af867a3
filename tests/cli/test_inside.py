"""`fastcnn info --table`: all that is public is in it, and the README has it."""

import inspect
from pathlib import Path

from fastcnn import data, nn, optim, training, zoo
from fastcnn.cli import main
from fastcnn.cli.inside import rows
from fastcnn.nn.declaration import BLOCKS, LAYERS

README = Path(__file__).parents[2] / "README.md"
ROWS = rows()


def test_the_readme_has_the_table(capsys):
    assert main(["info", "--table"]) == 0
    table = capsys.readouterr().out
    assert table.startswith("| | |\n|---|---|\n| layers | AdaptiveAvgPool1d, ")
    assert f"`fastcnn info --table` prints:\n\n{table}\n" in README.read_text(encoding="utf-8"), (
        "run fastcnn info --table, and put into the README what it prints"
    )


def test_nothing_public_is_missing_and_nothing_is_twice():
    every = [name for what, names in ROWS.items() if what != "functions" for name in names]
    assert len(set(every)) == len(every)
    assert set(every) >= {*zoo.names(), *data.names(), *LAYERS, *BLOCKS}
    for module, others in [
        (nn, {"Module", "Parameter"}),
        (optim, {"Optimizer"}),
        (optim.lr_scheduler, {"LRScheduler"}),
        (optim.swa_utils, set()),
        (training, {"Callback", "History", "LRFindResult", "Terminated", "Trainer"}),
    ]:
        public = {name for name in module.__all__ if inspect.isclass(getattr(module, name))}
        assert public - set(every) == others, module.__name__
    assert ROWS["functions"] == nn.functional.__all__


def test_kinds():
    assert {"Conv2d", "LayerNorm2d", "Identity"} <= set(ROWS["layers"])
    assert {"ReLU", "PReLU", "GLU", "Softmax2d"} <= set(ROWS["activations"])
    assert ROWS["containers"] == ["DenseResidual", "ModuleDict", "ModuleList", "Residual", "Sequential"]
    assert all(name.endswith("Loss") for name in ROWS["losses"])
    assert (ROWS["networks for pixels"], ROWS["networks for images"]) == (
        ["unet", "unet-scenes"],
        ["conv-autoencoder"],
    )
    assert all(zoo.find(name).input_shape[1] == 224 for name in ROWS["networks of torchvision"])
    assert {"Normalize", "Compose"} <= set(ROWS["transforms"])
