/* Kernels of data augmentation that move pixels as they are: gathering rows and columns, filling rectangles.
 *
 * Equation  gather: y[n, c, i, j] = x[n, c, rows[n, i], columns[n, j]], or fill[c] where either is -1
 *           fill_rectangles: x[n, c, i, j] = value[c] for top <= i < top + height, left <= j < left + width,
 *           for each (top, left, height, width) of rectangles[n]
 * Layout    x (N, C, H, W), y (N, C, out_h, out_w); rows (N, out_h), columns (N, out_w); fill, value (C);
 *           rectangles (N, count, 4). A window, its padding of any kind and a mirror image are such tables.
 * Method    The longest run of neighbouring columns, to the right or to the left, is found once for an image;
 *           it is copied as one, and what is beside it pixel by pixel.
 * Threads   Over images.
 * Edges     Rectangles may be empty, and lie inside the image. Bytes and reals differ in the size of an item.
 */
#include "eager/eager.h"

/* Columns first <= j < last come from neighbours, each `step` (1 or -1) beside the one before. */
typedef struct {
    ptrdiff_t first, last, step;
} run;

static run longest_run(const int64_t *columns, ptrdiff_t width)
{
    run best = {0, 0, 1};
    for (ptrdiff_t first = 0; first < width;) {
        ptrdiff_t last = first + 1;
        int64_t step = last < width ? columns[last] - columns[first] : 1;
        if (columns[first] < 0 || (step != 1 && step != -1))
            step = 0;
        while (step && last < width && columns[last] >= 0 && columns[last] - columns[last - 1] == step)
            ++last;
        if (step && last - first > best.last - best.first)
            best = (run){first, last, (ptrdiff_t)step};
        first = last;
    }
    return best;
}

typedef struct {
    char *y;
    const char *x, *fill;
    const int64_t *rows, *columns;
    ptrdiff_t channels, height, width, out_h, out_w;
} gather_args;

/* One row; `item` is known to the compiler. */
INLINE void gather_row(char *restrict y, const char *restrict x, const char *fill, const int64_t *columns,
                       run r, ptrdiff_t width, size_t item)
{
    for (ptrdiff_t j = 0; j < width; ++j) {
        if (j == r.first)
            j = r.last;
        if (j == width)
            break;
        const char *from = columns[j] < 0 ? fill : x + (size_t)columns[j] * item;
        memcpy(y + (size_t)j * item, from, item);
    }
    if (r.last == r.first)
        return;
    char *to = y + (size_t)r.first * item;
    const char *from = x + (size_t)columns[r.first] * item;
    if (r.step == 1) {
        memcpy(to, from, (size_t)(r.last - r.first) * item);
        return;
    }
    for (ptrdiff_t j = 0; j < r.last - r.first; ++j)
        memcpy(to + (size_t)j * item, from - (size_t)j * item, item);
}

INLINE void gather_images(const gather_args *args, ptrdiff_t first, ptrdiff_t last, size_t item)
{
    const gather_args a = *args;
    for (ptrdiff_t n = first; n < last; ++n) {
        const int64_t *rows = a.rows + n * a.out_h, *columns = a.columns + n * a.out_w;
        const run r = longest_run(columns, a.out_w);
        for (ptrdiff_t c = 0; c < a.channels; ++c) {
            const char *plane = a.x + (size_t)((n * a.channels + c) * a.height * a.width) * item;
            const char *fill = a.fill + (size_t)c * item;
            char *y = a.y + (size_t)((n * a.channels + c) * a.out_h * a.out_w) * item;
            for (ptrdiff_t i = 0; i < a.out_h; ++i, y += (size_t)a.out_w * item) {
                if (rows[i] >= 0)
                    gather_row(y, plane + (size_t)(rows[i] * a.width) * item, fill, columns, r, a.out_w,
                               item);
                else
                    for (ptrdiff_t j = 0; j < a.out_w; ++j)
                        memcpy(y + (size_t)j * item, fill, item);
            }
        }
    }
}

static void gather_bytes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    gather_images(args, first, last, 1);
}

static void gather_reals(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    gather_images(args, first, last, sizeof(real));
}

void FCN(gather)(void *y, const void *x, const int64_t *rows, const int64_t *columns, const void *fill,
                 ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, ptrdiff_t out_h,
                 ptrdiff_t out_w, int threads)
{
    OWN_FLOAT_MODE;
    const gather_args a = {y, x, fill, rows, columns, channels, height, width, out_h, out_w};
    fcn_parallel_for(batch, (double)(channels * out_h * out_w), threads, gather_reals, &a);
}

void FCN(gather_u8)(uint8_t *y, const uint8_t *x, const int64_t *rows, const int64_t *columns,
                    const uint8_t *fill, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height,
                    ptrdiff_t width, ptrdiff_t out_h, ptrdiff_t out_w, int threads)
{
    OWN_FLOAT_MODE;
    const gather_args a = {
        (char *)y, (const char *)x, (const char *)fill, rows, columns, channels, height, width, out_h, out_w};
    fcn_parallel_for(batch, (double)(channels * out_h * out_w), threads, gather_bytes, &a);
}

typedef struct {
    char *x;
    const char *value;
    const int64_t *rectangles;
    ptrdiff_t count, channels, height, width;
} rectangle_args;

INLINE void fill_images(const rectangle_args *args, ptrdiff_t first, ptrdiff_t last, size_t item)
{
    const rectangle_args a = *args;
    for (ptrdiff_t n = first; n < last; ++n)
        for (ptrdiff_t k = 0; k < a.count; ++k) {
            const int64_t *r = a.rectangles + (n * a.count + k) * 4;
            for (ptrdiff_t c = 0; c < a.channels; ++c) {
                const char *value = a.value + (size_t)c * item;
                for (ptrdiff_t i = r[0]; i < r[0] + r[2]; ++i) {
                    char *row = a.x + (size_t)(((n * a.channels + c) * a.height + i) * a.width + r[1]) * item;
                    for (ptrdiff_t j = 0; j < r[3]; ++j)
                        memcpy(row + (size_t)j * item, value, item);
                }
            }
        }
}

static void fill_bytes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    fill_images(args, first, last, 1);
}

static void fill_reals(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    fill_images(args, first, last, sizeof(real));
}

void FCN(fill_rectangles)(void *x, const int64_t *rectangles, const void *value, ptrdiff_t batch,
                          ptrdiff_t count, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, int threads)
{
    OWN_FLOAT_MODE;
    const rectangle_args a = {x, value, rectangles, count, channels, height, width};
    fcn_parallel_for(batch, (double)(channels * height * width), threads, fill_reals, &a);
}

void FCN(fill_rectangles_u8)(uint8_t *x, const int64_t *rectangles, const uint8_t *value, ptrdiff_t batch,
                             ptrdiff_t count, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width,
                             int threads)
{
    OWN_FLOAT_MODE;
    const rectangle_args a = {(char *)x, (const char *)value, rectangles, count, channels, height, width};
    fcn_parallel_for(batch, (double)(channels * height * width), threads, fill_bytes, &a);
}
