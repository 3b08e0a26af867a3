/* Kernel of data augmentation that changes the colours of each image by a list of its own.
 *
 * Equation  For each operation of an image with its value v, in order; white is 255 for bytes, 1 for reals:
 *           brightness    y = v x
 *           contrast      y = m + v (x - m), m the mean of grey(x)
 *           saturation    y = g + v (x - g), g = grey(x)
 *           sharpness     y = b + v (x - b), b the 3x3 mean of inner pixels, the middle counted five times
 *           hue           in hue, saturation, value: the hue turned by v of a whole turn
 *           grey          y = grey(x) = 0.299 R + 0.587 G + 0.114 B
 *           posterize     the upper v bits of a byte
 *           solarize      y = white - x where x >= v
 *           autocontrast  each channel stretched so that it reaches from 0 to white
 *           equalize      each channel of bytes mapped so that its histogram becomes as even as may be
 * Layout    x, y (N, C, H, W) with 1 or 3 channels; operations, values (N, count)
 * Method    An image is brought to reals in scratch memory, changed there, and written. Its planes follow one
 *           another, so that what treats all pixels alike is one loop.
 * Threads   Over images.
 * Edges     After each operation values are limited to 0 to white, and bytes rounded to nearest, halves up.
 *           With one channel grey(x) = x, and hue, saturation and grey change nothing. Images with fewer than
 *           three rows or columns are not sharpened; a channel of one value is not stretched or equalized.
 */
#include "data/adjust.h"
#include "common/sums.h"
#include "eager/eager.h"

#define LEVELS 256

/* An image in work. */
typedef struct {
    real *x;     /* its planes */
    real *spare; /* one plane */
    ptrdiff_t channels, height, width, plane;
    real white;
    int bytes;
} image;

static inline real limited(real value, real white)
{
    value = value > 0 ? value : 0;
    return value < white ? value : white;
}

/* Limit the values of an image, and round those of bytes. */
static void finish(image a)
{
    if (a.bytes)
        for (ptrdiff_t i = 0; i < a.channels * a.plane; ++i)
            a.x[i] = (real)(int32_t)(limited(a.x[i], a.white) + (real)0.5);
    else
        for (ptrdiff_t i = 0; i < a.channels * a.plane; ++i)
            a.x[i] = limited(a.x[i], a.white);
}

static inline real grey_of(real red, real green, real blue)
{
    return (real)0.299 * red + (real)0.587 * green + (real)0.114 * blue;
}

/* x + v (x - degenerate) for each pixel, the degenerate image being one value. */
static void contrast(image a, real v)
{
    static const double share[3] = {0.299, 0.587, 0.114};
    double mean = 0;
    for (ptrdiff_t c = 0; c < a.channels; ++c)
        mean += (a.channels == 1 ? 1 : share[c]) * fcn_row_sum(a.x + c * a.plane, a.plane);
    const real m = (real)(mean / (double)a.plane);
    for (ptrdiff_t i = 0; i < a.channels * a.plane; ++i)
        a.x[i] = m + v * (a.x[i] - m);
}

/* v = 0 is grey. */
static void saturation(image a, real v)
{
    if (a.channels == 1)
        return;
    real *restrict red = a.x, *restrict green = a.x + a.plane, *restrict blue = a.x + 2 * a.plane;
    for (ptrdiff_t i = 0; i < a.plane; ++i) {
        const real g = grey_of(red[i], green[i], blue[i]);
        red[i] = g + v * (red[i] - g);
        green[i] = g + v * (green[i] - g);
        blue[i] = g + v * (blue[i] - g);
    }
}

/* A channel of the colour with that hue (in sixths of a turn, 0 to 6), largest value and range of values:
 * n is 5 for red, 3 for green, 1 for blue. */
static inline real channel_of(real n, real hue, real largest, real range)
{
    real k = n + hue;
    k = k >= 6 ? k - 6 : k;
    const real fall = k < 4 - k ? k : 4 - k;
    return largest - range * limited(fall, 1);
}

static void hue(image a, real v)
{
    if (a.channels == 1)
        return;
    real *restrict red = a.x, *restrict green = a.x + a.plane, *restrict blue = a.x + 2 * a.plane;
    for (ptrdiff_t i = 0; i < a.plane; ++i) {
        const real r = red[i], g = green[i], b = blue[i];
        real largest = r > g ? r : g, smallest = r < g ? r : g;
        largest = b > largest ? b : largest;
        smallest = b < smallest ? b : smallest;
        const real range = largest - smallest, divisor = range > 0 ? range : 1;
        const real of_red = (g - b) / divisor, of_green = 2 + (b - r) / divisor,
                   of_blue = 4 + (r - g) / divisor;
        real h = largest == r ? of_red : largest == g ? of_green : of_blue;
        h += 6 * v;
        h = h < 0 ? h + 6 : h;
        h = h >= 6 ? h - 6 : h;
        red[i] = channel_of(5, h, largest, range);
        green[i] = channel_of(3, h, largest, range);
        blue[i] = channel_of(1, h, largest, range);
    }
}

static void sharpness(image a, real v)
{
    if (a.height < 3 || a.width < 3)
        return;
    const ptrdiff_t w = a.width;
    for (ptrdiff_t c = 0; c < a.channels; ++c) {
        real *restrict x = a.x + c * a.plane, *restrict blurred = a.spare;
        for (ptrdiff_t i = 1; i < a.height - 1; ++i)
            for (ptrdiff_t j = 1; j < w - 1; ++j) {
                const real *p = x + i * w + j;
                const real above = p[-w - 1] + p[-w] + p[-w + 1], below = p[w - 1] + p[w] + p[w + 1];
                blurred[i * w + j] = (above + below + p[-1] + p[1] + 5 * p[0]) / 13;
            }
        for (ptrdiff_t i = 1; i < a.height - 1; ++i)
            for (ptrdiff_t j = 1; j < w - 1; ++j) {
                const real b = blurred[i * w + j];
                x[i * w + j] = b + v * (x[i * w + j] - b);
            }
    }
}

static void autocontrast(image a)
{
    for (ptrdiff_t c = 0; c < a.channels; ++c) {
        real *restrict x = a.x + c * a.plane, low = x[0], high = x[0];
        for (ptrdiff_t i = 1; i < a.plane; ++i) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
        if (!(high > low))
            continue;
        const real scale = a.white / (high - low);
        for (ptrdiff_t i = 0; i < a.plane; ++i)
            x[i] = (x[i] - low) * scale;
    }
}

/* Level l becomes the number of pixels below it, in steps of a 255th of all but those of the highest. */
static void equalize(image a)
{
    for (ptrdiff_t c = 0; c < a.channels; ++c) {
        real *x = a.x + c * a.plane;
        ptrdiff_t count[LEVELS] = {0}, highest = 0, below = 0;
        for (ptrdiff_t i = 0; i < a.plane; ++i)
            ++count[(int32_t)x[i]];
        for (ptrdiff_t l = 0; l < LEVELS; ++l)
            highest = count[l] ? count[l] : highest;
        const ptrdiff_t step = (a.plane - highest) / (LEVELS - 1);
        if (step == 0)
            continue;
        real level[LEVELS];
        for (ptrdiff_t l = 0; l < LEVELS; below += count[l++])
            level[l] = (real)fcn_min((below + step / 2) / step, LEVELS - 1);
        for (ptrdiff_t i = 0; i < a.plane; ++i)
            x[i] = level[(int32_t)x[i]];
    }
}

static void adjust(image a, int32_t operation, real v)
{
    const ptrdiff_t size = a.channels * a.plane;
    switch (operation) {
    case FCN_brightness:
        for (ptrdiff_t i = 0; i < size; ++i)
            a.x[i] *= v;
        break;
    case FCN_contrast:
        contrast(a, v);
        break;
    case FCN_saturation:
        saturation(a, v);
        break;
    case FCN_grey:
        saturation(a, 0);
        break;
    case FCN_hue:
        hue(a, v);
        break;
    case FCN_sharpness:
        sharpness(a, v);
        break;
    case FCN_posterize: {
        const int32_t mask = ~((1 << (8 - (int32_t)v)) - 1);
        for (ptrdiff_t i = 0; i < size; ++i)
            a.x[i] = (real)((int32_t)a.x[i] & mask);
        break;
    }
    case FCN_solarize:
        for (ptrdiff_t i = 0; i < size; ++i)
            a.x[i] = a.x[i] >= v ? a.white - a.x[i] : a.x[i];
        break;
    case FCN_autocontrast:
        autocontrast(a);
        break;
    case FCN_equalize:
        equalize(a);
        break;
    }
    finish(a);
}

typedef struct {
    void *y;
    const void *x;
    const int32_t *operations;
    const double *values;
    ptrdiff_t count, channels, height, width;
    char *workspace;
} adjust_args;

static size_t scratch_bytes(ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width)
{
    return fcn_whole_lines((size_t)((channels + 1) * height * width) * sizeof(real));
}

size_t FCN(adjust_workspace)(ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, int threads)
{
    return (size_t)threads * scratch_bytes(channels, height, width);
}

INLINE void adjust_images(const adjust_args *args, ptrdiff_t first, ptrdiff_t last, int thread, int bytes)
{
    const adjust_args a = *args;
    const ptrdiff_t plane = a.height * a.width, size = a.channels * plane;
    real *x = (real *)(a.workspace + (size_t)thread * scratch_bytes(a.channels, a.height, a.width));
    const image work = {x,    x + size, a.channels, a.height, a.width, plane, bytes ? (real)255 : (real)1,
                        bytes};
    for (ptrdiff_t n = first; n < last; ++n) {
        const uint8_t *from = (const uint8_t *)a.x + n * size;
        if (bytes)
            for (ptrdiff_t i = 0; i < size; ++i)
                x[i] = (real)from[i];
        else
            memcpy(x, (const real *)a.x + n * size, (size_t)size * sizeof(real));
        for (ptrdiff_t k = n * a.count; k < (n + 1) * a.count; ++k)
            if (a.operations[k] != FCN_nothing)
                adjust(work, a.operations[k], (real)a.values[k]);
        uint8_t *to = (uint8_t *)a.y + n * size;
        if (bytes)
            for (ptrdiff_t i = 0; i < size; ++i)
                to[i] = (uint8_t)(int32_t)x[i];
        else
            memcpy((real *)a.y + n * size, x, (size_t)size * sizeof(real));
    }
}

static void adjust_bytes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    adjust_images(args, first, last, thread, 1);
}

static void adjust_reals(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    adjust_images(args, first, last, thread, 0);
}

void FCN(adjust)(void *y, const void *x, const int32_t *operations, const double *values, ptrdiff_t count,
                 ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace,
                 int threads)
{
    OWN_FLOAT_MODE;
    const adjust_args a = {y, x, operations, values, count, channels, height, width, workspace};
    fcn_parallel_for(batch, (double)(channels * height * width * (count + 1)), threads, adjust_reals, &a);
}

void FCN(adjust_u8)(uint8_t *y, const uint8_t *x, const int32_t *operations, const double *values,
                    ptrdiff_t count, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width,
                    void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    const adjust_args a = {y, x, operations, values, count, channels, height, width, workspace};
    fcn_parallel_for(batch, (double)(channels * height * width * (count + 1)), threads, adjust_bytes, &a);
}
