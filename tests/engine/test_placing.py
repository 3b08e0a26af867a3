"""Concatenations without copies, repeated pixels without memory, and one image in bands."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import InferencePlan, TwoPassPlan


class Dense(nn.Module):
    """Each layer reads what all before it have made; a part is read with a halo too, and by a sum."""

    def __init__(self, channels, growth, layers, image=3):
        super().__init__()
        self.first = nn.Conv2d(image, channels, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels + i * growth) for i in range(layers)])
        self.convs = nn.ModuleList(
            [nn.Conv2d(channels + i * growth, growth, 3, padding=1) for i in range(layers)]
        )
        self.last = nn.Conv2d(channels + layers * growth, 5, 1)

    def forward(self, x):
        parts = [self.first(x)]
        for norm, conv in zip(self.norms, self.convs, strict=True):
            whole = nn.functional.cat(parts, 1) if len(parts) > 1 else parts[0]
            parts.append(conv(nn.functional.relu(norm(whole))))
        return self.last(nn.functional.cat(parts, 1)), parts[1] + parts[-1]


class Fire(nn.Module):
    """Branches whose normalisation is part of their weights, with an activation behind it."""

    def __init__(self, channels):
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, channels, k, padding=k // 2), nn.BatchNorm2d(channels))
                for k in (1, 3)
            ]
        )
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.after = nn.Conv2d(2 * channels, 4, 3, padding=2)

    def forward(self, x):
        whole = nn.functional.cat([nn.functional.silu(each(x)) for each in self.branches], 1)
        return self.after(self.pool(whole))


class Squeezed(nn.Module):
    """Channels times numbers of their own, and plus others."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, padding=1)
        self.few, self.many = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.after = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, x):
        y = self.conv(x)
        share = nn.functional.sigmoid(self.many(nn.functional.relu(self.few(self.pool(y)))))
        return self.after(y * share + self.pool(y))


def settled(model, shape):
    """Return a model in float64 with running statistics of its own, and some images."""
    model.double().reseed(3)
    rng = np.random.default_rng(4)
    model.train()
    for _ in range(3):
        model(rng.standard_normal((4, *shape)))
    model.eval()
    return model, rng.standard_normal((5, *shape))


def plan_of(model, x, bands=1, batch=None):
    return InferencePlan(
        model, x.shape[1:], batch_size=len(x) if batch is None else batch, layout="channels", bands=bands
    )


def kernels_of(plan):
    return [op.kernel for op in plan.executable.writer.ops]


def assert_equal(made, expected):
    made, expected = (each if isinstance(each, tuple) else (each,) for each in (made, expected))
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one, other, 1e-9, 1e-9)


@pytest.mark.parametrize(
    ("channels", "growth", "copies"), [(32, 16, 0), (16, 32, 0), (12, 8, None), (16, 5, None)]
)
def test_parts_are_written_where_the_whole_has_them(channels, growth, copies, isa):
    model, x = settled(Dense(channels, growth, 3), (3, 6, 7))
    plan = plan_of(model, x)
    assert_equal(plan.forward(x), model(x))
    if copies is not None:
        assert "copy" not in kernels_of(plan)
    elif plan.layout.lanes > 4:
        assert "copy" in kernels_of(plan)


@pytest.mark.parametrize("channels", [16, 24, 7])
def test_branches_of_one_image_and_of_many(channels, isa):
    model, x = settled(Fire(channels), (3, 9, 8))
    plan = plan_of(model, x)
    made = plan.forward(x)
    assert_equal(made, model(x))
    for i in range(len(x)):
        np.testing.assert_array_equal(plan.forward(x[i : i + 1])[0], made[i])
    assert ("copy" in kernels_of(plan)) == (channels % plan.layout.lanes > 0)


def test_training_copies():
    """Gradients of parts are arrays of their own."""
    model, x = settled(Fire(16), (3, 6, 6))
    model.train()
    plan = TwoPassPlan(model, x.shape[1:], training=True, batch_size=len(x), layout="channels")
    assert "copy" in kernels_of(plan)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_repeated_pixels_take_no_memory(layout, isa):
    model, x = settled(Squeezed(20), (3, 6, 5))
    plan = InferencePlan(model, x.shape[1:], batch_size=len(x), layout=layout)
    assert_equal(plan.forward(x), model(x))
    sizes = [(blob.channels, blob.height, blob.width) for blob in plan.executable.writer.blobs]
    # The convolution's output, and what the product and the sum make of it.
    assert sizes.count((20, 6, 5)) == 3


@pytest.mark.parametrize("make", [lambda: Dense(32, 48, 3), lambda: Fire(96), lambda: Squeezed(96)])
@pytest.mark.parametrize("bands", [2, 3])
def test_bands_change_no_bit(make, bands, isa):
    """Large enough that elementwise operations and pools are bands, of pixels whose taps differ."""
    model, x = settled(make(), (3, 31, 29))
    x = x[:1]
    whole, cut = plan_of(model, x), plan_of(model, x, bands)
    ops = cut.executable.writer.ops
    assert {op.kernel for op in ops if op.band} & {"apply", "multiply", "max_pool"}
    made, expected = cut.forward(x), whole.forward(x)
    for one, other in zip(*(v if isinstance(v, tuple) else (v,) for v in (made, expected)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("bands", [2, 5, 20])
@pytest.mark.parametrize("windows", [1, 2])
def test_means_over_large_windows_are_bands_of_channels(bands, windows, isa):
    pool, conv = nn.AdaptiveAvgPool2d((windows, 1)), nn.Conv2d(3, 70, 3, padding=1)
    model, x = settled(nn.Sequential(conv, pool), (3, 30, 28))
    whole, cut = plan_of(model, x[:1]), plan_of(model, x[:1], bands)
    counts = [op.arguments["vectors"] for op in cut.executable.writer.ops if op.kernel == "avg_pool"]
    assert len(counts) == min(bands, whole.layout.vectors(70))
    assert sum(counts) == whole.layout.vectors(70)
    assert_equal(cut.forward(x[:1]), model(x[:1]))
    np.testing.assert_array_equal(cut.forward(x[:1]), whole.forward(x[:1]))


@pytest.mark.parametrize("bands", [2, 3, 5])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("behind", [nn.ReLU, nn.SiLU, lambda: nn.PReLU(140)])
def test_bands_of_channels_change_no_bit(behind, kernel, bands, isa):
    """Where weights outweigh the image each thread has channels of its own."""
    layers = nn.Conv2d(3, 96, 1), nn.Conv2d(96, 140, kernel, padding=kernel // 2), nn.BatchNorm2d(140)
    model, x = settled(nn.Sequential(*layers, behind(), nn.BatchNorm2d(140), nn.Conv2d(140, 2, 1)), (3, 5, 4))
    x = x[:1]
    cut = plan_of(model, x, bands)
    assert_equal(cut.forward(x), model(x))
    np.testing.assert_array_equal(cut.forward(x), plan_of(model, x).forward(x))
    y_at = [
        int(op.arguments["y_at"][0])
        for op in cut.executable.writer.ops
        if op.kernel in ("conv_spans", "winograd") and op.band is not None
    ]
    assert len(set(y_at)) > 1
