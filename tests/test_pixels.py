import io
import zlib

import numpy as np
import pytest

from fastcnn._pixels import drawable, to_png


def test_bytes_are_drawn_from_0_to_255_and_others_over_their_range():
    np.testing.assert_allclose(drawable(np.array([[[0, 51, 255]]], np.uint8)), [[0, 0.2, 1]])
    np.testing.assert_allclose(drawable(np.array([[[-1.0, 0, 3]]])), [[0, 0.25, 1]])
    np.testing.assert_allclose(drawable(np.array([[[-1.0, 0, 3]]]), (0, 2)), [[0, 0, 1]])
    assert drawable(np.zeros((3, 2, 5))).shape == (2, 5, 3)
    assert drawable(np.zeros((4, 2, 5))).shape == (2, 5)


def test_a_png_by_hand():
    made = to_png(np.array([[0.0, 1.0], [0.5, np.nan]]))
    assert made[:8] == b"\x89PNG\r\n\x1a\n"
    # Length, kind, width, height, 8 bits, grey.
    assert made[8:29] == b"\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x02\x08\0\0\0\0"
    assert int.from_bytes(made[29:33], "big") == zlib.crc32(made[12:29])
    data = made[41 : 41 + int.from_bytes(made[33:37], "big")]
    assert zlib.decompress(data) == bytes([0, 0, 255, 0, 128, 0])


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (4, 7, 3)])
def test_pillow_reads_what_is_written(shape):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).random(shape)
    read = image.open(io.BytesIO(to_png(pixels)))
    assert read.mode == ("RGB" if len(shape) == 3 else "L")
    np.testing.assert_array_equal(np.asarray(read), np.rint(255 * pixels))
