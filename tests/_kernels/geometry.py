"""Windows for the tests of everything that slides: a list that hits the edges, and random ones."""

from hypothesis import strategies as st

from fastcnn import _shapes

# in_h, in_w, kernel, stride, (left, right, top, bottom), dilation
GEOMETRIES = {
    "1x1": ((1, 1), (1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
    "1x1 of 7x5": ((7, 5), (1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
    "1x1 stride 2": ((7, 8), (1, 1), (2, 2), (0, 0, 0, 0), (1, 1)),
    "1x1 padded": ((3, 4), (1, 1), (1, 1), (1, 0, 0, 1), (1, 1)),
    "3x3": ((9, 17), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
    "kernel of the image": ((4, 6), (4, 6), (1, 1), (0, 0, 0, 0), (1, 1)),
    "stride above kernel": ((11, 13), (2, 3), (4, 5), (0, 1, 1, 0), (1, 1)),
    "right and bottom": ((28, 14), (3, 3), (2, 2), (0, 1, 0, 1), (1, 1)),
    "left and top": ((6, 7), (2, 3), (1, 2), (2, 0, 1, 0), (1, 1)),
    "dilated": ((10, 12), (3, 2), (2, 1), (2, 1, 0, 3), (3, 5)),
    "wide padding": ((3, 2), (3, 3), (1, 1), (5, 4, 3, 6), (1, 2)),
    "5x5": ((16, 15), (5, 5), (1, 1), (2, 2, 2, 2), (1, 1)),
    "one row": ((1, 33), (1, 5), (1, 3), (2, 2, 0, 0), (1, 1)),
    "one column": ((33, 1), (7, 1), (2, 1), (0, 0, 3, 3), (1, 1)),
}


def make(name, ceil_mode=False):
    """Return the Window of that name."""
    in_hw, kernel, stride, padding, dilation = GEOMETRIES[name]
    return _shapes.window(in_hw, kernel, stride, padding, dilation, name, ceil_mode)


@st.composite
def windows(draw, max_dilation=3):
    """Draw (Window, (left, right, top, bottom)) of a valid geometry."""

    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    kernel, stride, dilation = pair(1, 4), pair(1, 4), pair(1, max_dilation)
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    in_hw = (
        draw(st.integers(max(1, extent[0] - padding[2] - padding[3]), extent[0] + 7)),
        draw(st.integers(max(1, extent[1] - padding[0] - padding[1]), extent[1] + 7)),
    )
    return _shapes.window(in_hw, kernel, stride, padding, dilation, "drawn"), padding
