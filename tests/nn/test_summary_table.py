import copy
import json
import pickle

import pytest

from fastcnn import nn, optim, zoo
from fastcnn.errors import ArgumentError
from fastcnn.nn.summary import summarize

from ..pages import shown
from ..zoo.networks import make


def small():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=(2, 1)), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 3 * 6, 5)
    )


def test_text():
    model = small()
    model[0].weight.requires_grad = False
    model[3].weight.requires_grad = model[3].bias.requires_grad = False
    optimizer = optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    text = model.summary((2, 8, 8), optimizer=optimizer, loss=nn.CrossEntropyLoss())
    assert (
        text
        == """\
Sequential, input 2x8x8
-------------------------------------------------------------------------------------------
Layer          Name  Input  Output  Parameters  Trainable   MACs  Field  Jump in  Jump out
-------------------------------------------------------------------------------------------
Conv2d-1       0     2x8x8  4x3x6           76  partly     1,296      3        1       2x1
BatchNorm2d-2  1     4x3x6  4x3x6            8  yes            0      3      2x1       2x1
Flatten-3      2     4x3x6  72               0  -              0      3      2x1         -
Linear-4       3     72     5              365  no           360    7x8        -         -
-------------------------------------------------------------------------------------------
Parameters: 449 (12 trainable, 437 non-trainable)
Multiply-accumulates per sample: 1,656
Memory per sample (MB): input 0.00, forward/backward 0.00, parameters 0.00, total 0.00
Field: pixels (rows x columns) that an output sees; jump: pixels between neighbours
Optimizer: SGD, lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False
Loss: CrossEntropyLoss, reduction=mean, ignore_index=-100, label_smoothing=0.0""".replace("-" * 91, "-" * 90)
    )


def test_markdown():
    model = nn.Sequential({"a|b": nn.ReLU()})
    assert (
        model.summary((2, 8, 8), format="markdown", columns=["name", "type", "output", "jump_out"])
        == """\
**Sequential, input 2x8x8**

| Name | Type | Output | Jump out |
| --- | --- | --- | ---: |
| a\\|b | ReLU | 2x8x8 | 1 |

- Parameters: 0 (0 trainable, 0 non-trainable)
- Multiply-accumulates per sample: 0
- Memory per sample (MB): input 0.00, forward/backward 0.00, parameters 0.00, total 0.00
- Field: pixels (rows x columns) that an output sees; jump: pixels between neighbours"""
    )


def test_json():
    model = zoo.build("compact-mnist")
    optimizer = optim.Adam(optim.parameter_groups(model, [{"parameters": "others", "weight_decay": 0.5}]))
    table = json.loads(model.summary((1, 28, 28), format="json", optimizer=optimizer, loss=nn.MSELoss("sum")))
    assert table["model"] == "compact-mnist"
    assert table["input_shape"] == [1, 28, 28]
    assert (table["parameters"], table["trainable"], table["macs"]) == (16_146, 16_146, 3_064_656)
    assert table["layers"][7] == {
        "index": 8,
        "name": "7",
        "type": "MaxPool2d",
        "input_shape": [16, 28, 28],
        "output_shape": [16, 14, 14],
        "parameters": 0,
        "trainable": 0,
        "macs": 0,
        "receptive_field": [6, 6],
        "jump_in": [1, 1],
        "jump_out": [2, 2],
    }
    assert table["layers"][-1]["jump_out"] is None
    parts = [table[f"{name}_bytes"] for name in ("input", "forward_backward", "parameter", "total")]
    assert parts[3] == sum(parts[:3])
    assert [group["weight_decay"] for group in table["optimizer"]["groups"]] == [0.5, 0.0]
    assert sum(group["parameters"] for group in table["optimizer"]["groups"]) == 16_146
    assert table["loss"] == {"type": "MSELoss", "reduction": "sum"}


def test_groups_and_schedulers_in_text():
    model = small()
    optimizer = optim.SGD(optim.parameter_groups(model, [{"parameters": "others", "lr": 0.5}]), lr=0.1)
    optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    lines = model.summary((2, 8, 8), optimizer=optimizer).splitlines()
    assert lines[-5] == "Optimizer: SGD with 2 groups"
    assert lines[-4].startswith("  group 0, parameters=17, lr=")
    assert lines[-2].startswith("  group 1, parameters=432, lr=")
    assert "max_lr" not in "".join(lines)


@pytest.mark.parametrize("name", zoo.names())
def test_a_table_fits_into_120_columns(name):
    model = make(name, input_shape=zoo.find(name).input_shape)
    optimizer = optim.Adam(model.parameters())
    text = summarize(model, zoo.find(name).input_shape, optimizer=optimizer).text()
    assert text.startswith(f"{name}, input ")
    assert max(map(len, text.splitlines())) <= 120
    # Behind names such as features.denseblock1.denselayer1.norm1 there is room for fewer columns.
    assert ("Jump in" in text) == (name not in ("convnext_tiny", "densenet121", "efficientnet_b0"))


def test_a_table_that_would_be_too_wide():
    layer = nn.Sequential({"a_name_of_some_twenty_characters": nn.AdaptiveAvgPool2d((1, 100))})
    model = nn.Sequential({"another_name_that_is_long": layer})
    text = model.summary((1000, 1, 100))
    assert max(map(len, text.splitlines())) <= 120
    assert "Input" not in text
    assert "..." in text
    assert "1000x1x100" in text
    # What was asked for is shown, however wide.
    columns = ["layer", "name", "type", "input", "output", "parameters", "trainable", "macs", "jump_in"]
    assert max(map(len, model.summary((1000, 1, 100), columns=columns).splitlines())) > 120


def test_wrong_choices():
    for columns in ("name", [], ["nmae"], ["name", "Type"]):
        with pytest.raises(ArgumentError, match="summary: columns must be among layer, name, type"):
            small().summary((2, 8, 8), columns=columns)
    with pytest.raises(
        ArgumentError, match="summary: format must be one of text, markdown, json, got 'html'"
    ):
        small().summary((2, 8, 8), format="html")


def test_notebooks_show_a_table():
    text = small().summary((2, 8, 8))
    assert (type(text).__mro__[1], text[:10]) == (str, "Sequential")
    page = shown(text)
    assert page.words[1:4] == ["Sequential, input 2x8x8", "Layer", "Name"]
    assert page.tags.count("tr") == 5
    assert "Multiply-accumulates per sample: 1,656" in page.words
    few = shown(small().summary((2, 8, 8), columns=["type"]))
    assert few.words[1:3] == ["Sequential, input 2x8x8", "Type"]
    assert shown(summarize(small(), (2, 8, 8))).words == page.words
    again = pickle.loads(pickle.dumps(text))
    assert again == text
    assert again._repr_html_() == text._repr_html_() == copy.deepcopy(text)._repr_html_()


@pytest.mark.parametrize("format", ["markdown", "json"])
def test_other_formats_stay_text(format):
    assert type(small().summary((2, 8, 8), format=format)) is str


def test_names_are_text_in_notebooks():
    model = nn.Sequential(nn.ReLU())
    summary = summarize(model, (1, 2, 2), name="<script>x</script>")
    assert "<script>x</script>, input 1x2x2" in shown(summary).words


def test_a_table_of_very_many_layers_has_a_gap():
    page = shown(nn.Sequential(*(nn.ReLU() for _ in range(600))).summary((1, 2, 2)))
    assert page.tags.count("tr") == 502
    assert "\u2026" in page.words
