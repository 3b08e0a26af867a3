/* The weight gradient of a convolution of few pixels and many weights in the layout "channels".
 *
 * Equation  dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o], as in
 *           conv_weight.c
 * Layout    see program.h; dweight [o][input channel][place of the window]; scratch: rows of dy
 *           [pair of vectors][row][vectors of the pair][VL], rows of x [row][input channels of the task],
 *           then totals [input channel][place][vectors in hand][VL].
 * Method    A task makes the gradients of some input channels over all images, so that there are no partial
 *           sums of slots, which would be larger than the arrays of the images, and so that a batch of one
 *           slot keeps all threads at work. Pixels of some images are the rows in hand. At each place of the
 *           window only the pixels that read x there, and not the zeros around it, are rows. They are laid
 *           out anew, lest rows that stand a power of two apart fall into the same sets of the caches.
 * Order     The rows in hand are summed from 0, and added one hand after the other: a function of the batch
 *           alone.
 */
#include "engine/kernel.h"
#include "weight_sums.h"

/* Rows of x and of dy, and the totals of one place. */
typedef struct {
    const real *x, *dy;
    const int32_t *dy_at; /* of each row */
    ptrdiff_t rows, x_row, total_row;
    int fresh;
} rows;

INLINE void add_rows(real *total, const rows *f, const real *dy, ptrdiff_t c, const int vectors,
                     const int channels)
{
    vreal sum[24];
    const real *x = f->x + c;
#pragma GCC unroll 32
    for (int i = 0; i < channels * vectors; ++i)
        sum[i] = (vreal){0};
    for (ptrdiff_t row = 0; row < f->rows; ++row, x += f->x_row) {
        vreal grad[MAX_WIDTH];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) {
            grad[v] = rload(dy + f->dy_at[row] * (vectors * VL) + v * VL);
            PIN(grad[v]);
        }
#pragma GCC unroll 32
        for (int i = 0; i < channels; ++i) {
            vreal value = vset(x[i]);
            if (vectors > 1)
                PIN(value);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; ++v)
                sum[i * vectors + v] += value * grad[v];
        }
    }
    total += c * f->total_row;
#pragma GCC unroll 32
    for (int i = 0; i < channels; ++i, total += f->total_row)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            rstore(total + v * VL,
                   f->fresh ? sum[i * vectors + v] : rload(total + v * VL) + sum[i * vectors + v]);
}

#if MAX_BLOCK == 8
#define MOST_CHANNELS 12
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_12(K, 2)
#else
#define MOST_CHANNELS 6
#define BLOCKS(K) UP_TO_6(K, 1) UP_TO_6(K, 2)
#endif

#define DEFINE(v, c)                                                                                         \
    static void add_rows_##v##_##c(real *total, const rows *f, const real *dy, ptrdiff_t c0)                 \
    {                                                                                                        \
        add_rows(total, f, dy, c0, v, c);                                                                    \
    }
BLOCKS(DEFINE)
#define ENTRY(v, c) [v][c] = add_rows_##v##_##c,
static void (*const blocks[MAX_WIDTH + 1][MOST_CHANNELS + 1])(real *, const rows *, const real *,
                                                              ptrdiff_t) = {BLOCKS(ENTRY)};

/* What a task is about: the input channels c0 .. c0 + channels - 1, and the vectors v0 .. v0 +
 * vectors - 1. */
typedef struct {
    const struct fcn_conv_weight_of_all *a;
    const fcn_batch *batch;
    ptrdiff_t c0, channels, v0, vectors;
    real *dy, *x;
    real *total;
} share;

/* Lay out the rows of dy of some images. */
static void lay_out_dy(const share *s, ptrdiff_t first, ptrdiff_t images)
{
    const ptrdiff_t pixels = s->a->pixels;
    for (ptrdiff_t image = 0; image < images; ++image) {
        const stored *dy = of_group(&s->a->dy, s->batch, first + image);
        for (ptrdiff_t p = 0; p < pixels; ++p) {
            const stored *from = dy + s->a->dy_at[p] + s->v0 * VL;
            for (ptrdiff_t v = 0; v < s->vectors; ++v) {
                const ptrdiff_t pair = v - v % MAX_WIDTH, width = fcn_min(MAX_WIDTH, s->vectors - pair);
                const ptrdiff_t row = image * pixels + p;
                rstore(s->dy + (pair * images * pixels + row * width + v % MAX_WIDTH) * VL,
                       vload(from + v * VL));
            }
        }
    }
}

/* Lay out the rows of x that are read at a place; return how many there are. */
static ptrdiff_t lay_out_x(const share *s, int32_t *dy_at, ptrdiff_t place, ptrdiff_t first, ptrdiff_t images)
{
    const struct fcn_conv_weight_of_all *a = s->a;
    const int32_t *pixel = a->pixel_at + a->place_at[place];
    const ptrdiff_t here = a->place_at[place + 1] - a->place_at[place];
    ptrdiff_t row = 0;
    for (ptrdiff_t image = 0; image < images; ++image) {
        const stored *x = of_group(&a->x, s->batch, first + image);
        for (ptrdiff_t i = 0; i < here; ++i, ++row) {
            const stored *from = x + a->x_at[pixel[i]] + a->tap_at[place] + s->c0;
            for (ptrdiff_t c = 0; c < s->channels; ++c)
                s->x[row * s->channels + c] = value_of(from + c);
            dy_at[row] = (int32_t)(image * a->pixels + pixel[i]);
        }
    }
    return row;
}

/* Add the rows of some images at one place of the window, or set the totals to them. */
static void add_place(const share *s, ptrdiff_t place, ptrdiff_t first, ptrdiff_t images, int fresh)
{
    const struct fcn_conv_weight_of_all *a = s->a;
    int32_t dy_at[FCN_ROWS_IN_HAND];
    rows f = {
        .x = s->x,
        .dy = s->dy,
        .dy_at = dy_at,
        .x_row = s->channels,
        .total_row = a->places * s->vectors * VL,
        .fresh = fresh,
    };
    f.rows = lay_out_x(s, dy_at, place, first, images);
    const ptrdiff_t dy_rows = images * a->pixels;
    const ptrdiff_t parts = fcn_divide_up(s->channels, MOST_CHANNELS);
    for (ptrdiff_t v = 0, width; v < s->vectors; v += width) {
        width = fcn_min(MAX_WIDTH, s->vectors - v);
        real *total = s->total + (place * s->vectors + v) * VL;
        for (ptrdiff_t part = 0, c = 0, some; part < parts; ++part, c += some) {
            some = s->channels / parts + (part < s->channels % parts);
            blocks[width][some](total, &f, s->dy + v * dy_rows * VL, c);
        }
    }
}

/* Write the totals to dweight, whose rows of an output channel are the places of each input channel. */
static void write_totals(const share *s)
{
    const struct fcn_conv_weight_of_all *a = s->a;
    const ptrdiff_t count = s->channels * a->places, row = s->vectors * VL;
    real *dweight = (real *)the(&a->dweight) + s->c0 * a->places;
    for (ptrdiff_t v = 0; v < s->vectors; ++v) {
        const ptrdiff_t o0 = (s->v0 + v) * VL, valid = fcn_min(VL, a->channels - o0);
        const real *total = s->total + v * VL;
        ptrdiff_t k = 0;
        for (; k + VL <= count; k += VL) {
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                square[i] = rload(total + (k + i) * row);
            transpose_lanes(square);
            for (ptrdiff_t o = 0; o < valid; ++o)
                rstore(dweight + a->channel_at[o0 + o] + k, square[o]);
        }
        for (; k < count; ++k)
            for (ptrdiff_t o = 0; o < valid; ++o)
                dweight[a->channel_at[o0 + o] + k] = total[k * row + o];
    }
}

void KERNEL(conv_weight_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_conv_weight_of_all *a = &op->conv_weight_of_all;
    const ptrdiff_t vectors = fcn_divide_up(a->channels, VL), most = FCN_ROWS_IN_HAND / a->pixels;
    const ptrdiff_t hands = fcn_divide_up(batch->groups, most);
    share s = {.a = a, .batch = batch, .c0 = task * a->task_channels};
    s.channels = fcn_min(a->task_channels, a->in_channels - s.c0);
    s.dy = of_group(&a->scratch, batch, batch->thread);
    s.x = s.dy + FCN_ROWS_IN_HAND * FCN_VECTORS_IN_HAND * VL;
    s.total = (real *)(s.x + FCN_ROWS_IN_HAND * fcn_divide_up(a->task_channels, VL) * VL);
    for (; s.v0 < vectors; s.v0 += s.vectors) {
        s.vectors = fcn_min(FCN_VECTORS_IN_HAND, vectors - s.v0);
        for (ptrdiff_t hand = 0; hand < hands; ++hand) {
            const ptrdiff_t first = batch->groups * hand / hands;
            const ptrdiff_t images = batch->groups * (hand + 1) / hands - first;
            lay_out_dy(&s, first, images);
            for (ptrdiff_t place = 0; place < a->places; ++place)
                add_place(&s, place, first, images, hand == 0);
        }
        write_totals(&s);
    }
}
