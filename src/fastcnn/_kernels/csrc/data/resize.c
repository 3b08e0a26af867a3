/* Kernel of data augmentation that brings a box of each image to another size.
 *
 * Equation  y[n, c, i, j] = sum over s, t of v[i, s] h[j, t] x[n, c, top + s, left + t], s and t inside the
 *           box (top, left, height, width) of boxes[n]. With scale = size / out, along each axis, the weights
 *           of output i, whose centre lies at scale (i + 1/2), are
 *           FCN_TWO_TAPS   the two nearest pixels by their distances (bilinear without antialiasing)
 *           FCN_TRIANGLE   max(0, 1 - |s + 1/2 - centre| / max(scale, 1)), divided by their sum: bilinear
 *                          with antialiasing, as Pillow and PyTorch (antialias=True) define it
 *           FCN_MEAN       equal, from floor(scale i) to ceil(scale (i + 1)): adaptive average pooling
 * Layout    x (N, C, H, W), y (N, C, out_h, out_w), boxes (N, 4)
 * Method    An output row is first the weighted sum of rows of the box, then each of its pixels the weighted
 *           sum of neighbours in that row. Weights are computed anew where the box has another size than the
 *           last one.
 * Threads   Over images.
 * Edges     Sums are in real; bytes are rounded once, to nearest, halves up.
 */
#include "data/resize.h"
#include "eager/eager.h"

/* The weights of one axis: output i is the sum of taps[i * most + t] x[first[i] + t], t < count[i]. */
typedef struct {
    ptrdiff_t *first, *count;
    real *taps;
    ptrdiff_t most, out;
} axis;

/* How many pixels an output is made of at the most. */
static ptrdiff_t most_taps(ptrdiff_t size, ptrdiff_t out) { return 2 * fcn_divide_up(size, out) + 2; }

static size_t axis_bytes(ptrdiff_t size, ptrdiff_t out)
{
    return fcn_whole_lines(2 * (size_t)out * sizeof(ptrdiff_t)) +
           fcn_whole_lines((size_t)(out * most_taps(size, out)) * sizeof(real));
}

static axis axis_at(char *memory, ptrdiff_t size, ptrdiff_t out)
{
    ptrdiff_t *first = (ptrdiff_t *)memory;
    real *taps = (real *)(memory + fcn_whole_lines(2 * (size_t)out * sizeof(ptrdiff_t)));
    return (axis){first, first + out, taps, most_taps(size, out), out};
}

static double triangle(double distance) { return distance < 0 ? 1 + distance : 1 - distance; }

static void set_weights(axis a, ptrdiff_t size, int method)
{
    const double scale = (double)size / (double)a.out, reach = scale > 1 ? scale : 1;
    for (ptrdiff_t i = 0; i < a.out; ++i) {
        real *taps = a.taps + i * a.most;
        const double centre = scale * ((double)i + 0.5);
        if (method == FCN_TWO_TAPS) {
            const double place = centre > 0.5 ? centre - 0.5 : 0;
            a.first[i] = fcn_min((ptrdiff_t)place, size - 1);
            a.count[i] = fcn_min(2, size - a.first[i]);
            const double share = a.count[i] == 2 ? place - (double)a.first[i] : 0;
            taps[0] = (real)(1 - share);
            taps[1] = (real)share;
        } else if (method == FCN_MEAN) {
            /* Of a size and a number of rows that both fit into an image, the product does not overflow. */
            a.first[i] = i * size / a.out;
            a.count[i] = fcn_divide_up((i + 1) * size, a.out) - a.first[i];
            for (ptrdiff_t t = 0; t < a.count[i]; ++t)
                taps[t] = (real)(1 / (double)a.count[i]);
        } else {
            const double low = centre - reach + 0.5, high = centre + reach + 0.5;
            a.first[i] = low > 0 ? (ptrdiff_t)low : 0;
            a.count[i] = fcn_min((ptrdiff_t)high, size) - a.first[i];
            double sum = 0;
            for (int pass = 0; pass < 2; ++pass)
                for (ptrdiff_t t = 0; t < a.count[i]; ++t) {
                    const double weight = triangle(((double)(a.first[i] + t) + 0.5 - centre) / reach);
                    const double kept = weight > 0 ? weight : 0;
                    if (pass == 0)
                        sum += kept;
                    else
                        taps[t] = (real)(kept / sum);
                }
        }
    }
}

typedef struct {
    void *y;
    const void *x;
    const int64_t *boxes;
    ptrdiff_t channels, height, width, out_h, out_w;
    int method;
    char *workspace;
    size_t bytes; /* of a thread's scratch memory: the weights of rows and of columns, and one row */
} resize_args;

static size_t scratch_bytes(ptrdiff_t height, ptrdiff_t width, ptrdiff_t out_h, ptrdiff_t out_w)
{
    return axis_bytes(height, out_h) + axis_bytes(width, out_w) +
           fcn_whole_lines((size_t)width * sizeof(real));
}

size_t FCN(resize_workspace)(ptrdiff_t height, ptrdiff_t width, ptrdiff_t out_h, ptrdiff_t out_w, int threads)
{
    return (size_t)threads * scratch_bytes(height, width, out_h, out_w);
}

/* A row's pixels from the sum of rows. */
static inline real across(const real *restrict sum, axis columns, ptrdiff_t j)
{
    const real *taps = columns.taps + j * columns.most, *from = sum + columns.first[j];
    real total = taps[0] * from[0];
    for (ptrdiff_t t = 1; t < columns.count[j]; ++t)
        total += taps[t] * from[t];
    return total;
}

/* sum = the weighted sum of rows of the box, whose first pixel is x[0]. */
#define SUM_ROWS(sum, x, rows, i, stride, size)                                                              \
    do {                                                                                                     \
        const real *taps = (rows).taps + (i) * (rows).most;                                                  \
        for (ptrdiff_t t = 0; t < (rows).count[i]; ++t, ++taps) {                                            \
            const real weight = *taps;                                                                       \
            for (ptrdiff_t k = 0; k < (size); ++k)                                                           \
                (sum)[k] = (t ? (sum)[k] : 0) + weight * (real)(x)[((rows).first[i] + t) * (stride) + k];    \
        }                                                                                                    \
    } while (0)

INLINE void resize_images(const resize_args *args, ptrdiff_t first, ptrdiff_t last, int thread, int bytes)
{
    const resize_args a = *args;
    char *scratch = a.workspace + (size_t)thread * a.bytes;
    const axis rows = axis_at(scratch, a.height, a.out_h);
    const axis columns = axis_at(scratch + axis_bytes(a.height, a.out_h), a.width, a.out_w);
    real *sum = (real *)(scratch + axis_bytes(a.height, a.out_h) + axis_bytes(a.width, a.out_w));
    ptrdiff_t height = 0, width = 0;
    for (ptrdiff_t n = first; n < last; ++n) {
        const int64_t *box = a.boxes + 4 * n;
        if (box[2] != height)
            set_weights(rows, height = box[2], a.method);
        if (box[3] != width)
            set_weights(columns, width = box[3], a.method);
        for (ptrdiff_t c = 0; c < a.channels; ++c) {
            const ptrdiff_t from = ((n * a.channels + c) * a.height + box[0]) * a.width + box[1];
            ptrdiff_t to = (n * a.channels + c) * a.out_h * a.out_w;
            for (ptrdiff_t i = 0; i < a.out_h; ++i, to += a.out_w) {
                if (bytes) {
                    const uint8_t *x = (const uint8_t *)a.x + from;
                    uint8_t *y = (uint8_t *)a.y + to;
                    SUM_ROWS(sum, x, rows, i, a.width, width);
                    for (ptrdiff_t j = 0; j < a.out_w; ++j)
                        y[j] = (uint8_t)(int32_t)(across(sum, columns, j) + (real)0.5);
                } else {
                    const real *x = (const real *)a.x + from;
                    real *y = (real *)a.y + to;
                    SUM_ROWS(sum, x, rows, i, a.width, width);
                    for (ptrdiff_t j = 0; j < a.out_w; ++j)
                        y[j] = across(sum, columns, j);
                }
            }
        }
    }
}

static void resize_bytes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    resize_images(args, first, last, thread, 1);
}

static void resize_reals(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    resize_images(args, first, last, thread, 0);
}

void FCN(resize)(void *y, const void *x, const int64_t *boxes, int method, ptrdiff_t batch,
                 ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, ptrdiff_t out_h, ptrdiff_t out_w,
                 void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    const resize_args a = {y,
                           x,
                           boxes,
                           channels,
                           height,
                           width,
                           out_h,
                           out_w,
                           method,
                           workspace,
                           scratch_bytes(height, width, out_h, out_w)};
    fcn_parallel_for(batch, (double)(channels * out_h * (out_w + width)), threads, resize_reals, &a);
}

void FCN(resize_u8)(uint8_t *y, const uint8_t *x, const int64_t *boxes, int method, ptrdiff_t batch,
                    ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, ptrdiff_t out_h, ptrdiff_t out_w,
                    void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    const resize_args a = {y,
                           x,
                           boxes,
                           channels,
                           height,
                           width,
                           out_h,
                           out_w,
                           method,
                           workspace,
                           scratch_bytes(height, width, out_h, out_w)};
    fcn_parallel_for(batch, (double)(channels * out_h * (out_w + width)), threads, resize_bytes, &a);
}
