/* The gradients of batch normalisation in the engine's layouts; batch_norm.c has the equations.
 *
 * Method    Sums over a block of pixels in vectors or numbers of partial sums; over blocks and images in
 *           double, those of a slot's images, then those of slots.
 * Slopes    of PReLU behind the normalisation: what it was given, x, is made anew, and a third row of sums is
 *           their gradient, of g x where x is not above 0.
 */
#include "common/activation.h"
#include "engine/batch_norm.h"

/* The derivative of an activation f behind the normalisation is taken from z, its output, if z is given, else
 * from (y - mean) * scale + offset, its input, or from what f makes of that. */
typedef enum { FROM_Z, FROM_Y } derivative;

typedef struct {
    real *sums;
    stored *dy;
    const stored *g, *y, *z;
    const real *state, *slope;
    const int32_t *dy_at, *g_at, *y_at, *z_at;
    ptrdiff_t pixels, vectors;
    vreal factor, mask;
    int of_input, fixed, mask_by_y;
    activation f;
} norm_grad;

/* d is y - mean. */
INLINE vreal through(const norm_grad *f, const derivative from, const activation_kind kind, vreal g,
                     ptrdiff_t p, ptrdiff_t v, vreal d, vreal scale, vreal offset, vreal slope)
{
    if (kind == NO_ACTIVATION)
        return g;
    if (kind == SLOPES)
        return sloped_grad(g, d * scale + offset, slope);
    if (from == FROM_Z)
        return activation_grad(&f->f, kind, g, vload(f->z + f->z_at[p] + v * VL));
    const vreal x = d * scale + offset;
    return activation_grad(&f->f, kind, g, of_either(kind) || f->of_input ? x : activated(&f->f, kind, x));
}

/* Call `loops` with what is to be known when they are compiled. */
#define WITH_KIND(loops, f)                                                                                  \
    do {                                                                                                     \
        if ((f).slope)                                                                                       \
            loops(&(f), FROM_Y, SLOPES);                                                                     \
        else if ((f).z)                                                                                      \
            BY_KIND(&(f).f, loops(&(f), FROM_Z, kind));                                                      \
        else                                                                                                 \
            BY_KIND(&(f).f, loops(&(f), FROM_Y, kind));                                                      \
    } while (0)

/* With slopes there are three sums, of fewer partial sums each, as registers are few. */
#define SLOPE_PARTIALS (PARTIALS > 1 ? 2 : 1)

INLINE void add_product(partials *c, vreal of_slope[SLOPE_PARTIALS], const int i, const norm_grad *f,
                        const derivative from, const activation_kind kind, ptrdiff_t p, ptrdiff_t v,
                        vreal center, vreal scale, vreal offset, vreal slope)
{
    const vreal d = vload(f->y + f->y_at[p] + v * VL) - center;
    const vreal g = vload(f->g + f->g_at[p] + v * VL) * f->factor;
    const vreal inner = through(f, from, kind, g, p, v, d, scale, offset, slope);
    c->sum[i] += inner;
    c->products[i] += inner * d;
    if (kind == SLOPES)
        of_slope[i] += slope_grad(g, d * scale + offset);
}

INLINE void grad_sums(const norm_grad *f, const derivative from, const activation_kind kind)
{
    const int several = kind == SLOPES ? SLOPE_PARTIALS : PARTIALS;
    const ptrdiff_t vectors = f->vectors, size = (kind == SLOPES ? 3 : 2) * vectors * VL;
    real *sums = f->sums;
    for (ptrdiff_t first = 0, last; first < f->pixels; first = last, sums += size) {
        last = fcn_min(f->pixels, first + FCN_SUM_BLOCK);
        memset(sums, 0, (size_t)size * sizeof(real));
        for (ptrdiff_t p0 = first, p1; p0 < last; p0 = p1) {
            p1 = tile_end(p0, last, FEW_PIXELS);
            for (ptrdiff_t v = 0; v < vectors; ++v) {
                const vreal center = state_row(f->state, MEAN, vectors, v);
                const vreal scale = state_row(f->state, SCALE, vectors, v),
                            offset = state_row(f->state, OFFSET, vectors, v);
                const vreal slope = kind == SLOPES ? per_channel(f->slope, v) : (vreal){0};
                real *below = sums + (2 * vectors + v) * VL; /* with slopes: the sums of their gradient */
                vreal of_slope[SLOPE_PARTIALS] = {kind == SLOPES ? rload(below) : (vreal){0}};
                partials c;
                load_sums(&c, sums, vectors, v);
                ptrdiff_t p = p0;
                for (; p + FEW_PIXELS <= p1; p += FEW_PIXELS)
#pragma GCC unroll 4
                    for (int i = 0; i < FEW_PIXELS; ++i)
                        add_product(&c, of_slope, i % several, f, from, kind, p + i, v, center, scale, offset,
                                    slope);
                for (; p < p1; ++p)
                    add_product(&c, of_slope, 0, f, from, kind, p, v, center, scale, offset, slope);
                store_sums(sums, vectors, v, &c);
                if (kind == SLOPES) {
#pragma GCC unroll 4
                    for (int i = 1; i < SLOPE_PARTIALS; ++i)
                        of_slope[0] += of_slope[i];
                    rstore(below, of_slope[0]);
                }
            }
        }
    }
}

/* The sums of each block of pixels of a group. */
void KERNEL(bn_grad_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_bn_grad_sums *a = &op->bn_grad_sums;
    const norm_grad f = {
        .sums = of_group(&a->sums, batch, group),
        .g = of_group(&a->g, batch, group),
        .y = of_group(&a->y, batch, group),
        .state = the(&a->state),
        .slope = the(&a->slope),
        .z = of_group(&a->z, batch, group),
        .g_at = a->g_at,
        .y_at = a->y_at,
        .z_at = a->z_at,
        .pixels = a->pixels,
        .vectors = a->vectors,
        .factor = vset((real)a->factor),
        .of_input = (int)a->of_input,
        .f = ACTIVATION_OF(a),
    };
    WITH_KIND(grad_sums, f);
}

/* The gradients of gamma and beta, and the factors of dy. */
void KERNEL(bn_grad_finish)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_bn_grad_finish *a = &op->bn_grad_finish;
    const ptrdiff_t row = row_size(a->vectors), lanes = GROUP_IMAGES, rows = a->sloped ? 3 : 2;
    const ptrdiff_t blocks = fcn_divide_up(a->summed_pixels, FCN_SUM_BLOCK);
    const ptrdiff_t first = task * VL, some = channels_of_task(task, a->channels);
    const double count = (double)batch->images * (double)a->pixels;
    real *state = the(&a->state), *dgamma = the(&a->dgamma), *dbeta = the(&a->dbeta);
    real *dslope = the(&a->dslope);
    const real *gamma = the(&a->gamma);
    double sums[VL] = {0}, around_mean[VL] = {0}, below[VL] = {0};
    for (ptrdiff_t slot = 0; slot < batch->slots; ++slot) {
        double slot_sums[VL] = {0}, slot_around_mean[VL] = {0}, slot_below[VL] = {0};
        for (ptrdiff_t g = fcn_slot_group(batch, slot); g < fcn_slot_group(batch, slot + 1); ++g) {
            const real *piece = (const real *)of_group(&a->sums, batch, g) + first * lanes;
            const ptrdiff_t images = fcn_min(lanes, batch->images - g * lanes);
            for (ptrdiff_t block = 0; block < blocks; ++block, piece += rows * row * lanes)
                for (ptrdiff_t lane = 0; lane < images; ++lane)
                    for (ptrdiff_t i = 0; i < some; ++i) {
                        slot_sums[i] += (double)piece[i * lanes + lane];
                        slot_around_mean[i] += (double)piece[(row + i) * lanes + lane];
                        if (dslope)
                            slot_below[i] += (double)piece[(2 * row + i) * lanes + lane];
                    }
        }
        for (ptrdiff_t i = 0; i < some; ++i) {
            sums[i] += slot_sums[i];
            around_mean[i] += slot_around_mean[i];
            below[i] += slot_below[i];
        }
    }
    for (ptrdiff_t i = 0; i < some; ++i) {
        const ptrdiff_t c = first + i;
        const double rest = (double)state[MEAN_REST * row + c];
        const double invstd = (double)state[INVSTD * row + c];
        /* The products were taken with the rounded mean. */
        const double sum = sums[i], products = around_mean[i] - sum * rest;
        if (dgamma)
            dgamma[c] = (real)(products * invstd);
        if (dbeta)
            dbeta[c] = (real)sum;
        if (dslope)
            dslope[c] = (real)below[i];
        if (a->fixed)
            continue;
        const double scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        const real b = (real)(-scale * invstd * invstd * products / count);
        state[GRAD_A * row + c] = (real)scale;
        state[GRAD_B * row + c] = b;
        state[GRAD_C * row + c] = (real)(-scale * sum / count - (double)b * rest);
    }
}

/* With `fixed` statistics B and C are 0, and y need not be finite. */
INLINE void input_grad_of(const norm_grad *f, const derivative from, const activation_kind kind,
                          const int fixed)
{
    const ptrdiff_t vectors = f->vectors;
    for (ptrdiff_t p0 = 0, p1; p0 < f->pixels; p0 = p1) {
        p1 = tile_end(p0, f->pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal a = state_row(f->state, GRAD_A, vectors, v) * f->factor;
            const vreal b = state_row(f->state, GRAD_B, vectors, v) * f->mask;
            const vreal shift = state_row(f->state, GRAD_C, vectors, v) * f->mask;
            const vreal center = state_row(f->state, MEAN, vectors, v);
            const vreal scale = state_row(f->state, SCALE, vectors, v),
                        offset = state_row(f->state, OFFSET, vectors, v);
            const vreal slope = kind == SLOPES ? per_channel(f->slope, v) : (vreal){0};
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                vreal grad = vload(f->g + f->g_at[p] + v * VL), value = vload(f->y + f->y_at[p] + v * VL);
                const vreal d = value - center;
                grad = through(f, from, kind, grad, p, v, d, scale, offset, slope);
                vreal result = fixed ? a * grad : a * grad + (b * d + shift);
                if (f->mask_by_y)
                    result = keep(~(value <= 0), result); /* as ReLU does: NaN passes */
                if (kind == SLOPES) /* an infinite slope makes NaN of the 0 of no image */
                    result = keep(f->mask != 0, result);
                vstore(f->dy + f->dy_at[p] + v * VL, result);
            }
        }
    }
}

INLINE void input_grad(const norm_grad *f, const derivative from, const activation_kind kind)
{
    if (f->fixed)
        input_grad_of(f, from, kind, 1);
    else
        input_grad_of(f, from, kind, 0);
}

/* dy = A g + B (y - mean) + C */
void KERNEL(bn_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_bn_grad *a = &op->bn_grad;
    const vreal mask = lane_mask(batch, group);
    const norm_grad f = {
        .dy = of_group(&a->dy, batch, group),
        .g = of_group(&a->g, batch, group),
        .y = of_group(&a->y, batch, group),
        .state = the(&a->state),
        .slope = the(&a->slope),
        .z = of_group(&a->z, batch, group),
        .dy_at = a->dy_at,
        .g_at = a->g_at,
        .y_at = a->y_at,
        .z_at = a->z_at,
        .pixels = a->pixels,
        .vectors = a->vectors,
        .factor = vset((real)a->factor) * mask,
        .mask = mask,
        .of_input = (int)a->of_input,
        .fixed = (int)a->fixed,
        .mask_by_y = (int)a->mask_by_y,
        .f = ACTIVATION_OF(a),
    };
    WITH_KIND(input_grad, f);
}
