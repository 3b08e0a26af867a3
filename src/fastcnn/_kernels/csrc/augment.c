/* Kernels of data augmentation: normalisation of bytes, and an affine map with bilinear interpolation.
 *
 * Equation  normalize_u8: y[n, c, p] = table[c][x[n, c, p]]
 *           affine:       y[n, c, i, j] = bilinear(x[n, c], row, column) with
 *                         column = m[0] j + m[1] i + m[2],  row = m[3] j + m[4] i + m[5],  m = matrices[n]
 * Layout    x, y (N, C, H, W), y of its own memory; matrices (N, 6) map an output pixel to a place in the
 *           input; fill (C) is the value of everything outside the input.
 * Method    Each plane is copied into scratch memory with a border of fill, one pixel before it and two
 *           after it. A place further out is moved to the border, so no tap is ever tested.
 * Threads   Over images.
 * Edges     A place that is not a number counts as outside. Bytes are rounded to nearest, halves up.
 */
#include "kernels.h"

#define BORDER 3 /* one pixel before a row, two after it */

static size_t round_up(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* One bordered plane and one row of output. */
static size_t thread_bytes(ptrdiff_t height, ptrdiff_t width)
{
    return round_up((size_t)((height + BORDER + 1) * (width + BORDER)) * sizeof(real));
}

size_t FCN(affine_workspace)(ptrdiff_t height, ptrdiff_t width, int threads)
{
    return (size_t)threads * thread_bytes(height, width);
}

/* Surround rows 1 to height, columns 1 to width of the plane, which are in place, with fill. */
static void draw_border(real *plane, real fill, ptrdiff_t height, ptrdiff_t width)
{
    const ptrdiff_t stride = width + BORDER;
    for (ptrdiff_t j = 0; j < stride; ++j)
        plane[j] = plane[(height + 1) * stride + j] = plane[(height + 2) * stride + j] = fill;
    for (ptrdiff_t i = 1; i <= height; ++i)
        plane[i * stride] = plane[i * stride + width + 1] = plane[i * stride + width + 2] = fill;
}

/* The nearest place to `at` that has all its taps in the bordered plane. */
static inline real clamp(real at, real last)
{
    at = at > 0 ? at : 0;
    return at < last ? at : last;
}

/* One row of output from a bordered plane. */
static void sample_row(real *restrict out, const real *restrict plane, const double *m, ptrdiff_t row,
                       ptrdiff_t height, ptrdiff_t width)
{
    const ptrdiff_t stride = width + BORDER;
    /* The row's start in double: its terms can be far larger than their sum. 1 is the border. */
    const real x0 = (real)(m[1] * (double)row + m[2] + 1), dx = (real)m[0];
    const real y0 = (real)(m[4] * (double)row + m[5] + 1), dy = (real)m[3];
    const real last_x = (real)(width + 1), last_y = (real)(height + 1);
    const int32_t line = (int32_t)stride, columns = (int32_t)width;
    for (int32_t j = 0; j < columns; ++j) {
        const real x = clamp(x0 + dx * (real)j, last_x), y = clamp(y0 + dy * (real)j, last_y);
        const int32_t left = (int32_t)x, top = (int32_t)y, tap = top * line + left;
        const real right_share = x - (real)left, bottom_share = y - (real)top;
        const real above = plane[tap] + right_share * (plane[tap + 1] - plane[tap]);
        const real below = plane[tap + line] + right_share * (plane[tap + line + 1] - plane[tap + line]);
        out[j] = above + bottom_share * (below - above);
    }
}

void FCN(affine)(void *y_, const void *x_, const double *matrices, const void *fill_, ptrdiff_t batch,
                 ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace, int threads)
{
    real *y = y_;
    const real *x = x_, *fill = fill_;
    const size_t bytes = thread_bytes(height, width);
    FCN_PARALLEL_FOR(threads)
    for (ptrdiff_t n = 0; n < batch; ++n) {
        real *plane = (real *)((char *)workspace + (size_t)fcn_thread() * bytes);
        for (ptrdiff_t c = 0; c < channels; ++c) {
            const ptrdiff_t start = (n * channels + c) * height * width;
            for (ptrdiff_t i = 0; i < height; ++i)
                memcpy(plane + (i + 1) * (width + BORDER) + 1, x + start + i * width,
                       (size_t)width * sizeof(real));
            draw_border(plane, fill[c], height, width);
            for (ptrdiff_t i = 0; i < height; ++i)
                sample_row(y + start + i * width, plane, matrices + 6 * n, i, height, width);
        }
    }
}

void FCN(affine_u8)(uint8_t *y, const uint8_t *x, const double *matrices, const void *fill_,
                    ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width,
                    void *workspace, int threads)
{
    const real *fill = fill_;
    const size_t bytes = thread_bytes(height, width);
    FCN_PARALLEL_FOR(threads)
    for (ptrdiff_t n = 0; n < batch; ++n) {
        real *plane = (real *)((char *)workspace + (size_t)fcn_thread() * bytes);
        real *row = plane + (height + BORDER) * (width + BORDER);
        for (ptrdiff_t c = 0; c < channels; ++c) {
            const ptrdiff_t start = (n * channels + c) * height * width;
            for (ptrdiff_t i = 0; i < height; ++i)
                for (ptrdiff_t j = 0; j < width; ++j)
                    plane[(i + 1) * (width + BORDER) + 1 + j] = (real)x[start + i * width + j];
            draw_border(plane, fill[c], height, width);
            for (ptrdiff_t i = 0; i < height; ++i) {
                sample_row(row, plane, matrices + 6 * n, i, height, width);
                for (ptrdiff_t j = 0; j < width; ++j)
                    y[start + i * width + j] = (uint8_t)(int32_t)(row[j] + (real)0.5);
            }
        }
    }
}

void FCN(normalize_u8)(void *y_, const uint8_t *x, const void *table_, ptrdiff_t batch, ptrdiff_t channels,
                       ptrdiff_t size, int threads)
{
    real *y = y_;
    const real *table = table_;
    FCN_PARALLEL_FOR(threads)
    for (ptrdiff_t p = 0; p < batch * channels; ++p) {
        const real *values = table + p % channels * 256;
        for (ptrdiff_t i = p * size; i < (p + 1) * size; ++i)
            y[i] = values[x[i]];
    }
}
