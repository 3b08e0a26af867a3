/* Group normalisation in the engine's layouts: statistics of an image's own elements.
 *
 * Equation  see eager/group_norm.c. A set of elements that share a mean are the channels of a group at
 *           `block` neighbouring pixels: all pixels of an image, or in layer normalisation one.
 *           With g the gradient of z (through the activation) and, per channel, sums over a block's pixels
 *           G = sum g and P = sum g (y - mean):  dbias = sum G, dweight = sum invstd P,
 *           dy = A g + B (y - mean) + C with A = weight invstd and, over the m elements of a set,
 *           B = -invstd^3 sum(weight P) / m, C = -invstd sum(weight G) / m.
 * Method    A block's sums go by channel first, of d and d^2 with d = y - center, where the center is a value
 *           of the channel, so that squares lose no digits however far from 0 the data lie; channels of a
 *           group are put together in double (Chan, Golub and LeVeque, 1983). What rounding the mean leaves
 *           of it is part of the shift and of C.
 * Scratch   rows of numbers for each channel: in "images" a vector each, in "channels" a number.
 * Edges     Lanes past the batch have statistics of 0, so that nothing in them becomes infinite.
 */
#include "common/activation.h"
#include "engine/kernel.h"
#include <math.h>

/* Rows of scratch, vectors * VL reals each. */
enum { FIRST, SECOND, CENTER, SCALE, SHIFT, ROWS };
enum { GRAD_A = ROWS, GRAD_B, GRAD_C, INVSTD, DWEIGHT, DBIAS, GRAD_ROWS };
/* What is kept of a set, for each of a group's images. */
enum { MEAN, REST, INVERSE, KEPT };
/* Pixels of one each that are summed by themselves before they are added to those of the slot. */
#define FLUSHED 256

typedef struct {
    stored *z, *dy;
    real *kept, *rows;
    const stored *y, *g;
    const real *weight, *bias;
    const int32_t *z_at, *y_at, *g_at, *dy_at;
    ptrdiff_t vectors, channels, groups, images;
    double eps;
    vreal mask;
    int of_input;
    activation f;
} norm;

static inline real *row_of(const norm *n, int row, ptrdiff_t vector)
{
    return n->rows + (row * n->vectors + vector) * VL;
}

/* Element (channel, lane) of a row. */
static inline real *number_of(const norm *n, int row, ptrdiff_t channel, ptrdiff_t lane)
{
    return row_of(n, row, 0) + channel * GROUP_IMAGES + lane;
}

static inline real *kept_of(const norm *n, ptrdiff_t group, int what, ptrdiff_t lane)
{
    return n->kept + (group * KEPT + what) * GROUP_IMAGES + lane;
}

static inline double factor_of(const norm *n, ptrdiff_t channel)
{
    return n->weight ? (double)n->weight[channel] : 1.0;
}

/* Of each channel, over `count` pixels: a value as the center, and sums of d and d^2 around it. */
static void channel_sums(const norm *n, const int32_t *y_at, ptrdiff_t count)
{
    for (ptrdiff_t v = 0; v < n->vectors; ++v) {
        const stored *y = n->y + v * VL;
        vreal center = vload(y + y_at[count / 2]), sum = {0}, squares = {0};
        center = keep(center - center == 0, center); /* around an infinity all would be NaN */
        for (ptrdiff_t first = 0, last; first < count; first = last) {
            vreal part[2] = {{0}}, part_squares[2] = {{0}};
            last = fcn_min(count, first + FCN_SUM_BLOCK);
            for (ptrdiff_t p = first; p < last; ++p) {
                const vreal d = vload(y + y_at[p]) - center;
                part[p & 1] += d;
                part_squares[p & 1] += d * d;
            }
            sum += part[0] + part[1];
            squares += part_squares[0] + part_squares[1];
        }
        rstore(row_of(n, CENTER, v), center);
        rstore(row_of(n, FIRST, v), sum);
        rstore(row_of(n, SECOND, v), squares);
    }
}

/* The mean of a group's set, and 1 / sqrt(var + eps), from the sums of its channels over `count` pixels. */
static void keep_moments(const norm *n, ptrdiff_t group, ptrdiff_t count)
{
    const ptrdiff_t some = n->channels / n->groups, first = group * some;
    const double pixels = (double)count, elements = pixels * (double)some;
    for (ptrdiff_t lane = 0; lane < n->images; ++lane) {
        const double origin = (double)*number_of(n, CENTER, first, lane);
        double sum = 0, squares = 0;
        for (ptrdiff_t c = first; c < first + some; ++c)
            sum += pixels * ((double)*number_of(n, CENTER, c, lane) - origin) +
                   (double)*number_of(n, FIRST, c, lane);
        const double mean = origin + sum / elements;
        for (ptrdiff_t c = first; c < first + some; ++c) {
            const double total = (double)*number_of(n, FIRST, c, lane);
            const double e = (double)*number_of(n, CENTER, c, lane) + total / pixels - mean;
            squares += (double)*number_of(n, SECOND, c, lane) - total * total / pixels + pixels * e * e;
        }
        const double var = squares < 0 ? 0 : squares / elements; /* a NaN stays one */
        *kept_of(n, group, MEAN, lane) = (real)mean;
        *kept_of(n, group, REST, lane) = (real)(mean - (double)(real)mean);
        *kept_of(n, group, INVERSE, lane) = (real)(1 / sqrt(var + n->eps));
    }
    for (ptrdiff_t lane = n->images; lane < GROUP_IMAGES; ++lane)
        for (int what = 0; what < KEPT; ++what)
            *kept_of(n, group, what, lane) = 0;
}

/* The rows that each channel is normalised with. */
static void set_rows(const norm *n)
{
    const ptrdiff_t some = n->channels / n->groups;
    for (ptrdiff_t c = 0; c < n->channels; ++c)
        for (ptrdiff_t lane = 0; lane < GROUP_IMAGES; ++lane) {
            const double scale = (double)*kept_of(n, c / some, INVERSE, lane) * factor_of(n, c);
            const double rest = (double)*kept_of(n, c / some, REST, lane);
            *number_of(n, CENTER, c, lane) = *kept_of(n, c / some, MEAN, lane);
            *number_of(n, SCALE, c, lane) = (real)scale;
            *number_of(n, SHIFT, c, lane) = (real)((n->bias ? (double)n->bias[c] : 0.0) - rest * scale);
        }
}

INLINE void normalize(const norm *n, const int32_t *y_at, const int32_t *z_at, ptrdiff_t count,
                      const activation_kind kind)
{
    for (ptrdiff_t v = 0; v < n->vectors; ++v) {
        const vreal center = rload(row_of(n, CENTER, v)), scale = rload(row_of(n, SCALE, v)),
                    shift = rload(row_of(n, SHIFT, v));
        for (ptrdiff_t p = 0; p < count; ++p) {
            const vreal value = (vload(n->y + y_at[p] + v * VL) - center) * scale + shift;
            vstore(n->z + z_at[p] + v * VL, activated(&n->f, kind, value));
        }
    }
}

/* Numbers that are kept of a set of each group. */
static inline ptrdiff_t kept_size(const norm *n) { return n->groups * KEPT * GROUP_IMAGES; }

/* z = f((y - mean) invstd weight + bias) */
void KERNEL(group_norm)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_group_norm *a = &op->group_norm;
    norm n = {
        .z = of_group(&a->z, batch, group),
        .kept = of_group(&a->kept, batch, group),
        .rows = of_group(&a->rows, batch, group),
        .y = of_group(&a->y, batch, group),
        .weight = the(&a->weight),
        .bias = the(&a->bias),
        .vectors = a->vectors,
        .channels = a->channels,
        .groups = a->groups,
        .images = fcn_min(GROUP_IMAGES, batch->images - group * GROUP_IMAGES),
        .eps = a->eps,
        .f = ACTIVATION_OF(a),
    };
    for (ptrdiff_t p = 0; p < a->pixels; p += a->block, n.kept += kept_size(&n)) {
        channel_sums(&n, a->y_at + p, a->block);
        for (ptrdiff_t i = 0; i < n.groups; ++i)
            keep_moments(&n, i, a->block);
        set_rows(&n);
        BY_KIND(&n.f, normalize(&n, a->y_at + p, a->z_at + p, a->block, kind));
    }
}

/* The gradient behind the normalisation, of vector v of a pixel; d is y - center. */
INLINE vreal through(const norm *n, const activation_kind kind, const int32_t g_at, ptrdiff_t v, vreal d,
                     vreal scale, vreal shift)
{
    const vreal g = vload(n->g + g_at + v * VL) * n->mask;
    if (kind == NO_ACTIVATION)
        return g;
    const vreal x = d * scale + shift;
    return activation_grad(&n->f, kind, g, of_either(kind) || n->of_input ? x : activated(&n->f, kind, x));
}

/* G and P of each channel. */
INLINE void gradient_sums(const norm *n, const int32_t *y_at, const int32_t *g_at, ptrdiff_t count,
                          const activation_kind kind)
{
    for (ptrdiff_t v = 0; v < n->vectors; ++v) {
        const vreal center = rload(row_of(n, CENTER, v)), scale = rload(row_of(n, SCALE, v)),
                    shift = rload(row_of(n, SHIFT, v));
        vreal sum = {0}, products = {0};
        for (ptrdiff_t first = 0, last; first < count; first = last) {
            vreal part[2] = {{0}}, part_products[2] = {{0}};
            last = fcn_min(count, first + FCN_SUM_BLOCK);
            for (ptrdiff_t p = first; p < last; ++p) {
                const vreal d = vload(n->y + y_at[p] + v * VL) - center;
                const vreal g = through(n, kind, g_at[p], v, d, scale, shift);
                part[p & 1] += g;
                part_products[p & 1] += g * d;
            }
            sum += part[0] + part[1];
            products += part_products[0] + part_products[1];
        }
        rstore(row_of(n, FIRST, v), sum);
        rstore(row_of(n, SECOND, v), products);
    }
}

/* A, B and C of the channels of a group, of sets of `elements`. */
static void set_factors(const norm *n, ptrdiff_t group, double elements)
{
    const ptrdiff_t some = n->channels / n->groups, first = group * some;
    for (ptrdiff_t lane = 0; lane < GROUP_IMAGES; ++lane) {
        const double rest = (double)*kept_of(n, group, REST, lane);
        const double inverse = (double)*kept_of(n, group, INVERSE, lane);
        double sum = 0, products = 0;
        for (ptrdiff_t c = first; c < first + some; ++c) {
            /* The products were taken with the rounded mean. */
            const double of_g = (double)*number_of(n, FIRST, c, lane);
            const double of_d = (double)*number_of(n, SECOND, c, lane) - of_g * rest;
            *number_of(n, SECOND, c, lane) = (real)(of_d * inverse);
            sum += factor_of(n, c) * of_g;
            products += factor_of(n, c) * of_d;
        }
        const real b = (real)(-inverse * inverse * inverse * products / elements);
        const real shift = (real)(-inverse * sum / elements - (double)b * rest);
        for (ptrdiff_t c = first; c < first + some; ++c) {
            *number_of(n, GRAD_A, c, lane) = (real)(inverse * factor_of(n, c));
            *number_of(n, GRAD_B, c, lane) = b;
            *number_of(n, GRAD_C, c, lane) = shift;
        }
    }
}

INLINE void input_gradient(const norm *n, const int32_t *y_at, const int32_t *g_at, const int32_t *dy_at,
                           ptrdiff_t count, const activation_kind kind)
{
    for (ptrdiff_t v = 0; v < n->vectors; ++v) {
        const vreal center = rload(row_of(n, CENTER, v)), scale = rload(row_of(n, SCALE, v)),
                    shift = rload(row_of(n, SHIFT, v));
        const vreal a = rload(row_of(n, GRAD_A, v)), b = rload(row_of(n, GRAD_B, v)),
                    c = rload(row_of(n, GRAD_C, v));
        for (ptrdiff_t p = 0; p < count; ++p) {
            const vreal d = vload(n->y + y_at[p] + v * VL) - center;
            const vreal g = through(n, kind, g_at[p], v, d, scale, shift);
            vstore(n->dy + dy_at[p] + v * VL, a * g + (b * d + c));
        }
    }
}

/* Add the sums of a block to those of the image, or those of the image to the slot's. */
static void add_row(real *to, const real *from, ptrdiff_t count, int fresh)
{
    for (ptrdiff_t i = 0; i < count; i += VL)
        rstore(to + i, fresh ? rload(from + i) : rload(to + i) + rload(from + i));
}

static void add_block(const norm *n, int fresh)
{
    add_row(row_of(n, DWEIGHT, 0), row_of(n, SECOND, 0), n->vectors * VL, fresh);
    add_row(row_of(n, DBIAS, 0), row_of(n, FIRST, 0), n->vectors * VL, fresh);
}

INLINE void gradients(norm *n, const struct fcn_group_norm_grad *a, real *dweight, real *dbias, int fresh,
                      const activation_kind kind)
{
    const ptrdiff_t row = n->vectors * VL;
    const double elements = (double)(n->channels / n->groups) * (double)a->block;
    ptrdiff_t blocks = 0;
    for (ptrdiff_t p = 0; p < a->pixels; p += a->block, n->kept += kept_size(n)) {
        set_rows(n);
        gradient_sums(n, a->y_at + p, a->g_at + p, a->block, kind);
        for (ptrdiff_t i = 0; i < n->groups; ++i)
            set_factors(n, i, elements);
        if (n->dy)
            input_gradient(n, a->y_at + p, a->g_at + p, a->dy_at + p, a->block, kind);
        if (!dweight && !dbias)
            continue;
        add_block(n, blocks == 0);
        if (++blocks < FLUSHED && p + a->block < a->pixels)
            continue;
        if (dweight)
            add_row(dweight, row_of(n, DWEIGHT, 0), row, fresh);
        if (dbias)
            add_row(dbias, row_of(n, DBIAS, 0), row, fresh);
        fresh = 0;
        blocks = 0;
    }
}

/* dy = A g + B (y - mean) + C, and the sums that are the gradients of weight and bias. */
void KERNEL(group_norm_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_group_norm_grad *a = &op->group_norm_grad;
    norm n = {
        .dy = of_group(&a->dy, batch, group),
        .kept = of_group(&a->kept, batch, group),
        .rows = of_group(&a->rows, batch, group),
        .y = of_group(&a->y, batch, group),
        .g = of_group(&a->g, batch, group),
        .weight = the(&a->weight),
        .bias = the(&a->bias),
        .vectors = a->vectors,
        .channels = a->channels,
        .groups = a->groups,
        .mask = lane_mask(batch, group),
        .of_input = (int)a->of_input,
        .f = ACTIVATION_OF(a),
    };
    int fresh = 0;
    real *dweight = the(&a->dweight) ? sums_of_group(op, &a->dweight, batch, group, &fresh) : NULL;
    real *dbias = the(&a->dbias) ? sums_of_group(op, &a->dbias, batch, group, &fresh) : NULL;
    BY_KIND(&n.f, gradients(&n, a, dweight, dbias, fresh, kind));
}

/* running += momentum * (mean over images - running), of channels that are groups of their own. */
void KERNEL(group_statistics)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_group_statistics *a = &op->group_statistics;
    real *running_mean = the(&a->running_mean), *running_var = the(&a->running_var);
    const double pixels = (double)a->pixels, images = (double)batch->images;
    for (ptrdiff_t c = task * VL; c < fcn_min(a->channels, (task + 1) * VL); ++c) {
        double mean = 0, var = 0;
        for (ptrdiff_t i = 0; i < batch->images; ++i) {
            const real *kept = (const real *)(a->kept.data + i / GROUP_IMAGES * a->kept.stride);
            kept += c * KEPT * GROUP_IMAGES + i % GROUP_IMAGES;
            const double inverse = (double)kept[INVERSE * GROUP_IMAGES];
            mean += (double)kept[MEAN * GROUP_IMAGES] + (double)kept[REST * GROUP_IMAGES];
            var += 1 / (inverse * inverse) - a->eps;
        }
        const double unbiased = var / images * (pixels / (pixels - 1));
        running_mean[c] += (real)(a->momentum * (mean / images - (double)running_mean[c]));
        running_var[c] += (real)(a->momentum * (unbiased - (double)running_var[c]));
    }
}
