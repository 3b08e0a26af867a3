"""Places outside of their buffers: found in every table of a plan, by the names of operation and table."""

import numpy as np
import pytest

import fastcnn.engine.plan
from fastcnn import nn
from fastcnn._kernels import cpu
from fastcnn._kernels import program as kernels
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.check import check_places, checks_places
from fastcnn.engine.nodes.loss import Loss, as_loss
from fastcnn.engine.signatures import SIGNATURES

from .._kernels.helpers import BY_TILES, using_isa
from .operations import writer

LAYOUTS = ("images", "channels")


class Arithmetic(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bias = nn.Conv2d(2, 3, 1), nn.PositionBias((3, 3, 2))

    def forward(self, x):
        y = self.conv(x)
        return 2 * y * y[:, :, :, ::-1] / self.bias(y)


class Maximum(Arithmetic):
    def forward(self, x):
        return self.conv(x).amax((2, 3))


def plans(layout):
    """Return plans that have, together, every kind of operation of a layout."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cpu, "multiplies_bfloat16", lambda: True)
        return _plans(layout)


def _plans(layout):
    network = nn.Sequential(
        *(nn.Conv2d(2, 12, 3, padding=1, bias=False), nn.PositionBias((12, 9, 8)), nn.ReLU()),
        *(nn.Conv2d(12, 12, 3, padding=1, groups=12), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.DenseResidual(nn.Conv2d(12, 3, 3, 1, 1)), nn.MaxPool2d(2, 1), nn.AvgPool2d(2)),
        *(nn.Conv2d(15, 4, 1), nn.GroupNorm(2, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5)),
    )
    probabilities, large = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), nn.Linear(256, 128)
    moved = nn.Sequential(
        *(nn.Conv2d(2, 4, 1), nn.Upsample(scale_factor=2, mode="bilinear"), nn.ConstantPad2d(1, 2.0)),
        nn.AlphaDropout(0.5),
    )
    added = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Residual(nn.Conv2d(3, 3, 1)), nn.PReLU())
    filtered = nn.Sequential(nn.Conv2d(2, 8, 1), nn.Conv2d(8, 5, 3, padding=1))
    deep, in_pairs = nn.Sequential(filtered, nn.Conv2d(5, 5, 1)), Wanted("medium", "winograd_pairs")
    rows, planes = nn.Linear(4, 3), nn.Conv2d(2, 3, 1)
    classes, probabilities_of = np.zeros(1, np.int64), np.zeros((1, 3), np.float32)
    losses = [
        Plan(model, shape, training=True, batch_size=20, layout=layout, loss=as_loss(loss, target, True))
        for model, shape, loss, target in (
            (rows, (4,), nn.NLLLoss(), classes),
            (rows, (4,), nn.MultiMarginLoss(), classes),
            (planes, (2, 3, 2), nn.CrossEntropyLoss(), probabilities_of),
            (planes, (2, 3, 2), nn.BCEWithLogitsLoss(np.ones(1), pos_weight=np.ones(1)), probabilities_of),
        )
    ]
    options = {"batch_size": 20, "layout": layout}
    two_parts = {"training": True, "input_gradient": True, **options}
    return [
        Plan(network, (2, 9, 8), **two_parts),
        Plan(network, (2, 9, 8), training=True, loss=Loss(), **options),
        Plan(network, (2, 9, 8), **options),
        Plan(probabilities, (4,), **two_parts),
        Plan(large, (256,), **options),
        Plan(Arithmetic(), (2, 3, 2), **options),
        Plan(Maximum(), (2, 3, 2), **two_parts),
        Plan(moved, (2, 3, 4), **two_parts),
        Plan(nn.Sequential(nn.Conv2d(2, 3, 1), nn.PReLU(3)), (2, 3, 2), **two_parts),
        Plan(added, (2, 3, 2), **two_parts),
        Plan(nn.Sequential(nn.Conv2d(2, 3, 1), nn.LocalResponseNorm(3)), (2, 3, 2), **two_parts),
        Plan(nn.Sequential(nn.Conv2d(2, 3, 1), nn.Softmax2d()), (2, 3, 2), **two_parts),
        Plan(filtered, (2, 9, 8), wanted=Wanted("high", "winograd"), **two_parts),
        Plan(nn.Sequential(nn.Conv2d(2, 64, 1), nn.Conv2d(64, 128, 3, padding=1)), (2, 2, 2), **two_parts),
        *losses,
        *(
            []
            if layout == "images"
            else [Plan(network, (2, 9, 8), wanted=Wanted("medium", "direct"), **two_parts)]
        ),
        *([] if layout == "images" else [Plan(deep, (2, 9, 8), wanted=in_pairs, **two_parts)]),
        *([] if layout == "images" else _by_tiles(two_parts)),
    ]


def _by_tiles(options):
    if not BY_TILES:
        return []
    model = nn.Sequential(nn.Conv2d(8, 3, 3), nn.MaxPool2d(1))
    with using_isa(BY_TILES[0]):
        return [Plan(model, (8, 5, 6), wanted=Wanted("medium", "direct"), **options)]


def operations():
    """Yield (layout, operation) of these plans, one operation for each kernel."""
    for layout in LAYOUTS:
        found = {}
        for plan in plans(layout):
            for op in plan.executable.writer.ops:
                found.setdefault(op.kernel, (plan.layout, op))
        yield from found.values()


TABLES = [
    pytest.param(layout, op, table, id=f"{layout.name}-{op.kernel}-{table.name}")
    for layout, op in operations()
    for table in op.signature.tables
    if op.arguments[table.name] is not None and op.arguments[table.name].size
]


def of_kind(*kinds):
    return [each for each in TABLES if each.values[2].kind in kinds]


def test_plans_of_tests_are_checked(monkeypatch):
    assert checks_places()
    for value in ("0", "", "yes"):
        monkeypatch.setenv("FASTCNN_CHECK_PLANS", value)
        assert checks_places() == kernels.DEBUG
    monkeypatch.delenv("FASTCNN_CHECK_PLANS")
    assert checks_places() == kernels.DEBUG


def test_a_plan_with_too_narrow_a_halo_is_never_run(monkeypatch):
    monkeypatch.setattr(fastcnn.engine.plan, "value_halos", lambda graph, folded: {})
    for layout, name in (("images", "conv"), ("channels", "conv_spans")):
        with pytest.raises(ValueError, match=f"^{name}: x_at reaches from -"):
            Plan(nn.Conv2d(2, 3, 3, padding=1), (2, 6, 5), batch_size=1, layout=layout)


def refused(layout, op, name, entries, blamed, message):
    """Check that an operation is refused once a table of it has these entries; put the table back."""
    before = op.arguments[name]
    op.arguments[name] = np.ascontiguousarray(entries, np.int32)
    try:
        with pytest.raises(ValueError, match=f"^{op.kernel}: {blamed} {message}"):
            check_places(op, layout)
    finally:
        op.arguments[name] = before
    check_places(op, layout)


def changed(entries, index, value):
    """Return a copy of a table with one entry changed."""
    entries = entries.copy()
    entries[index] = value
    return entries


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_operations_are_in_these_plans(layout):
    """All that have a table with places."""
    found = {each.values[1].kernel for each in TABLES if each.values[0].name == layout}
    declared = {name for name, each in SIGNATURES.items() if layout in each.layouts and each.tables}
    if not BY_TILES:
        declared -= {name for name, each in SIGNATURES.items() if each.types == "_IN_TILES"}
    assert found == declared


@pytest.mark.parametrize(("layout", "op", "table"), of_kind("PLACES", "PLACES_OR_NONE"))
def test_places_outside_of_the_buffer(layout, op, table):
    entries, buffer = op.arguments[table.name], table.details[1]
    for index in (0, entries.size // 2, -1):
        for value in (-5, 2**31 - 1):
            message = rf"reaches from -?\d+ to -?\d+ in {buffer} of \d+ numbers$"
            refused(layout, op, table.name, changed(entries, index, value), table.name, message)


@pytest.mark.parametrize(("layout", "op", "table"), of_kind("OFFSETS"))
def test_offsets_that_lead_out_of_the_buffer(layout, op, table):
    """The table that they are relative to is named."""
    entries, places = op.arguments[table.name], table.details[1]
    for value in (-(2**30), 2**30):
        refused(layout, op, table.name, changed(entries, -1, value), places, "reaches from ")


@pytest.mark.parametrize(("layout", "op", "table"), of_kind("STARTS"))
def test_starts_that_cut_a_table_wrongly(layout, op, table):
    entries, of = op.arguments[table.name], table.details[1]
    message = f"does not cut {of} into rows$"
    wrong = (0, 1), (0, -1), (1, entries[-1] + 1), (-1, len(op.arguments[of]) + 1), (1, -1)
    for index, value in wrong:
        refused(layout, op, table.name, changed(entries, index, value), table.name, message)


@pytest.mark.parametrize(("layout", "op", "table"), of_kind("SEGMENTS"))
def test_segments_outside_of_pixels_and_taps(layout, op, table):
    entries, (_, pixels, taps) = op.arguments[table.name], table.details
    for index, value, of in (
        *((0, -1, pixels), (0, entries[1] + 1, pixels), (-3, 2**30, pixels), (1, -1, pixels)),
        *((2, -1, taps), (2, entries[3] + 1, taps), (-1, 2**30, taps), (3, -1, taps)),
    ):
        message = rf"has rows outside of the \d+ {of}$"
        refused(layout, op, table.name, changed(entries, index, value), table.name, message)


def test_the_last_place_that_fits():
    """A place, all that is read from it on, and the size of what is read."""
    w = writer("channels")
    lanes, blob, other = w.layout.lanes, w.blob(1, 1, 3), w.blob(1, 1, 3)
    common = {"dx": blob, "g": other, "kept": other, "vectors": 2, "factor": 1.0}
    for last, fits in ((lanes, True), (lanes + 1, False)):
        at = np.array([0, last], np.int32)
        op = w.activation_grad(**common, dx_at=at, g_at=at * 0, kept_at=at * 0)
        if fits:
            check_places(op, w.layout)
            continue
        size = 3 * lanes
        message = rf"^activation_grad: dx_at reaches from 0 to {size + 1} in dx of {size} numbers$"
        with pytest.raises(ValueError, match=message):
            check_places(op, w.layout)


def test_no_place_is_minus_one_and_nothing_else():
    w = writer("channels")
    blob = w.blob(1, 1, 3)
    common = {"dx": blob, "dz": blob, "factor": np.ones(3, np.float32), "vectors": 1}
    first, cleared = np.array([0, 1, 2, 3], np.int32), np.zeros(0, np.int32)
    for missing, fits in ((-1, True), (-2, False)):
        taps = np.array([missing, 0, missing], np.int32)
        op = w.avg_pool_grad(**common, first=first, taps=taps, cleared=cleared)
        if fits:
            check_places(op, w.layout)
            continue
        with pytest.raises(ValueError, match=r"^avg_pool_grad: taps reaches from -2 to "):
            check_places(op, w.layout)


@pytest.mark.parametrize("whole_chunk", [True, False])
def test_places_are_those_of_one_image(whole_chunk):
    """Also for an operation on several, which finds the others by their distance."""
    w = writer("channels")
    blob, size = w.blob(1, 1, 1), w.layout.lanes
    at = np.arange(2, dtype=np.int32) * size
    common = {"y": blob, "x": blob, "weight": np.zeros((size, 1), np.float32), "depth": 1, "outputs": 1}
    op = w.dense(**common, first_output=0, y_at=at, x_at=at, whole_chunk=whole_chunk)
    with pytest.raises(ValueError, match=f"^dense: y_at reaches from 0 to {size + 1} in y of {size} numbers"):
        check_places(op, w.layout)
