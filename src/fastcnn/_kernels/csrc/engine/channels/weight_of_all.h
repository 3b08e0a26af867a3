/* The weight gradient of few pixels over all images at once, of values of which a multiply-add takes two
 * terms, in the layout "channels". Part of weight_of_all_pairs.c and of weight_of_all_tiles.c, which define
 * before it
 *
 *     PAIRS_AT_ONCE     of rows, that are multiplied: rows in hand are filled up to as many with zeros
 *     lay_out_dy        lay out rows of dy for add_rows
 *     add_rows          add what the rows in hand give to the totals of some outputs
 *     begin, end        what is to be done before and after all that
 *
 * Equation  dw[o][c][i] = sum over images and pixels of x[x_at[p] + tap_at[i]][c] * dy[dy_at[p]][o], c being
 *           an input channel and i a place of the window; a linear layer is a convolution whose window is the
 *           whole image.
 * Layout    see program.h; scratch: x [pair of rows][vector of c][VL][2], dy, totals [o][place][vector of
 *           c][VL].
 * Method    As in conv_weight_of_all.c, but input channels are in the lanes: so a linear layer that has many
 *           of them, and few outputs, fills vectors, and its weights are written as rows. A task makes the
 *           gradients of some input channels at some places of the window. Where places have the same pixels,
 *           as those of a linear layer, dy is laid out once for all of them, and neighbours in x are taken as
 *           one.
 * Order     The rows in hand are summed from 0, and added one hand after the other: a function of the batch
 *           alone.
 */
#ifndef FCN_WEIGHT_OF_ALL_H
#define FCN_WEIGHT_OF_ALL_H

#include "common/vmemory.h"

#define OUTPUTS_IN_HAND (FCN_VECTORS_IN_HAND * VL)
#define MOST_PAIRS (FCN_ROWS_IN_HAND / 2)

static inline ptrdiff_t pairs_of(ptrdiff_t rows)
{
    return fcn_divide_up(fcn_divide_up(rows, 2), PAIRS_AT_ONCE) * PAIRS_AT_ONCE;
}

/* Where the rows of x or dy of a place stand, those of several images one after the other, and NULL
 * behind. */
static void find_rows(const stored **rows, const fcn_buffer *buffer, const fcn_batch *batch, ptrdiff_t first,
                      ptrdiff_t images, const int32_t *at, const int32_t *pixel, ptrdiff_t pixels)
{
    ptrdiff_t row = 0;
    for (ptrdiff_t image = 0; image < images; ++image) {
        const stored *of_image = of_group(buffer, batch, first + image);
        for (ptrdiff_t i = 0; i < pixels; ++i)
            rows[row++] = of_image + at[pixel[i]];
    }
    for (; row < 2 * pairs_of(images * pixels); ++row)
        rows[row] = NULL;
}

/* Lay out `count` channels of the rows of x. */
static void lay_out_x(uint32_t *x, const stored *const *rows, ptrdiff_t pairs, ptrdiff_t offset,
                      ptrdiff_t count, ptrdiff_t row)
{
    for (ptrdiff_t pair = 0; pair < pairs; ++pair, x += row) {
        const stored *one = rows[2 * pair], *other = rows[2 * pair + 1];
        if (one)
            put_pairs(x, one + offset, other ? other + offset : NULL, count);
        else
            memset(x, 0, (size_t)row * sizeof(*x));
    }
}

/* Write the totals of an output, of `places` places from p0 on and `count` input channels from c0 on. */
static void write_output(real *dweight, const real *totals, ptrdiff_t all_places, ptrdiff_t p0,
                         ptrdiff_t places, ptrdiff_t c0, ptrdiff_t count, ptrdiff_t vectors)
{
    for (ptrdiff_t v = 0; v < vectors; ++v) {
        const ptrdiff_t valid = fcn_min(VL, count - v * VL);
        real *to = dweight + (c0 + v * VL) * all_places + p0;
        if (all_places == 1) {
            rstore_first(to, rload(totals + v * VL), valid);
            continue;
        }
        for (ptrdiff_t p = 0; p < places; p += VL) {
            const ptrdiff_t some = fcn_min(VL, places - p);
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                square[i] = i < some ? rload(totals + ((p + i) * vectors + v) * VL) : (vreal){0};
            transpose_lanes(square);
            for (ptrdiff_t c = 0; c < valid; ++c)
                rstore_first(to + c * all_places + p, square[c], some);
        }
    }
}

/* Tell whether place p has the same pixels as the place before. */
static int has_same_pixels(const struct fcn_weight_of_all_pairs *a, ptrdiff_t p)
{
    const ptrdiff_t pixels = a->place_at[p] - a->place_at[p - 1];
    return a->place_at[p + 1] - a->place_at[p] == pixels &&
           memcmp(a->pixel_at + a->place_at[p - 1], a->pixel_at + a->place_at[p],
                  (size_t)pixels * sizeof(*a->pixel_at)) == 0;
}

/* Where the places end that follow `place` in x without a gap, up to `end`: they are taken as one. */
static ptrdiff_t end_of_run(const struct fcn_weight_of_all_pairs *a, ptrdiff_t place, ptrdiff_t end,
                            ptrdiff_t channels)
{
    if (channels < a->in_channels || channels % VL)
        return place + 1;
    end = fcn_min(end, place + fcn_max(FCN_VECTORS_IN_HAND * VL / channels, 1));
    do
        ++place;
    while (place < end && a->tap_at[place] - a->tap_at[place - 1] == channels && has_same_pixels(a, place));
    return place;
}

/* Add the rows of some images, or set totals to them, at the places p0 .. p1 - 1 and channels c0 and on. */
static void add_images(const struct fcn_weight_of_all_pairs *a, const fcn_batch *batch, in_hand *h,
                       ptrdiff_t first, ptrdiff_t images, ptrdiff_t p0, ptrdiff_t p1, ptrdiff_t c0,
                       ptrdiff_t vectors)
{
    const stored *rows[FCN_ROWS_IN_HAND];
    const ptrdiff_t channels = fcn_min(vectors * VL, a->in_channels - c0);
    for (ptrdiff_t place = p0, end; place < p1; place = end) {
        const int32_t *pixel = a->pixel_at + a->place_at[place];
        const ptrdiff_t pixels = a->place_at[place + 1] - a->place_at[place];
        end = end_of_run(a, place, p1, channels);
        h->pairs = pairs_of(images * pixels);
        h->vectors = (end - place) * vectors;
        if (place == p0 || !has_same_pixels(a, place)) {
            find_rows(rows, &a->dy, batch, first, images, a->dy_at, pixel, pixels);
            lay_out_dy(h, rows);
        }
        find_rows(rows, &a->x, batch, first, images, a->x_at, pixel, pixels);
        lay_out_x(h->x, rows, h->pairs, a->tap_at[place] + c0, (end - place) * channels, h->vectors * VL);
        add_rows(h, h->totals + (place - p0) * vectors * VL, (p1 - p0) * vectors * VL);
    }
}

/* A task is some vectors of input channels at some places. */
void KERNEL(weight_of_all_pairs)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_weight_of_all_pairs *a = &op->weight_of_all_pairs;
    const ptrdiff_t parts = fcn_divide_up(a->places, a->task_places), part = task % parts;
    const ptrdiff_t p0 = a->places * part / parts, p1 = a->places * (part + 1) / parts;
    const ptrdiff_t v0 = task / parts * a->task_vectors, c0 = v0 * VL;
    const ptrdiff_t hands = fcn_divide_up(batch->groups, fcn_max(FCN_ROWS_IN_HAND / a->pixels, 1));
    const ptrdiff_t vectors = fcn_min(a->task_vectors, fcn_divide_up(a->in_channels, VL) - v0);
    in_hand h = {.x = of_group(&a->scratch, batch, batch->thread)};
    h.dy = h.x + MOST_PAIRS * fcn_max(a->task_vectors, FCN_VECTORS_IN_HAND) * VL;
    h.totals = (real *)(h.dy + MOST_PAIRS * fcn_min(a->vectors, FCN_VECTORS_IN_HAND) * VL);
    const ptrdiff_t row = (p1 - p0) * vectors * VL;
    begin(&h);
    for (; h.o0 < a->channels; h.o0 += OUTPUTS_IN_HAND) {
        h.outputs = fcn_min(OUTPUTS_IN_HAND, a->channels - h.o0);
        for (ptrdiff_t hand = 0; hand < hands; ++hand) {
            const ptrdiff_t first = batch->groups * hand / hands;
            h.fresh = hand == 0;
            add_images(a, batch, &h, first, batch->groups * (hand + 1) / hands - first, p0, p1, c0, vectors);
        }
        for (ptrdiff_t o = 0; o < h.outputs; ++o)
            write_output((real *)the(&a->dweight) + a->channel_at[h.o0 + o], h.totals + o * row, a->places,
                         p0, p1 - p0, c0, fcn_min(vectors * VL, a->in_channels - c0), vectors);
    }
    end(&h);
}

#endif
