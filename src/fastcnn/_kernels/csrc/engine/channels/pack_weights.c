/* Packing of a convolution's weights in the layout "channels".
 *
 * Equation  packed[k][o] = weight[weight_at[k] + channel_at[o]] * scale[o]
 * Layout    [block][k][vectors of the block][VL], zero past the last channel, and where a multiply-add takes two
 *           terms [block][pair of taps of a span][vectors of the block][VL][2]: see conv.c.
 * Method    Where the taps of a channel are neighbours, VL of them of VL channels are a square, which is
 *           transposed. Else weight_at goes through all input channels at one place of the window after the
 *           other, and the places of a channel are neighbours in the weights: a few channels are read at all
 *           places, by squares too, and their rows are written place by place. Spans of an odd number of taps,
 *           which pairs do not fill, are packed tap by tap.
 */
#include "pack.h"

#include <string.h>

#define TAPS_AT_ONCE 144   /* that are read before they are written */
#define CHANNELS_AT_ONCE 4 /* of these, at the least; a multiple of TERMS */
#define PLACES_AT_ONCE (TAPS_AT_ONCE / CHANNELS_AT_ONCE)

/* What a task packs: the vectors v0 .. v0 + width - 1. */
typedef struct {
    const struct fcn_pack_weights *a;
    const real *weight, *scale;
    stored *packed;
    ptrdiff_t v0, width;
    ptrdiff_t lowest, highest; /* place of a tap */
    int streamed;
} block;

/* The scales of a vector; past the last channel there may be any number. */
static vreal factor_of(const block *b, ptrdiff_t v)
{
    if (!b->scale)
        return vset(1);
    const ptrdiff_t first = (b->v0 + v) * VL, valid = fcn_min(VL, b->a->channels - first);
    real factor[VL] = {0};
    memcpy(factor, b->scale + first, (size_t)valid * sizeof(real));
    return rload(factor);
}

/* How many taps a multiply-add takes of these weights. */
static inline ptrdiff_t taps_at_once(const block *b) { return b->a->span_length ? TERMS : 1; }

/* Write the rows of a vector of weights that are multiplied at once. */
INLINE void put(const block *b, stored *to, const vreal *rows)
{
    if (TERMS > 1 && !b->a->span_length)
        vstore(to, rows[0]);
    else if (b->streamed)
        rstream((real *)to, (vreal)terms_of(rows));
    else
        store_terms(to, terms_of(rows));
}

/* Make the vectors v of VL taps that are neighbours in the weights, from `tap` on. */
INLINE void make_square(const block *b, ptrdiff_t v, const real *tap, vreal *square)
{
    const ptrdiff_t first = (b->v0 + v) * VL, valid = fcn_min(VL, b->a->channels - first);
    const vreal factor = factor_of(b, v);
    const int32_t *channel_at = b->a->channel_at + first;
    if (valid == VL) {
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            square[i] = rload(tap + channel_at[i]);
    } else
        for (int i = 0; i < VL; ++i)
            square[i] = i < valid ? rload(tap + channel_at[i]) : (vreal){0};
    transpose_lanes(square);
#pragma GCC unroll 16
    for (int i = 0; i < VL; ++i)
        square[i] *= factor;
}

/* Pack the taps k0 .. k0 + VL - 1, which are neighbours. */
static void pack_squares(const block *b, ptrdiff_t k0)
{
    const ptrdiff_t stride = b->width * VL;
    for (ptrdiff_t v = 0; v < b->width; ++v) {
        vreal square[VL];
        make_square(b, v, b->weight + b->a->weight_at[k0], square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; i += TERMS)
            store_terms(b->packed + (k0 + i) * stride + v * VL * TERMS, terms_of(square + i));
    }
}

/* Tell whether the places of a channel are neighbours in the weights, in this order or the other way round. */
static int has_neighbours(const int32_t *at, ptrdiff_t channels, ptrdiff_t places)
{
    for (ptrdiff_t p = 1; p < places; ++p)
        if (at[p * channels] - at[0] != (at[channels] - at[0]) * p)
            return 0;
    return places > 2 && (at[channels] - at[0] == 1 || at[channels] - at[0] == -1);
}

/* Pack `count` channels from c0 on, of `channels`, at the places p0 .. p0 + places - 1. */
static void pack_rows(const block *b, ptrdiff_t channels, ptrdiff_t c0, ptrdiff_t count, ptrdiff_t p0,
                      ptrdiff_t places)
{
    vreal made[TAPS_AT_ONCE * MAX_VECTORS]; /* [place][vector][channel] */
    const ptrdiff_t step = taps_at_once(b), last = b->highest - VL + 1;
    const int32_t *weight_at = b->a->weight_at + p0 * channels + c0;
    const int squares = last >= b->lowest && has_neighbours(weight_at, channels, places);
    const ptrdiff_t before = squares && weight_at[channels] < weight_at[0] ? VL - 1 : 0;
    for (ptrdiff_t v = 0; v < b->width; ++v) {
        const ptrdiff_t first = (b->v0 + v) * VL, valid = b->a->channels - first;
        const int32_t *channel_at = b->a->channel_at + first;
        const int neighbours = valid >= VL && consecutive(channel_at, VL);
        const vreal factor = factor_of(b, v);
        vreal square[VL];
        ptrdiff_t start = b->highest + 1; /* of the taps in the square: none yet */
        for (ptrdiff_t i = 0; i < count; ++i)
            for (ptrdiff_t p = 0; p < places; ++p) {
                const ptrdiff_t at = weight_at[p * channels + i];
                vreal *to = &made[(p * b->width + v) * count + i];
                if (neighbours)
                    *to = rload(b->weight + at + channel_at[0]) * factor;
                else if (!squares)
                    *to = lanes_of(b->weight + at, channel_at, valid) * factor;
                else {
                    if (at < start || at >= start + VL) {
                        start = fcn_max(b->lowest, fcn_min(at - before, last));
                        make_square(b, v, b->weight + start, square);
                    }
                    *to = square[at - start];
                }
            }
    }
    for (ptrdiff_t p = 0; p < places; ++p) {
        stored *to = b->packed + ((p0 + p) * channels + c0) * b->width * VL;
        for (ptrdiff_t i = 0; i < count; i += step)
            for (ptrdiff_t v = 0; v < b->width; ++v, to += VL * step)
                put(b, to, made + (p * b->width + v) * count + i);
    }
}

/* Pack tap by tap. Behind the last tap of a span of an odd number is a weight of 0. */
static void pack_taps(const block *b)
{
    const ptrdiff_t length = b->a->span_length;
    stored *to = b->packed;
    for (ptrdiff_t k0 = 0; k0 < b->a->depth; k0 += length)
        for (ptrdiff_t k = k0; k < k0 + length; k += TERMS)
            for (ptrdiff_t v = 0; v < b->width; ++v, to += VL * TERMS) {
                const ptrdiff_t first = (b->v0 + v) * VL;
                const vreal factor = factor_of(b, v);
                vreal rows[TERMS] = {0};
                for (int i = 0; i < TERMS && k + i < k0 + length; ++i)
                    rows[i] = factor * lanes_of(b->weight + b->a->weight_at[k + i], b->a->channel_at + first,
                                                b->a->channels - first);
                store_terms(to, terms_of(rows));
            }
}

/* How many taps from the first on stand at one distance from each other. */
static ptrdiff_t run_length(const int32_t *at, ptrdiff_t depth)
{
    ptrdiff_t run = fcn_min(depth, 2);
    while (run < depth && at[run] - at[run - 1] == at[1] - at[0])
        ++run;
    return depth % fcn_max(run, 1) ? depth : run;
}

/* One task packs one block of vectors. */
void KERNEL(pack_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_pack_weights *a = &op->pack_weights;
    const ptrdiff_t depth = a->depth, vectors = fcn_divide_up(a->channels, VL), length = a->span_length;
    const ptrdiff_t v0 = vector_block_start(vectors, task);
    const ptrdiff_t rows = length ? depth / length * whole_terms(length) : depth;
    stored *packed = the(&a->packed);
    block b = {
        .a = a,
        .weight = the(&a->weight),
        .scale = the(&a->scale),
        .packed = packed + v0 * rows * VL,
        .v0 = v0,
        .width = vector_block_start(vectors, task + 1) - v0,
        .lowest = INT32_MAX,
        .highest = -1,
        .streamed =
            vectors * rows * VL * (ptrdiff_t)sizeof(stored) > STREAMED && is_aligned((real *)(void *)packed),
    };
    (void)batch;
    if (!depth) /* pixels that no tap of a strided convolution reaches */
        return;
    for (ptrdiff_t k = 0; k < depth; ++k) {
        b.lowest = fcn_min(b.lowest, a->weight_at[k]);
        b.highest = fcn_max(b.highest, a->weight_at[k]);
    }
    if (length % TERMS) {
        pack_taps(&b);
        return;
    }
    ptrdiff_t done = 0;
    if (length && consecutive(a->weight_at, depth))
        for (; done + VL <= depth; done += VL)
            pack_squares(&b, done);
    const ptrdiff_t channels = done ? depth : run_length(a->weight_at, depth);
    if (channels % taps_at_once(&b)) {
        pack_taps(&b);
        return;
    }
    const ptrdiff_t places = depth / channels, places_at_once = fcn_min(PLACES_AT_ONCE, places);
    const ptrdiff_t at_once = TAPS_AT_ONCE / places_at_once / TERMS * TERMS;
    for (ptrdiff_t c = done; c < channels; c += at_once)
        for (ptrdiff_t p = 0; p < places; p += places_at_once)
            pack_rows(&b, channels, c, fcn_min(at_once, channels - c), p,
                      fcn_min(places_at_once, places - p));
    if (b.streamed)
        rstreamed();
}
