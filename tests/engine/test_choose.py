"""Choice of the layout: costs worked out by hand, and what the choice depends on."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, zoo
from fastcnn._kernels import cpu
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Setting, Wanted
from fastcnn.engine.choose import choose, choose_bands, cost, layouts, settled, takes_channels
from fastcnn.engine.elements import ElementType
from fastcnn.engine.fuse import fuse
from fastcnn.engine.graph import Graph, Node, Value
from fastcnn.engine.layout import Layout
from fastcnn.engine.lower import lower

from .._kernels.helpers import using_isa
from ..zoo.networks import make, shape_of

IMAGES, CHANNELS = Layout("images", 8), Layout("channels", 8)


def graph(*layers, shape=(2, 4, 4)):
    return fuse(lower(nn.Sequential(*layers), shape))


def products():
    """A convolution of 12 channels on 16 pixels, and a linear layer of 5 outputs on the 192 elements."""
    return graph(nn.Conv2d(2, 12, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 5))


def test_costs_of_inference_by_hand():
    # 16 pixels of 9 taps by 2 channels, for each of 12 outputs; 192 elements for each of 5.
    group = 16 * 9 * 2 * 12 / 0.93 + 192 * 5 / 0.93
    image = 16 * 9 * 2 * 2 / 0.95 + 192 * 1 / 0.83  # 12 channels fill two vectors, 5 one
    # Groups for the busier of two threads.
    for batch, groups, rows in ((1, 1, 1), (8, 1, 4), (17, 2, 9), (64, 4, 32)):
        assert cost(products(), IMAGES, batch, False) == pytest.approx(group * groups)
        assert cost(products(), CHANNELS, batch, False) == pytest.approx(image * rows), batch


def test_costs_of_training_by_hand():
    """Weight gradients besides, and the input's gradient of all but the first layer."""
    conv, dense = 16 * 9 * 2 * 12, 192 * 5
    group = conv / 0.93 + conv / 0.62 + 2 * dense / 0.93 + dense / 0.62
    assert cost(products(), IMAGES, 1, True) == pytest.approx(group)
    conv = 16 * 9 * 2 * 2
    image = conv / 0.95 + conv / 0.92 + 192 / 0.83 + 192 / 0.8 + 5 * 24 / 0.95
    assert cost(products(), CHANNELS, 1, True) == pytest.approx(image)


def test_no_images_cost_nothing():
    assert cost(products(), IMAGES, 0, False) == cost(products(), CHANNELS, 0, True) == 0


def test_a_bias_for_each_position_of_groups_has_one_layout():
    """Its rows hold the channels of all groups."""
    grouped = graph(nn.Conv2d(2, 4, 3, groups=2, bias=False), nn.PositionBias((4, 2, 2)))
    assert not takes_channels(grouped)
    assert takes_channels(graph(nn.Conv2d(2, 4, 3, groups=2)))
    assert takes_channels(graph(nn.Conv2d(2, 2, 3, groups=2, bias=False), nn.PositionBias((2, 2, 2))))
    for batch in (1, 1000):
        assert choose(grouped, batch, True).name == "images"


def test_groups_cost_what_their_channels_do():
    grouped = graph(nn.Conv2d(2, 4, 3, groups=2, padding=1))
    assert cost(grouped, IMAGES, 8, False) == pytest.approx(16 * 9 * 2 * 1 * 2 / 0.93)
    assert cost(grouped, CHANNELS, 1, False) == pytest.approx(16 * 9 * 2 * 1 / 0.83)


def test_depthwise_convolutions_fill_vectors_with_channels():
    depthwise = graph(nn.Conv2d(12, 12, 3, groups=12, padding=1), shape=(12, 4, 4))
    assert cost(depthwise, CHANNELS, 1, False) == pytest.approx(16 * 9 * 2 / 0.4)
    # The input's gradient is not wanted.
    assert cost(depthwise, CHANNELS, 1, True) == pytest.approx(2 * 16 * 9 * 2 / 0.4)
    # With images in the lanes, each channel is an operation of its own.
    assert cost(depthwise, IMAGES, 8, False) == pytest.approx(16 * 9 * 12 / 0.16)


class Shuffled(nn.Module):
    """Channels in another order, behind a convolution."""

    def __init__(self, order):
        super().__init__()
        self.conv, self.order, self.last = nn.Conv2d(3, 32, 1), order, nn.Conv2d(32, 4, 1)

    def forward(self, x):
        x = self.conv(x).reshape(x.shape[0], 2, 16, 4, 4)
        return self.last(x.permute(self.order).reshape(x.shape[0], 32, 4, 4))


def test_elements_that_change_places_are_copied_one_by_one_where_channels_are_in_the_lanes():
    def moving(order, layout, training=False):
        network = fuse(lower(Shuffled(order), (3, 4, 4)))
        return cost(network, layout, 1, training) - sum(
            node.cost(Setting(layout), ()) for node in network.nodes if node.multiplies
        )

    apart, together = (0, 2, 1, 3, 4), (0, 1, 2, 4, 3)
    assert moving(apart, CHANNELS) == pytest.approx(2 * 16 * 32)
    assert moving(together, CHANNELS) == pytest.approx(2 * 16 * CHANNELS.vectors(32))
    assert moving(apart, IMAGES) == moving(together, IMAGES) == pytest.approx(2 * 16 * 32)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch", [1, 32, 1000])
def test_depthwise_networks_have_channels_in_the_lanes(batch, training):
    network = fuse(lower(make("mobilenet-v2-cifar", 0), shape_of("mobilenet-v2-cifar")))
    assert choose(network, batch, training).name == "channels"


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", zoo.names())
def test_the_choice_is_the_cheaper_layout_whatever_the_threads(name, training):
    """Were it a matter of threads, so would be the results."""
    network = fuse(lower(make(name, 0), shape_of(name)))
    chosen = []
    for threads in (1, 2, 8):
        fastcnn.set_num_threads(threads)
        chosen.append([choose(network, batch, training).name for batch in (1, 8, 32, 128, 1000)])
    assert chosen[0] == chosen[1] == chosen[2]
    assert chosen[0][0] == "channels"  # one image leaves all lanes but one empty
    for batch, layout in zip((1, 8, 32, 128, 1000), chosen[0], strict=True):
        costs = {
            each.name: cost(network, each, batch, training)
            for each in layouts(ElementType.of(network.dtype.name))
        }
        assert costs[layout] == min(costs.values())


def filtered(channels, pixels=28):
    """A convolution of 3x3 windows, behind one that takes next to nothing."""
    layers = nn.Conv2d(1, channels, 1), nn.Conv2d(channels, channels, 3, padding=1)
    return graph(*layers, shape=(1, pixels, pixels))


def test_costs_of_filtering_by_hand():
    """49 tiles of 36 positions, each a chain of 16 products that begins; tiles there and back."""
    network, wanted = graph(nn.Conv2d(16, 16, 3, padding=1), shape=(16, 28, 28)), Wanted("high", "winograd")
    tile = 36 * 2 * (16 + 6) / 0.85 + 2 * 470
    weights = 2 * 36 * 16 * 2
    assert cost(network, CHANNELS, 1, False, wanted) == pytest.approx(49 * (tile + 2 * 530) + weights)
    step = 49 * (2 * tile + 2 * 530 + 2 * 470)
    assert cost(network, CHANNELS, 10, True, wanted) == pytest.approx(5 * step)  # of two threads
    once = 2 * 1200 * 16 * 2  # weights there, their gradient back
    assert cost(network, CHANNELS, 1, True, wanted) == pytest.approx(step + once)


def test_predictions_of_few_tiles_are_left_to_direct_sums():
    """Four tiles share weights that are four times as many: one image would take longer."""
    for channels, pixels, names in ((16, 7, {"direct"}), (64, 8, {"direct", "winograd"})):
        for training in (False, True):
            layers = nn.Conv2d(8, channels, 1), nn.Conv2d(channels, channels, 3, padding=1)
            options = {"batch_size": 5, "layout": "channels", "wanted": Wanted("high"), "training": training}
            plan = Plan(nn.Sequential(*layers), (8, pixels, pixels), **options)
            found = {name for _, what, name in plan.picked if what == "forward"}
            assert found == ({"direct", "winograd"} if training else names)


def test_steps_of_a_few_images_pay_for_the_weights():
    """What a step does once with the weights, filtering 36 positions of each, outweighs few tiles."""
    layers = nn.Conv2d(8, 32, 1), nn.Conv2d(32, 32, 3, padding=1)
    for batch, pixels, name in ((1, 7, "direct"), (4, 7, "direct"), (5, 7, "winograd"), (1, 56, "winograd")):
        options = {"batch_size": batch, "layout": "channels", "wanted": Wanted("high"), "training": True}
        plan = Plan(nn.Sequential(*layers), (8, pixels, pixels), **options)
        assert {name for label, _, name in plan.picked if label.startswith("1 ")} == {name}


@pytest.mark.skipif(cpu.vector_bytes() < 32, reason="short vectors leave no lanes empty")
def test_what_has_bits_of_its_own_fixes_the_layout_of_predictions():
    """A row's result is the same in every batch: filtering is taken for all of them, or for none."""
    pays, does_not = filtered(16), filtered(12)  # 12 channels leave a quarter of the lanes empty
    high = Wanted("high")
    assert settled(pays, False, high) == high
    assert settled(does_not, False, high) == Wanted("highest")
    assert settled(does_not, False, Wanted("high", "winograd")).precision == "high"
    for batch in (1, 8, 1000):
        assert choose(pays, batch, False, high).name == "channels"
    assert choose(does_not, 1, False).name == "channels"
    assert choose(does_not, 1000, False).name == "images"
    # A step is made for its batch.
    assert settled(does_not, True, high) == high


def test_other_types_have_the_highest_precision():
    double = fuse(lower(nn.Sequential(nn.Conv2d(16, 16, 3)).double(), (16, 28, 28)))
    for training in (True, False):
        assert settled(double, training, Wanted("high", "gemm")) == Wanted("highest", "gemm")


def test_training_without_products_has_one_layout():
    """Sums over a batch depend on the layout: they are what they were for every size of batch."""
    for batch in (1, 100):
        assert choose(graph(nn.BatchNorm2d(2), nn.ReLU()), batch, True).name == "images"


@pytest.mark.skipif("avx512_bf16" not in cpu.available_isas(), reason="vectors of 16 numbers")
@pytest.mark.parametrize("training", [True, False])
def test_medium_is_high_where_narrow_values_would_be_slower(monkeypatch, training):
    """LeNet's 6 and 16 channels leave much of the lanes empty; a ResNet's 16 and 32 do not."""
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    lenet = nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU()
    with using_isa("avx512_bf16"):
        for layers, shape, precision in (
            (lenet, (1, 28, 28), "high"),
            ((nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3)), (3, 16, 16), "medium"),
        ):
            lowered = graph(*layers, shape=shape)
            assert settled(lowered, training, Wanted("medium")).precision == precision
            assert settled(lowered, training, Wanted("medium", "direct")).precision == "medium"
            model = nn.Sequential(*layers)
            for layout in ("channels", None):
                options = {"training": training, "batch_size": 32, "layout": layout}
                text = Plan(model, shape, wanted=Wanted("medium"), **options).describe()
                assert ("bfloat16" in text) == (precision == "medium")


def test_layouts_follow_the_instruction_set_and_the_type(isa):
    for name in ("float32", "float64", "bfloat16"):
        lanes = fastcnn._kernels.program.lanes(name)
        assert layouts(ElementType.of(name)) == (Layout("images", lanes), Layout("channels", lanes))


@pytest.mark.parametrize(
    ("batch", "threads", "bands"), [(1, 2, 2), (1, 1, 1), (1, 16, 4), (2, 2, 1), (3, 2, 2), (5, 2, 2)]
)
def test_bands_keep_threads_busy(batch, threads, bands):
    large = graph(nn.Conv2d(64, 64, 3), shape=(64, 40, 40))
    assert choose_bands(large, CHANNELS, batch, False, threads) == bands


def test_where_bands_are_not_worth_it():
    large = graph(nn.Conv2d(64, 64, 3), shape=(64, 40, 40))
    assert choose_bands(large, CHANNELS, 7, False, 2) == 1  # little would be gained
    assert choose_bands(large, CHANNELS, 3, True, 2) == 1
    assert choose_bands(large, IMAGES, 1, False, 2) == 1
    assert choose_bands(products(), CHANNELS, 3, False, 2) == 1  # threads would wait for each other
    assert choose_bands(products(), CHANNELS, 0, False, 2) == 1


def test_a_node_without_a_cost_is_an_error():
    """Were it 0, a new kind of node would have whatever layout suits the others."""

    class New(Node):
        pass

    value = Value(3, 2, 2)
    lowered = Graph((value,), (value,), [(3, 2, 2)], 0, [New(value, value)], np.dtype(np.float32), False)
    with pytest.raises(NotImplementedError, match="New does not say what it costs"):
        cost(lowered, CHANNELS, 1, False)
