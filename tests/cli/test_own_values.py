"""Networks trained on images of any range and polarity, and pictures that they meet."""

import json

import numpy as np
import pytest

from fastcnn import data
from fastcnn.cli import main
from fastcnn.errors import DataError
from fastcnn.recipes import Classifier
from fastcnn.training import load_weights, read_metadata, save_weights

Image = pytest.importorskip("PIL.Image")
KINDS = {
    "uint8": lambda x: x,
    "float-255": lambda x: x.astype(np.float32),
    "float-1": lambda x: (x / 255).astype(np.float32),
    "signed": lambda x: (x / 127.5 - 1).astype(np.float32),
    "dark-on-light": lambda x: 255 - x,
    "signed-dark-on-light": lambda x: (1 - x / 127.5).astype(np.float32),
}
COUNT = 40


@pytest.fixture(scope="module")
def digits():
    train, test = data.load("mnist")
    return data.stratified_subset(train, 1500, 0), data.stratified_subset(test, 100, 0)


@pytest.fixture(scope="module")
def pictures(digits, tmp_path_factory):
    """Return the paths of PNG files of test digits, light on dark."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(COUNT):
        Image.fromarray(digits[1].images[number, 0]).save(folder / f"{number}.png")
    return [str(folder / f"{number}.png") for number in range(COUNT)]


def train(folder, digits, change, *options):
    """Train a network on changed digits and return the folder of the run."""
    arrays = {
        f"{part}_{name}": getattr(each, name)
        for part, each in zip(("train", "test"), digits, strict=True)
        for name in ("images", "labels")
    }
    arrays.update({name: change(arrays[name]) for name in ("train_images", "test_images")})
    np.savez(folder / "own.npz", **arrays)
    (folder / "net.txt").write_text("Conv 8 5 2 2\nReLU\nPool 2 2\nFC 10\n")
    run = folder / "run"
    argv = ["train", str(folder / "net.txt"), "--dataset", str(folder / "own.npz"), "--out", str(run)]
    options = ("--epochs", "3", "--batch-size", "32", "--quiet", *options)
    assert main([*argv, *options]) == 0
    return run


def share_right(run, digits, pictures, capsys, *options):
    capsys.readouterr()
    assert main(["predict", str(run), *pictures, "--json", *options]) == 0
    results = json.loads(capsys.readouterr().out)
    guesses = [int(each["classes"][0]["class"]) for each in results]
    return np.mean(guesses == digits[1].labels[:COUNT])


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_meet_the_values_of_the_training(kind, digits, pictures, tmp_path, capsys):
    run = train(tmp_path, digits, KINDS[kind])
    assert share_right(run, digits, pictures, capsys) > 0.75
    classifier = Classifier.load(run)
    expected = {"signed": (-1, 1), "float-1": (0, 1), "signed-dark-on-light": (-1, 1)}.get(kind, (0, 255))
    assert classifier.images.value_range == expected
    assert classifier.images.polarity == ("dark on light" if "dark" in kind else "light on dark")
    # The same images, however they come, give the same answer.
    images = KINDS[kind](digits[1].images)
    same = classifier.prepare(images, expected)
    assert same is images
    logits = classifier.trainer.predict(images)
    black, white = expected
    unit = ((images - np.float32(black)) / np.float32(white - black)).astype(np.float32)
    np.testing.assert_allclose(classifier.trainer.predict(classifier.prepare(unit)), logits, atol=1e-2)


def test_unknown_values_are_asked_for(digits, pictures, tmp_path, capsys, fails):
    run = train(tmp_path, digits, lambda x: ((x / 255 - 0.1307) / 0.3081).astype(np.float32))
    error = fails("predict", run, pictures[0])
    assert error.startswith(
        f"{run}: was trained on float32 images from -0.424213 to 2.82149, and which values"
    )
    assert "--value-range BLACK WHITE" in error
    options = ("--value-range", "-0.4242", "2.8215")
    assert share_right(run, digits, pictures, capsys, *options) > 0.75
    with pytest.raises(DataError, match="which values black and white had there is not known"):
        Classifier.load(run).trainer.predict(digits[1].images)
    known = Classifier.load(run, value_range=(-0.4242, 2.8215))
    assert (known.trainer.predict(digits[1].images).argmax(1) == digits[1].labels).mean() > 0.75
    # Its own data set needs no range; another one does.
    assert main(["evaluate", str(run)]) == 0
    assert "was trained on float32" in fails("evaluate", run, "--dataset", "mnist")


def test_values_that_were_said_are_kept(digits, pictures, tmp_path, capsys):
    options = ("--value-range", "-0.4242", "2.8215")
    run = train(tmp_path, digits, lambda x: ((x / 255 - 0.1307) / 0.3081).astype(np.float32), *options)
    assert share_right(run, digits, pictures, capsys) > 0.75
    assert Classifier.load(run).reading == {"value_range": [-0.4242, 2.8215]}


def test_evaluation_on_images_of_other_values(digits, tmp_path, capsys, caplog):
    run = train(tmp_path, digits, KINDS["signed"])
    capsys.readouterr()
    results = []
    for kind in ("uint8", "float-255", "signed"):
        images = KINDS[kind](digits[1].images)
        np.savez(tmp_path / f"{kind}.npz", images=images, labels=digits[1].labels)
        assert main(["evaluate", str(run), "--dataset", str(tmp_path / f"{kind}.npz"), "--json"]) == 0
        results.append(json.loads(capsys.readouterr().out))
    for each in results[1:]:
        assert each["confusion"] == results[0]["confusion"]
        assert each["loss"] == pytest.approx(results[0]["loss"], rel=1e-4)
    assert not caplog.records
    np.savez(tmp_path / "turned.npz", images=255 - digits[1].images, labels=digits[1].labels)
    assert main(["evaluate", str(run), "--dataset", str(tmp_path / "turned.npz")]) == 0
    assert "is dark on light, but the network was trained on light on dark" in caplog.text


def test_an_array_with_the_values_of_the_training(digits, tmp_path, capsys, fails):
    run = train(tmp_path, digits, KINDS["signed"])
    capsys.readouterr()
    answers = []
    for name in ("signed", "uint8", "float-1"):
        np.save(tmp_path / "x.npy", KINDS[name](digits[1].images[:5]))
        assert main(["predict", str(run), str(tmp_path / "x.npy"), "--json"]) == 0
        answers.append([each["classes"] for each in json.loads(capsys.readouterr().out)])
    for other in answers[1:]:
        assert [each[0]["class"] for each in other] == [each[0]["class"] for each in answers[0]]
    np.save(tmp_path / "x.npy", KINDS["float-255"](digits[1].images[:5]))
    expected = "numbers must be from 0 to 1 or from -1 to 1, got 0 to 255"
    assert fails("predict", run, tmp_path / "x.npy") == f"{tmp_path / 'x.npy'}: {expected}"


def test_weights_from_before_these_were_kept(digits, pictures, tmp_path, capsys, caplog):
    run = train(tmp_path, digits, KINDS["uint8"])
    path = run / "weights.safetensors"
    notes = json.loads(read_metadata(path)["fastcnn"])
    del notes["images"], notes["reading"]
    model = Classifier.load(run).model
    load_weights(model, path)
    save_weights(model, path, {"fastcnn": json.dumps(notes)})
    assert share_right(run, digits, pictures, capsys) > 0.75
    assert "does not tell what the images of" in caplog.text
    assert "--value-range says otherwise" in caplog.text
    assert main(["evaluate", str(run)]) == 0
    # Somebody who knows that these were floats says so.
    facts = Classifier.load(run, value_range=(0, 255)).images
    assert (facts.dtype, facts.value_range, facts.borders[1]) == ("float32", (0, 255), 0)
    # A border that is no share of white tells that they were no bytes.
    save_weights(model, path, {"fastcnn": json.dumps({**notes, "background": -1.0})})
    assert Classifier.load(run).images.value_range is None


def test_older_weights_of_floats_are_measured_as_before(digits, tmp_path, capsys):
    run = train(tmp_path, digits, KINDS["float-255"])
    capsys.readouterr()
    assert main(["evaluate", str(run)]) == 0
    expected = capsys.readouterr().out
    path = run / "weights.safetensors"
    notes = json.loads(read_metadata(path)["fastcnn"])
    del notes["images"], notes["reading"]
    save_weights(Classifier.load(run).model, path, {"fastcnn": json.dumps(notes)})
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out == expected


def test_bytes_are_not_mistaken_for_floats(trained):
    classifier = Classifier.load(trained)
    images = np.full((2, 1, 28, 28), 200, np.float32)
    with pytest.raises(DataError, match=r"trained on uint8 images .* these are float32 from 200 to 200"):
        classifier.trainer.predict(images)
    np.testing.assert_allclose(
        classifier.trainer.predict(classifier.prepare(images, (0, 255))),
        classifier.trainer.predict(images.astype(np.uint8)),
        rtol=1e-4,
        atol=1e-4,
    )
