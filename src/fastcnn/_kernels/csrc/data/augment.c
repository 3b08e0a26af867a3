/* Kernels of data augmentation: normalisation of bytes, and an affine map with bilinear interpolation.
 *
 * Equation  normalize_u8: y[n, c, p] = table[c][x[n, c, p]]
 *           affine:       y[n, c, i, j] = bilinear(x[n, c], row, column) with
 *                         column = m[0] j + m[1] i + m[2],  row = m[3] j + m[4] i + m[5],  m = matrices[n]
 * Layout    x, y (N, C, H, W), y of its own memory; matrices (N, 6) map an output pixel to a place in the
 *           input; fill (C) is the value of everything outside the input.
 * Method    Each plane is copied into scratch memory with a border of fill, one pixel before it and two
 *           after it. A place further out is moved to the border, so no tap is ever tested. Of bytes, the
 *           four taps of a place are first packed into one word, so that a pixel costs one load, not four.
 *           They are computed in rows of a multiple of LANES pixels, so that the loop has no remainder.
 * Threads   Over images (normalisation: over planes).
 * Edges     A place that is not a number counts as outside. Bytes are rounded to nearest, halves up.
 */
#include "eager/eager.h"

#define BORDER 3 /* one pixel before a row, two after it */
#define LANES 16

typedef struct {
    ptrdiff_t height, width;
    ptrdiff_t stride;            /* of a bordered plane */
    ptrdiff_t lanes;             /* width, rounded up */
    size_t plane, packed, bytes; /* the parts of a thread's scratch memory, and all of it */
} layout;

static size_t round_up(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static layout make_layout(ptrdiff_t height, ptrdiff_t width)
{
    layout s = {height, width, width + BORDER, fcn_divide_up(width, LANES) * LANES, 0, 0, 0};
    s.plane = round_up((size_t)((height + BORDER) * s.stride) * sizeof(real));
    s.packed = round_up((size_t)((height + BORDER) * s.stride) * sizeof(uint32_t));
    s.bytes = s.plane + s.packed + round_up((size_t)s.lanes * sizeof(real));
    return s;
}

size_t FCN(affine_workspace)(ptrdiff_t height, ptrdiff_t width, int threads)
{
    return (size_t)threads * make_layout(height, width).bytes;
}

/* Where the pixels of one row of output lie in a bordered plane. */
typedef struct {
    real x, y, dx, dy, last_x, last_y;
} line;

static line make_line(const double *m, ptrdiff_t row, const layout *s)
{
    /* In double: the terms can be far larger than their sum. 1 is the border. */
    return (line){(real)(m[1] * (double)row + m[2] + 1),
                  (real)(m[4] * (double)row + m[5] + 1),
                  (real)m[0],
                  (real)m[3],
                  (real)(s->width + 1),
                  (real)(s->height + 1)};
}

/* The nearest place to `at` that has all its taps in the bordered plane. */
static inline real clamp(real at, real last)
{
    at = at > 0 ? at : 0;
    return at < last ? at : last;
}

/* The place of pixel j of a row: the tap left above it, and how far it lies right of and below that. */
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

static void sample_row(real *restrict out, const real *restrict plane, line at, const layout *s)
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

/* packed[tap]: the bytes at tap, right of it, below it, and right below, from the lowest byte up. */
static void pack_taps(uint32_t *restrict packed, const uint8_t *restrict plane, const layout *s)
{
    const ptrdiff_t stride = s->stride, count = (s->height + 2) * stride - 1;
    for (ptrdiff_t tap = 0; tap < count; ++tap)
        packed[tap] = (uint32_t)plane[tap] | (uint32_t)plane[tap + 1] << 8 |
                      (uint32_t)plane[tap + stride] << 16 | (uint32_t)plane[tap + stride + 1] << 24;
}

/* Through int32_t: the conversion from a signed integer is one instruction everywhere. */
static inline real byte(uint32_t taps, int shift) { return (real)(int32_t)(taps >> shift & 255); }

static void sample_row_u8(real *restrict out, const uint32_t *restrict packed, line at, const layout *s)
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

/* y, x and fill are of the type of the images. */
typedef struct {
    void *y;
    const void *x, *fill;
    const double *matrices;
    ptrdiff_t channels, height, width;
    layout s;
    char *workspace;
} affine_args;

static void affine_images(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const affine_args a = *(const affine_args *)args;
    const layout s = a.s;
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
    const layout s = a.s;
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
    FLUSH_DENORMALS;
    const layout s = make_layout(height, width);
    const affine_args a = {y, x, fill, matrices, channels, height, width, s, workspace};
    fcn_parallel_for(batch, (double)(channels * height * width), threads, affine_images, &a);
}

void FCN(affine_u8)(uint8_t *y, const uint8_t *x, const double *matrices, const uint8_t *fill,
                    ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace,
                    int threads)
{
    FLUSH_DENORMALS;
    const layout s = make_layout(height, width);
    const affine_args a = {y, x, fill, matrices, channels, height, width, s, workspace};
    fcn_parallel_for(batch, (double)(channels * height * width), threads, affine_u8_images, &a);
}

typedef struct {
    real *y;
    const uint8_t *x;
    const real *table;
    ptrdiff_t channels, size;
} normalize_args;

static void normalize_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const normalize_args a = *(const normalize_args *)args;
    for (ptrdiff_t p = first; p < last; ++p) {
        const real *values = a.table + p % a.channels * 256;
        for (ptrdiff_t i = p * a.size; i < (p + 1) * a.size; ++i)
            a.y[i] = values[a.x[i]];
    }
}

void FCN(normalize_u8)(void *y, const uint8_t *x, const void *table, ptrdiff_t batch, ptrdiff_t channels,
                       ptrdiff_t size, int threads)
{
    FLUSH_DENORMALS;
    const normalize_args a = {y, x, table, channels, size};
    fcn_parallel_for(batch * channels, (double)size, threads, normalize_planes, &a);
}
