import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn.summary import summarize
from fastcnn.zoo.networks.resnet import BasicBlock
from fastcnn.zoo.networks.units import make_divisible

from .networks import loss_and_targets, make, shape_of

# Parameters and multiply-accumulates of images of the network's own shape, as published but for the forms of
# others for 32x32 pixels. resnet-cifar: 442,368 + 3 x 14,155,776 in 3x3 convolutions, less 2 x 1,179,648
# where a stage begins, whose projections are 2 x 131,072, and 640.
PUBLISHED = {
    "compact-mnist": (16_146, 3_064_656),
    "conv-autoencoder": (9_957, 520_576),
    "convnext_tiny": (28_589_128, 4_455_531_264),
    "densenet-bc-cifar": (176_122, 72_365_352),
    "densenet121": (7_978_856, 2_834_161_664),
    "efficientnet_b0": (5_288_548, 385_814_752),
    "list-cifar": (84_362, 2_539_520),
    "mobilenet-v2-cifar": (2_236_682, 87_976_448),
    "mobilenet_v2": (3_504_872, 300_774_272),
    "plain-mnist-bn-relu": (12_126, 164_160),
    "plain-mnist-relu-bn": (12_044, 164_160),
    "position-bias-mnist": (359_846, 2_233_832),
    "residual-cifar": (927_010, 53_749_632),
    "residual-mnist": (41_132, 929_088),
    "resnet-cifar": (272_474, 40_813_184),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet18-cifar": (11_173_962, 555_422_720),
    "resnet20-cifar": (269_722, 40_551_040),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 4_089_184_256),
    "shufflenet_v2_x1_0": (2_278_604, 144_907_992),
    "spec-lenet": (33_078, 328_600),
    "squeezenet-cifar": (343_306, 64_012_288),
    "squeezenet1_1": (1_235_496, 349_151_936),
    "unet": (31_037_698, 12_042_895_360),
    "unet-scenes": (121_123, 36_438_016),
    "vgg11-bn-cifar": (9_231_114, 152_769_536),
    "vgg11_bn": (132_868_840, 7_609_090_048),
}


def sides(name, kind, **options):
    """Return the heights of the outputs of the layers of one type."""
    model = zoo.build(name, **options)
    shape = options.get("input_shape", zoo.find(name).input_shape)
    return [row.output_shape[1] for row in summarize(model, shape).layers if row.type == kind]


def test_every_network_is_tested():
    assert set(zoo.names()) == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_size_and_cost(name):
    table = summarize(zoo.build(name), zoo.find(name).input_shape)
    assert (table.parameters, table.macs) == PUBLISHED[name]
    assert table.trainable == table.parameters
    network = zoo.find(name)
    channels, *size = network.input_shape
    made = {"classes": (network.num_classes,), "pixels": (network.num_classes, *size)}
    assert table.layers[-1].output_shape == made.get(network.output, (channels, *size))


def test_rows_of_position_bias():
    rows = summarize(zoo.build("position-bias-mnist"), (1, 28, 28)).layers
    assert [row.macs for row in rows if row.macs] == [112_896, 903_168, 903_168, 313_600, 1_000]
    own = [row.parameters for row in rows if row.parameters]
    assert own == [144, 12_544, 4_608, 6_272, 18_432, 3_136, 313_600 + 100, 1_000 + 10]


def test_parts_of_residual():
    rows = summarize(zoo.build("residual-mnist"), (1, 28, 28)).layers
    parts = {
        kind: sum(row.parameters for row in rows if row.type == kind) for kind in ("Conv2d", "BatchNorm2d")
    }
    assert parts == {"Conv2d": 40_680, "BatchNorm2d": 452}


def test_spec_lenet_on_cifar():
    table = summarize(zoo.build("spec-lenet", input_shape=(3, 32, 32)), (3, 32, 32))
    assert (table.parameters, table.macs) == (36_378, 844_000)
    assert sides("spec-lenet", "Conv2d", input_shape=(3, 32, 32)) == [32, 12, 2]
    assert sides("spec-lenet", "MaxPool2d", input_shape=(3, 32, 32)) == [16, 6]


def test_spatial_sizes():
    assert sides("residual-mnist", "Conv2d") == [14, 14, 14, 7, 7, 7, 4, 4, 4, 2, 2, 2, 1]
    assert sides("plain-mnist-relu-bn", "Conv2d") == [14, 7, 4, 2, 1]
    assert sides("position-bias-mnist", "Conv2d") == [28, 14, 7]
    assert sides("compact-mnist", "Conv2d") == [28, 28, 14, 14, 7, 7]
    assert sides("spec-lenet", "Conv2d") == [28, 10, 1]
    assert sides("residual-cifar", "Conv2d") == [32, 32, 16, 16, 16, 8, 4, 4]
    assert sides("resnet-cifar", "Conv2d") == [32] * 7 + [16] * 7 + [8] * 7
    assert sides("resnet20-cifar", "Conv2d") == [32] * 7 + [16] * 6 + [8] * 6
    assert sides("resnet18-cifar", "Conv2d") == [32] * 5 + [16] * 5 + [8] * 5 + [4] * 5
    assert sides("vgg11-bn-cifar", "Conv2d") == [32, 16, 8, 8, 4, 4, 2, 2]
    assert sides("densenet-bc-cifar", "AvgPool2d") == [16, 8]
    assert sides("mobilenet-v2-cifar", "Conv2d")[::10] == [32, 16, 8, 8, 4, 4]


def test_order_inside_the_units():
    def kinds(name):
        return [type(layer).__name__ for layer in zoo.build(name)]

    assert kinds("plain-mnist-relu-bn") == ["Conv2d", "ReLU", "BatchNorm2d"] * 5 + ["Flatten"]
    assert kinds("plain-mnist-bn-relu") == [*(["Conv2d", "BatchNorm2d", "ReLU"] * 5)[:-1], "Flatten"]
    assert kinds("residual-mnist")[:4] == ["Conv2d", "ReLU", "BatchNorm2d", "Residual"]
    assert kinds("position-bias-mnist")[:5] == ["Conv2d", "PositionBias", "ReLU", "ZeroPad2d", "MaxPool2d"]
    assert kinds("compact-mnist")[:8] == [
        *["Conv2d", "BatchNorm2d", "ReLU"] * 2,
        "Dropout",
        "MaxPool2d",
    ]


def test_dense_residual_concatenates():
    model = zoo.build("residual-mnist", dense=True)
    blocks = [layer for layer in model if isinstance(layer, nn.DenseResidual)]
    assert len(blocks) == 4
    assert model.output_shape((2, 1, 28, 28)) == (2, 10)
    assert blocks[0].output_shape((1, 8, 14, 14)) == (1, 16, 14, 14)


@pytest.mark.parametrize("name", PUBLISHED)
def test_same_seed_same_network(name):
    first, second, third = (make(name, seed).state_dict() for seed in (3, 3, 4))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert any(not np.array_equal(first[key], third[key]) for key in first)


def test_seed_rules_dropout_too():
    x = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    first, second = (zoo.build("compact-mnist", 5)(x) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_step_of_training_changes_every_weight(name):
    model = make(name, 0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, *shape_of(name))).astype(np.float32)
    loss, targets = loss_and_targets(name, rng, 4)
    loss(model(x), targets.astype(np.float32) if targets.dtype.kind == "f" else targets)
    model.backward(loss.backward())
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert np.isfinite(parameter.grad).all(), key


def test_other_images_and_classes():
    assert zoo.build("compact-mnist", input_shape=(3, 20, 24), num_classes=7).output_shape(
        (2, 3, 20, 24)
    ) == (2, 7)
    assert zoo.build("spec-lenet", num_classes=4).output_shape((1, 1, 28, 28)) == (1, 4)
    assert zoo.build("position-bias-mnist", input_shape=(1, 29, 31)).output_shape((1, 1, 29, 31)) == (1, 10)


def test_unknown_name_with_suggestion():
    with pytest.raises(
        ArgumentError, match=r"no network is called 'compact-mnst' \(did you mean 'compact-mn"
    ):
        zoo.build("compact-mnst")
    with pytest.raises(ArgumentError, match="there is compact-mnist, conv-autoencoder, densenet-bc"):
        zoo.build("vgg")
    with pytest.raises(DTypeError, match="name must be a str, got 3"):
        zoo.build(3)


def test_images_that_do_not_fit():
    with pytest.raises(
        ShapeError, match=r"residual-mnist makes 40 outputs .* \(1, 64, 64\); 10 classes need"
    ):
        zoo.build("residual-mnist", input_shape=(1, 64, 64))
    with pytest.raises(ShapeError, match=r"compact-mnist does not fit images of \(1, 3, 3\)"):
        zoo.build("compact-mnist", input_shape=(1, 3, 3))
    with pytest.raises(ShapeError, match=r"input_shape must be \(C, H, W\), got \(28, 28\)"):
        zoo.build("compact-mnist", input_shape=(28, 28))
    with pytest.raises(ArgumentError, match="num_classes must be at least 1, got 0"):
        zoo.build("compact-mnist", num_classes=0)


def test_depths_of_resnet():
    assert len([*zoo.build("resnet-cifar", depth=8).parameters()]) == 3 + 3 * 6 + 2 * 3 + 2
    with pytest.raises(ShapeError, match=r"depth must be 6 n \+ 2, such as 8, 14, 20 or 32, got 18"):
        zoo.build("resnet-cifar", depth=18)


def test_depths_of_densenet():
    model = zoo.build("densenet-bc-cifar", depth=22, growth_rate=8)
    assert len([*model.parameters()]) == 1 + 3 * 3 * 6 + 2 * 3 + 2 + 2
    assert model.classifier.in_features == ((16 + 24) // 2 + 24) // 2 + 24
    with pytest.raises(ShapeError, match=r"depth must be 6 n \+ 4, such as 22, 40 or 100, got 20"):
        zoo.build("densenet-bc-cifar", depth=20)
    with pytest.raises(ArgumentError, match="growth_rate must be at least 1, got 0"):
        zoo.build("densenet-bc-cifar", growth_rate=0)


def test_shortcuts_without_parameters_add_every_other_pixel_to_the_first_channels():
    block = BasicBlock(2, 4, 2, projection=False).eval()
    for each in block.parameters():
        each.data[...] = 0
    x = np.random.default_rng(0).uniform(1, 2, (3, 2, 6, 6)).astype(np.float32)
    y = block(x)
    np.testing.assert_array_equal(y[:, :2], x[:, :, ::2, ::2])
    np.testing.assert_array_equal(y[:, 2:], 0)


def test_channels_are_shuffled_by_groups():
    class Shuffled(nn.Module):
        def forward(self, x, groups):
            return nn.functional.channel_shuffle(x, groups)

    x = np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1)
    np.testing.assert_array_equal(Shuffled()(x, 2).ravel(), [0, 3, 1, 4, 2, 5])
    np.testing.assert_array_equal(Shuffled()(x, 3).ravel(), [0, 2, 4, 1, 3, 5])


def test_channels_that_a_width_gives():
    assert [make_divisible(each) for each in (1, 11.9, 12, 32, 33, 44)] == [8, 16, 16, 32, 32, 48]
    assert zoo.build("mobilenet-v2-cifar", width_mult=0.5).classifier[1].in_features == 1280


def test_levels_of_unet():
    model = zoo.build("unet", input_shape=(1, 24, 36), num_classes=3, widths=(4, 6, 8), bilinear=True)
    assert model.output_shape((2, 1, 24, 36)) == (2, 3, 24, 36)
    assert [each[1].out_channels for each in model.up] == [6, 4]
    assert zoo.build("unet", input_shape=(1, 5, 7), widths=[2]).output_shape((1, 1, 5, 7)) == (1, 2, 5, 7)
    with pytest.raises(ShapeError, match=r"unet does not fit images of \(3, 40, 36\): 4 levels need .* of 8"):
        zoo.build("unet", input_shape=(3, 40, 36), widths=(2, 2, 2, 2))
    for wrong in ((), 8):
        with pytest.raises(ArgumentError, match="widths must be a sequence of channels, got"):
            zoo.build("unet", widths=wrong)
    with pytest.raises(ArgumentError, match="widths must be at least 1, got 0"):
        zoo.build("unet", widths=(4, 0))


@pytest.mark.parametrize(("size", "code"), [((28, 28), (7, 7)), ((29, 30), (8, 8)), ((1, 3), (1, 1))])
def test_an_autoencoder_returns_images_of_any_size(size, code):
    model = zoo.build("conv-autoencoder", 0, input_shape=(2, *size), code=3)
    x = np.random.default_rng(0).uniform(0, 1, (2, 2, *size)).astype(np.float32)
    assert model.encoder(x).shape == (2, 3, *code)
    y = model.predict(x)
    assert y.shape == x.shape
    assert (y > 0).all()
    assert (y < 1).all()


def test_what_makes_images_has_no_classes():
    message = "conv-autoencoder makes images: num_classes must be None, got 10"
    with pytest.raises(ArgumentError, match=message):
        zoo.build("conv-autoencoder", num_classes=10)
    with pytest.raises(ArgumentError, match="widths must be a sequence of channels, got None"):
        zoo.build("conv-autoencoder", widths=None)


def test_outputs_that_are_checked():
    image = (3, 4, 4)
    check = zoo.check_output
    check(nn.Conv2d(3, 7, 1), image, 7, what="x", output="pixels")
    check(nn.Conv2d(3, 3, 1), image, what="x", output="images")
    for output, message in [
        ("classes", r"x makes 3x2x2 outputs of an image of \(3, 4, 4\); 7 classes need 7"),
        ("pixels", "7 classes of each pixel need 7x4x4"),
        ("images", "such an image again needs 3x4x4"),
    ]:
        with pytest.raises(ShapeError, match=message):
            check(nn.MaxPool2d(2), image, 7, what="x", output=output)


def test_a_small_image_for_convnext():
    with pytest.raises(ShapeError, match=r"convnext_tiny does not .* must have at least 32x32 pixels"):
        zoo.build("convnext_tiny", input_shape=(3, 31, 64))


def test_a_new_block_of_convnext_adds_next_to_nothing():
    block = zoo.build("convnext_tiny", 0).features[1][0]
    np.testing.assert_array_equal(block.layer_scale.data, np.full((96, 1, 1), 1e-6, np.float32))
    block.layer_scale.data[...] = 3
    block.initialize(seed=1)
    np.testing.assert_array_equal(block.layer_scale.data, np.full((96, 1, 1), 1e-6, np.float32))


def test_unknown_option():
    with pytest.raises(ArgumentError, match="compact-mnist has no option dense"):
        zoo.build("compact-mnist", dense=True)
