"""What docs/scikit-learn.md shows runs, and what it says of the parameters is so."""

import doctest
import inspect
import re

import pytest
from sklearn.neural_network import MLPClassifier

from fastcnn.sklearn import CNNClassifier, CNNRegressor, classifier, regressor

from .. import documents

TEXT = documents.read("docs/scikit-learn.md")
# Those whose default differs: it is that of the optimizer, and of Adam the same.
OTHERS = {"learning_rate_init", "loss"}


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = documents.run_guide("scikit-learn.md", 4)
    assert capsys.readouterr().out == "0.01\n"
    assert names["model"].n_iter_ <= 4
    assert (tmp_path / "digits.onnx").exists()


def test_parameters_of_multilayer_perceptrons_have_their_names_and_defaults():
    theirs = inspect.signature(MLPClassifier).parameters
    ours = inspect.signature(CNNClassifier).parameters
    shared = [name for name in ours if name in theirs and name not in OTHERS]
    assert len(shared) == 11
    for name in shared:
        assert ours[name].default == theirs[name].default, name
        assert f"`{name}`" in TEXT


@pytest.mark.parametrize("module", [classifier, regressor])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module) == (0, {classifier: 5, regressor: 4}[module])


def test_every_parameter_is_described():
    for name in inspect.signature(CNNClassifier).parameters:
        assert re.search(
            rf"^    {name} : ", inspect.getdoc(CNNClassifier).replace("\n", "\n    "), re.MULTILINE
        )
    others = inspect.signature(CNNClassifier).parameters.keys() - inspect.signature(CNNRegressor).parameters
    assert others == {"class_weight"}
