/* Packing of a convolution's weights in the layout "channels".
 *
 * Equation  packed[k][o] = weight[weight_at[k] + channel_at[o]] * scale[o]
 * Layout    [block][k][vectors of the block][VL], zero past the last channel, and where a multiply-add takes
 *           two terms [block][pair of taps of a span][vectors of the block][VL][2]: see conv.c.
 * Method    Where the taps of a channel are neighbours, VL of them of VL channels are a square, which is
 *           transposed. Else weight_at goes through all input channels at one place of the window after the
 *           other, and the places of a channel are neighbours in the weights: one channel after the other is
 *           read at all places, by squares too, whose elements are the terms of a multiply-add. Spans of an
 *           odd number of taps, which pairs do not fill, are packed tap by tap.
 */
#include "pack.h"

#include <string.h>

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

/* Write a row of weights that are multiplied at once, by so many terms: one, of which TERMS need no pairs, or
 * TERMS. */
INLINE void put(const block *b, stored *to, vreal row, const int terms)
{
    if (terms < TERMS)
        vstore(to, row);
    else if (b->streamed)
        rstream((real *)to, row);
    else
        store_terms(to, (vterms)row);
}

/* Make rows of VL taps that are neighbours in the weights, of the vector v. Each is of so many terms: the
 * others are of taps that stand `apart`. */
INLINE void make_square(const block *b, ptrdiff_t v, const real *tap, ptrdiff_t apart, vreal *square,
                        const int terms)
{
    const ptrdiff_t first = (b->v0 + v) * VL, valid = fcn_min(VL, b->a->channels - first);
    const int32_t *channel_at = b->a->channel_at + first;
    const real *scale = b->scale ? b->scale + first : NULL;
#pragma GCC unroll 16
    for (int i = 0; i < VL; ++i) {
        vreal rows[TERMS] = {0};
#pragma GCC unroll 2
        for (int t = 0; t < terms; ++t) {
            if (i < valid)
                rows[t] = rload(tap + t * apart + channel_at[i]);
            if (i < valid && scale)
                rows[t] *= scale[i];
        }
        square[i] = terms < TERMS ? rows[0] : (vreal)terms_of(rows);
    }
    transpose_lanes(square);
}

/* Pack the taps k0 .. k0 + VL - 1, which are neighbours. */
static void pack_squares(const block *b, ptrdiff_t k0)
{
    const ptrdiff_t stride = b->width * VL;
    for (ptrdiff_t v = 0; v < b->width; ++v) {
        vreal square[VL];
        make_square(b, v, b->weight + b->a->weight_at[k0], 0, square, 1);
#pragma GCC unroll 16
        for (int i = 0; i < VL; i += TERMS)
            store_terms(b->packed + (k0 + i) * stride + v * VL * TERMS, terms_of(square + i));
    }
}

/* Tell whether the places of a channel are neighbours in the weights, in this order or the other way
 * round. */
static int has_neighbours(const int32_t *at, ptrdiff_t channels, ptrdiff_t places)
{
    for (ptrdiff_t p = 1; p < places; ++p)
        if (at[p * channels] - at[0] != (at[channels] - at[0]) * p)
            return 0;
    return places > 2 && (at[channels] - at[0] == 1 || at[channels] - at[0] == -1);
}

/* Pack the vector v at all places, of `terms` channels whose taps stand `apart`; those of the first one are
 * at[0], at[channels] and so on. Squares may begin before these: there are VL taps behind it. */
INLINE void rows_by_squares(const block *b, ptrdiff_t v, const int32_t *at, ptrdiff_t channels,
                            ptrdiff_t places, ptrdiff_t apart, stored *to, ptrdiff_t place_step,
                            const int terms)
{
    const int rises = at[channels] > at[0];
    for (ptrdiff_t p = 0; p < places; p += VL, to += VL * place_step) {
        const ptrdiff_t some = fcn_min(VL, places - p);
        const ptrdiff_t lowest = at[(rises ? p : p + some - 1) * channels];
        const ptrdiff_t start = fcn_min(lowest, b->highest - (VL - 1) - fcn_max(apart, 0));
        const ptrdiff_t first = at[p * channels] - start;
        vreal square[VL];
        make_square(b, v, b->weight + start, apart, square, terms);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i) {
            const ptrdiff_t place = rises ? i - first : first - i;
            if (place >= 0 && place < some)
                put(b, to + place * place_step, square[i], terms);
        }
    }
}

/* Pack the channels from c0 on at all places, by rows of so many terms. */
INLINE void pack_rows_of(block *b, ptrdiff_t c0, ptrdiff_t channels, ptrdiff_t places, const int terms)
{
    const int32_t *weight_at = b->a->weight_at;
    const ptrdiff_t row = b->width * VL, place_step = channels * row;
    const ptrdiff_t apart = terms > 1 ? weight_at[1] - weight_at[0] : 0;
    const int squares = b->highest - b->lowest >= VL - 1 + (apart < 0 ? -apart : apart) &&
                        has_neighbours(weight_at, channels, places);
    /* The rows of a square are not written in order: past the caches only whole lines may be. */
    b->streamed = b->streamed && (!squares || sizeof(vreal) == 64);
    for (ptrdiff_t v = 0; v < b->width; ++v) {
        const ptrdiff_t first = (b->v0 + v) * VL, valid = b->a->channels - first;
        const int32_t *channel_at = b->a->channel_at + first;
        const int neighbours = valid >= VL && consecutive(channel_at, VL);
        const vreal factor = factor_of(b, v);
        for (ptrdiff_t c = c0; c < channels; c += terms) {
            const int32_t *at = weight_at + c;
            stored *to = b->packed + c * row + v * VL * terms;
            if (squares && !neighbours) {
                rows_by_squares(b, v, at, channels, places, apart, to, place_step, terms);
                continue;
            }
            for (ptrdiff_t p = 0; p < places; ++p, to += place_step) {
                vreal rows[TERMS];
#pragma GCC unroll 2
                for (int t = 0; t < terms; ++t) {
                    const real *tap = b->weight + at[p * channels + t];
                    rows[t] = neighbours ? rload(tap + channel_at[0]) : lanes_of(tap, channel_at, valid);
                    rows[t] *= factor;
                }
                put(b, to, terms < TERMS ? rows[0] : (vreal)terms_of(rows), terms);
            }
        }
    }
}

static void pack_rows(block *b, ptrdiff_t c0, ptrdiff_t channels, ptrdiff_t places)
{
    if (taps_at_once(b) == TERMS)
        pack_rows_of(b, c0, channels, places, TERMS);
    else
        pack_rows_of(b, c0, channels, places, 1);
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
    pack_rows(&b, done, channels, depth / channels);
    if (b.streamed)
        rstreamed();
}
