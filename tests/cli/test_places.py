"""Where a network sees the pixels of a picture, and masks that are brought back to its size."""

import json

import numpy as np
import pytest

from fastcnn.cli import main
from fastcnn.cli.images import read_images
from fastcnn.cli.places import Place
from fastcnn.data import Dataset, load, save
from fastcnn.data.resizing import Resize
from fastcnn.recipes import Classifier

Image = pytest.importorskip("PIL.Image")
rng = np.random.default_rng(0)
RECIPE = """\
[model]
spec = "Conv {classes} 3 1 1"
[data]
dataset = "{dataset}"
{more}
[optimizer]
type = "SGD"
lr = 0.1
[training]
epochs = 1
batch_size = 8
"""


def test_a_step_by_hand():
    place = Place.of(2, 4)
    assert (place.rows.tolist(), place.columns.tolist()) == ([0, 1], [0, 1, 2, 3])
    assert place.is_whole
    # Two rows become four, of four columns every other is left, one below and one to the right.
    moved = place.resized((2, 4), (4, 2), (1, 1), (6, 3))
    assert (moved.rows.tolist(), moved.columns.tolist()) == ([2, 4], [1, 1, 2, 2])
    assert moved.is_whole
    mask = np.arange(18).reshape(6, 3)
    assert moved.taken_from(mask, 99).tolist() == [[7, 7, 8, 8], [13, 13, 14, 14]]
    # The first column is cut off, and stays so.
    cut = place.resized((2, 4), (2, 4), (0, -1), (2, 2))
    assert cut.columns.tolist() == [-1, 0, 1, -1]
    assert not cut.is_whole
    again = cut.resized((2, 2), (4, 4), (0, 0), (4, 4))
    assert (again.rows.tolist(), again.columns.tolist()) == ([1, 3], [-1, 1, 3, -1])
    assert again.taken_from(np.arange(16).reshape(4, 4), 99).tolist() == [[99, 5, 7, 99], [99, 13, 15, 99]]


@pytest.mark.parametrize("shape", [(8, 12), (16, 24), (5, 30), (31, 7), (1, 1)])
@pytest.mark.parametrize("resize", [None, 6, (8, 12)])
def test_pixels_are_where_the_place_says(tmp_path, shape, resize):
    """A picture that is white on one half is so where the network sees that half, but at the edge."""
    pixels = np.zeros(shape, np.uint8)
    pixels[:, shape[1] // 2 :] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    size = (6, 6) if resize == 6 else (8, 12)
    read = read_images(
        str(tmp_path / "x.png"), (1, *size), "no", 0.0, resize=None if resize is None else Resize(resize)
    )
    seen = np.rint(100 * read[0][0, 0]).astype(int)
    back = read[2].taken_from(seen, -1)
    assert back.shape == shape
    known = back >= 0
    assert read[2].is_whole == known.all() == (resize != 6 or shape[0] == shape[1])
    # A pixel of the network's may cover the edge.
    reach = -(-max(shape) // min(size)) + 1
    away = np.abs(np.arange(shape[1]) + 0.5 - shape[1] // 2) > reach
    wrong = (back != 100 * (pixels > 0)) & known & away
    assert not wrong.any()


def trained(classes=3, more="", dataset="own.npz", **options):
    """Train on a data set of 8x12 pixels in the current folder; return what was trained."""
    if dataset == "own.npz":
        masks = rng.integers(0, classes, (20, 8, 12)).astype(np.min_scalar_type(classes))
        names = [f"c{number}" for number in range(classes)]
        images = rng.integers(0, 256, (20, 1, 8, 12), np.uint8)
        save("own.npz", Dataset(images, masks, names, task="segmentation", **options))
    with open("net.toml", "w", encoding="utf-8") as file:
        file.write(RECIPE.format(classes=classes, dataset=dataset, more=more))
    assert main(["train", "net.toml", "--out", "run", "--quiet"]) == 0
    return Classifier.load("run")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photo(shape, name="photo.png"):
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(name)
    return pixels


def predicted(capsys, *more, image="photo.png"):
    """Return the mask that is written, what is said of it, and the line."""
    capsys.readouterr()
    assert main(["predict", "run", image, "--invert", "no", *more, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert main(["predict", "run", image, "--invert", "no", *more]) == 0
    with Image.open(told["file"]) as mask:
        return np.asarray(mask), told, capsys.readouterr().out


def test_a_mask_has_the_size_of_its_picture(capsys):
    classifier = trained()
    pixels = photo((16, 24))
    mask, told, line = predicted(capsys)
    assert mask.shape == (16, 24)
    seen = read_images("photo.png", classifier.input_shape, "no", 0.0)[0]
    own = classifier.trainer.predict(classifier.prepare(seen))[0].argmax(0)
    np.testing.assert_array_equal(mask, own.repeat(2, 0).repeat(2, 1))
    shares = {one["class"]: one["share"] for one in told["pixels"]}
    assert shares == {f"c{k}": pytest.approx((mask == k).mean(), abs=1e-6) for k in range(3)}
    assert "outside" not in told
    assert "24x16 scaled to 12x8" in line
    # One of the network's size has that of the network.
    Image.fromarray(pixels[:8, :12]).save("photo.png")
    mask, _, _ = predicted(capsys)
    expected = classifier.trainer.predict(pixels[None, None, :8, :12])[0].argmax(0)
    np.testing.assert_array_equal(mask, expected)


def test_margins_are_no_part_of_it(capsys):
    """4x4 pixels are 8x8 for the network, between margins of two columns."""
    classifier = trained()
    photo((4, 4))
    mask, told, _ = predicted(capsys)
    seen = read_images("photo.png", classifier.input_shape, "no", 0.0)[0]
    own = classifier.trainer.predict(classifier.prepare(seen))[0].argmax(0)
    np.testing.assert_array_equal(mask, own[1::2, 3:10:2])
    assert sum(one["share"] for one in told["pixels"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "outside"), [({}, 255), ({"ignore_index": 7}, 7), ({"ignore_index": 1}, 255)]
)
def test_what_was_cut_off_is_no_class(folder, capsys, options, outside):
    for number in range(10):
        for name, highest in (("images", 256), ("masks", 3)):
            (folder / "set" / name).mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, highest, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "set" / name / f"{number}.png")
    more = "resize = 8\n" + "".join(f"{key} = {value}" for key, value in options.items())
    trained(3, more, "set")
    photo((16, 32))
    mask, told, line = predicted(capsys)
    assert mask.shape == (16, 32)
    assert (mask[:, :8] == outside).all()
    assert (mask[:, 24:] == outside).all()
    assert mask[:, 8:24].max() <= 2
    assert told["outside"] == outside
    assert f"(cut off: {outside})" in line
    assert sum(one["share"] for one in told["pixels"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("classes", "mode"), [(255, "P"), (256, "P"), (257, "I;16"), (300, "I;16")])
def test_many_classes(capsys, classes, mode):
    classifier = trained(classes)
    pixels = photo((8, 12))
    mask, told, _ = predicted(capsys, "--out", "masks")
    expected = classifier.trainer.predict(pixels[None, None])[0].argmax(0)
    np.testing.assert_array_equal(mask, expected)
    with Image.open(told["file"]) as file:
        assert file.mode in (mode, "I" if mode == "I;16" else mode)
    assert len(told["pixels"]) == classes


@pytest.mark.parametrize("tta", ["flip", "shift=2", "flip,shift=1"])
def test_views_of_masks(capsys, tta):
    classifier = trained()
    pixels = photo((8, 12))
    mask, _, _ = predicted(capsys, "--tta", tta)
    logits = classifier.trainer.predict(pixels[None, None], tta=tta)[0]
    np.testing.assert_array_equal(mask, logits.argmax(0))
    # The mirror image has the mirror image of the mask.
    Image.fromarray(pixels[:, ::-1].copy()).save("mirror.png")
    if tta == "flip":
        mirrored, _, _ = predicted(capsys, "--tta", tta, image="mirror.png")
        np.testing.assert_array_equal(mirrored, mask[:, ::-1])


def test_a_predicted_mask_is_read_again(folder, capsys):
    """Into a folder of masks, without what was cut off."""
    trained()
    for number in range(5):
        (folder / "set" / "images").mkdir(parents=True, exist_ok=True)
        photo((16, 24), f"set/images/{number}.png")
    images = [f"set/images/{number}.png" for number in range(5)]
    assert main(["predict", "run", *images, "--invert", "no", "--out", "set/masks"]) == 0
    for number in range(5):
        (folder / f"set/masks/{number}-predicted.png").rename(folder / f"set/masks/{number}.png")
    train, _ = load("set", classes=["a", "b", "c"])
    assert train.labels.shape == (4, 16, 24)
