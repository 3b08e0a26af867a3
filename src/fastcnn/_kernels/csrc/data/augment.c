/* Kernels of data augmentation: normalisation of bytes, and an affine map with bilinear interpolation.
 *
 * Equation  normalize_u8: y[n, c, p] = lookup[c][x[n, c, p]]
 *           affine:       y[n, c, i, j] = bilinear(x[n, c], row, column) with
 *                         column = m[0] j + m[1] i + m[2],  row = m[3] j + m[4] i + m[5],  m = matrices[n]
 * Layout    x, y (N, C, H, W); matrices (N, 6) map a pixel of the output to a place in the input; fill (C) is
 *           the value of everything outside the input; lookup (C, 256).
 * Method    Each plane is copied into scratch memory with a border of fill, one pixel before it and two after
 *           it. A place further out is moved to the border, so that its four taps need no tests. For bytes,
 *           the four taps at each place are first packed into one word, so that a pixel of the output takes
 *           one load, not four; their rows are computed in multiples of LANES pixels, so that the loop has no
 *           remainder.
 * Threads   Over images (normalisation: over planes).
 * Edges     A place whose coordinates are NaN lies outside. Bytes are rounded to nearest, halves up.
 */
#include "eager/eager.h"

#define BORDER 3 /* pixels: one before a row or column, two after it */
#define LANES 16

/* The scratch memory of a thread: a bordered plane, its packed taps, and one row of output. */
typedef struct {
    ptrdiff_t height, width;
    ptrdiff_t stride;            /* pixels of a row of the bordered plane */
    ptrdiff_t lanes;             /* the width, rounded up to a multiple of LANES */
    size_t plane, packed, bytes; /* bytes of the first two parts, and of all of it */
} scratch_layout;

static scratch_layout layout_of(ptrdiff_t height, ptrdiff_t width)
{
    scratch_layout s = {height, width, width + BORDER, fcn_divide_up(width, LANES) * LANES, 0, 0, 0};
    s.plane = fcn_whole_lines((size_t)((height + BORDER) * s.stride) * sizeof(real));
    s.packed = fcn_whole_lines((size_t)((height + BORDER) * s.stride) * sizeof(uint32_t));
    s.bytes = s.plane + s.packed + fcn_whole_lines((size_t)s.lanes * sizeof(real));
    return s;
}

size_t FCN(affine_workspace)(ptrdiff_t height, ptrdiff_t width, int threads)
{
    return (size_t)threads * layout_of(height, width).bytes;
}

/* Where a row of the output lies in the bordered plane: pixel j at (x + j dx, y + j dy), but not past the
 * last place that has all its taps in there. */
typedef struct {
    real x, y, dx, dy, last_x, last_y;
} line;

static line make_line(const double *m, ptrdiff_t row, const scratch_layout *s)
{
    /* In double, because the terms can be far larger than their sum. 1 is for the border. */
    return (line){(real)(m[1] * (double)row + m[2] + 1),
                  (real)(m[4] * (double)row + m[5] + 1),
                  (real)m[0],
                  (real)m[3],
                  (real)(s->width + 1),
                  (real)(s->height + 1)};
}

/* `at`, or the nearest coordinate from 0 to `last`; 0 for NaN. */
static inline real clamp(real at, real last)
{
    at = at > 0 ? at : 0;
    return at < last ? at : last;
}

/* The place of a pixel: its upper left tap, and how far it is from there towards the right and the lower
 * taps. */
typedef struct {
    int32_t left, top;
    real right_share, bottom_share;
} place;

static inline place find(line at, int32_t j)
{
    const real x = clamp(at.x + at.dx * (real)j, at.last_x), y = clamp(at.y + at.dy * (real)j, at.last_y);
    const int32_t left = (int32_t)x, top = (int32_t)y;
    return (place){left, top, x - (real)left, y - (real)top};
}

static inline real mix(real a, real b, real share) { return a + share * (b - a); }

static void sample_row(real *restrict out, const real *restrict plane, line at, const scratch_layout *s)
{
    const int32_t stride = (int32_t)s->stride, width = (int32_t)s->width;
    for (int32_t j = 0; j < width; ++j) {
        const place p = find(at, j);
        const int32_t tap = p.top * stride + p.left;
        const real above = mix(plane[tap], plane[tap + 1], p.right_share);
        const real below = mix(plane[tap + stride], plane[tap + stride + 1], p.right_share);
        out[j] = mix(above, below, p.bottom_share);
    }
}

/* packed[tap] has, from the lowest byte up: the pixel at tap, the one right of it, below it, and right below
 * it. */
static void pack_taps(uint32_t *restrict packed, const uint8_t *restrict plane, const scratch_layout *s)
{
    const ptrdiff_t stride = s->stride, count = (s->height + 2) * stride - 1;
    for (ptrdiff_t tap = 0; tap < count; ++tap)
        packed[tap] = (uint32_t)plane[tap] | (uint32_t)plane[tap + 1] << 8 |
                      (uint32_t)plane[tap + stride] << 16 | (uint32_t)plane[tap + stride + 1] << 24;
}

/* Through int32_t, because converting a signed integer is one instruction everywhere. */
static inline real byte(uint32_t taps, int shift) { return (real)(int32_t)(taps >> shift & 255); }

static void sample_row_u8(real *restrict out, const uint32_t *restrict packed, line at,
                          const scratch_layout *s)
{
    const int32_t stride = (int32_t)s->stride, lanes = (int32_t)s->lanes;
    for (int32_t j = 0; j < lanes; ++j) {
        const place p = find(at, j);
        const uint32_t taps = packed[p.top * stride + p.left];
        const real above = mix(byte(taps, 0), byte(taps, 8), p.right_share);
        const real below = mix(byte(taps, 16), byte(taps, 24), p.right_share);
        out[j] = mix(above, below, p.bottom_share);
    }
}

/* y, x and fill have the element type of the images. */
typedef struct {
    void *y;
    const void *x, *fill;
    const double *matrices;
    ptrdiff_t channels, height, width;
    scratch_layout s;
    char *workspace;
} affine_args;

static void affine_images(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const affine_args a = *(const affine_args *)args;
    const scratch_layout s = a.s;
    const real *x = a.x, *fill = a.fill;
    real *y = a.y, *plane = (real *)(a.workspace + (size_t)thread * s.bytes);
    for (ptrdiff_t p = first * a.channels; p < last * a.channels; ++p) {
        const double *matrix = a.matrices + 6 * (p / a.channels);
        const ptrdiff_t start = p * a.height * a.width;
        for (ptrdiff_t i = 0; i < (a.height + BORDER) * s.stride; ++i)
            plane[i] = fill[p % a.channels];
        for (ptrdiff_t i = 0; i < a.height; ++i)
            memcpy(plane + (i + 1) * s.stride + 1, x + start + i * a.width, (size_t)a.width * sizeof(real));
        for (ptrdiff_t i = 0; i < a.height; ++i)
            sample_row(y + start + i * a.width, plane, make_line(matrix, i, &s), &s);
    }
}

static void affine_u8_images(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const affine_args a = *(const affine_args *)args;
    const scratch_layout s = a.s;
    const uint8_t *x = a.x, *fill = a.fill;
    char *scratch = a.workspace + (size_t)thread * s.bytes;
    uint8_t *y = a.y, *plane = (uint8_t *)scratch;
    uint32_t *packed = (uint32_t *)(scratch + s.plane);
    real *row = (real *)(scratch + s.plane + s.packed);
    for (ptrdiff_t p = first * a.channels; p < last * a.channels; ++p) {
        const double *matrix = a.matrices + 6 * (p / a.channels);
        const ptrdiff_t start = p * a.height * a.width;
        memset(plane, fill[p % a.channels], (size_t)((a.height + BORDER) * s.stride));
        for (ptrdiff_t i = 0; i < a.height; ++i)
            memcpy(plane + (i + 1) * s.stride + 1, x + start + i * a.width, (size_t)a.width);
        pack_taps(packed, plane, &s);
        for (ptrdiff_t i = 0; i < a.height; ++i) {
            sample_row_u8(row, packed, make_line(matrix, i, &s), &s);
            for (ptrdiff_t j = 0; j < a.width; ++j)
                y[start + i * a.width + j] = (uint8_t)(int32_t)(row[j] + (real)0.5);
        }
    }
}

void FCN(affine)(void *y, const void *x, const double *matrices, const void *fill, ptrdiff_t batch,
                 ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    const scratch_layout s = layout_of(height, width);
    const affine_args a = {y, x, fill, matrices, channels, height, width, s, workspace};
    fcn_parallel_for(batch, (double)(channels * height * width), threads, affine_images, &a);
}

void FCN(affine_u8)(uint8_t *y, const uint8_t *x, const double *matrices, const uint8_t *fill,
                    ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace,
                    int threads)
{
    OWN_FLOAT_MODE;
    const scratch_layout s = layout_of(height, width);
    const affine_args a = {y, x, fill, matrices, channels, height, width, s, workspace};
    fcn_parallel_for(batch, (double)(channels * height * width), threads, affine_u8_images, &a);
}

typedef struct {
    real *y;
    const uint8_t *x;
    const real *lookup;
    ptrdiff_t channels, size;
} normalize_args;

static void normalize_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const normalize_args a = *(const normalize_args *)args;
    for (ptrdiff_t p = first; p < last; ++p) {
        const real *values = a.lookup + p % a.channels * 256;
        for (ptrdiff_t i = p * a.size; i < (p + 1) * a.size; ++i)
            a.y[i] = values[a.x[i]];
    }
}

void FCN(normalize_u8)(void *y, const uint8_t *x, const void *lookup, ptrdiff_t batch, ptrdiff_t channels,
                       ptrdiff_t size, int threads)
{
    OWN_FLOAT_MODE;
    const normalize_args a = {y, x, lookup, channels, size};
    fcn_parallel_for(batch * channels, (double)size, threads, normalize_planes, &a);
}
