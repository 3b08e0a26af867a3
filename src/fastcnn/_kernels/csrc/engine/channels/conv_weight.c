/* The weight gradient of a convolution in the layout "channels".
 *
 * Equation  dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o]
 * Layout    see program.h; sums [slot][MAX_WIDTH vectors][k][vectors of the block][VL].
 * Method    Register blocks of VECTORS vectors of output channels by TAPS taps are held over the pixels of an
 *           image: each step loads VECTORS vectors of dy and broadcasts TAPS elements of x. Taps that are
 *           neighbours in x share one pointer; up to FEW taps may stand anywhere.
 * Order     Each tile of pixels is summed from 0; the tiles and images of a slot are added one after the
 *           other, then slots in order.
 */
#include "engine/kernel.h"
#include "weight_sums.h"

#if TERMS == 1 /* else see conv_weight_pairs.c */

typedef struct {
    const stored *x, *dy;
    const int32_t *x_at, *dy_at, *tap_at;
    ptrdiff_t p0, p1, o0;
    ptrdiff_t images, x_stride, dy_stride; /* from one image to the next, in reals */
    int fresh;
} pixel_tile;

INLINE void add_taps(real *sums, const pixel_tile *f, ptrdiff_t k0, const int vectors, const int taps)
{
    vreal sum[MAX_SUMS];
    const stored *tap[MAX_SUMS];
    const stored *dy = f->dy + f->o0;
    const int32_t *x_at = f->x_at, *dy_at = f->dy_at;
#pragma GCC unroll 32
    for (int i = 0; i < taps * vectors; ++i)
        sum[i] = (vreal){0};
#pragma GCC unroll 32
    for (int t = 0; t < taps; ++t)
        if (t == 0 || taps <= FEW)
            tap[t] = f->x + f->tap_at[k0 + t];
    for (ptrdiff_t image = 0; image < f->images; ++image) {
        PIN_INTEGER(dy);
#pragma GCC unroll 32
        for (int t = 0; t < taps; ++t)
            if (t == 0 || taps <= FEW)
                PIN_INTEGER(tap[t]);
        for (ptrdiff_t p = f->p0; p < f->p1; ++p) {
            ptrdiff_t at = x_at[p];
            PIN_INTEGER(at);
            vreal grad[MAX_WIDTH];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v) {
                grad[v] = vload(dy + dy_at[p] + v * VL);
                PIN(grad[v]);
            }
#pragma GCC unroll 32
            for (int t = 0; t < taps; ++t) {
                vreal value = vset(value_of(taps > FEW ? tap[0] + at + t : tap[t] + at));
                if (vectors > 1)
                    PIN(value);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; ++v)
                    sum[t * vectors + v] += value * grad[v];
            }
        }
        dy += f->dy_stride;
#pragma GCC unroll 32
        for (int t = 0; t < taps; ++t)
            if (t == 0 || taps <= FEW)
                tap[t] += f->x_stride;
    }
#pragma GCC unroll 32
    for (int i = 0; i < taps * vectors; ++i)
        rstore(sums + i * VL, f->fresh ? sum[i] : rload(sums + i * VL) + sum[i]);
}

#if MAX_BLOCK == 8
#define BLOCKS(K) UP_TO_24(K, 1) UP_TO_12(K, 2)
static const int max_taps[] = {0, 24, 12};
#else
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_6(K, 2)
static const int max_taps[] = {0, 12, 6};
#endif

#define DEFINE(v, t)                                                                                         \
    static void add_taps_##v##_##t(real *sums, const pixel_tile *f, ptrdiff_t k0)                            \
    {                                                                                                        \
        add_taps(sums, f, k0, v, t);                                                                         \
    }
BLOCKS(DEFINE)

#define ENTRY(v, t) [v][t] = add_taps_##v##_##t,
static void (*const blocks[MAX_WIDTH + 1][MAX_SUMS + 1])(real *, const pixel_tile *,
                                                         ptrdiff_t) = {BLOCKS(ENTRY)};

/* Add what the tile of pixels and images in f gives to the sums of all taps and channels. */
static void add_tile(real *sums, pixel_tile *f, ptrdiff_t depth, ptrdiff_t vectors)
{
    for (ptrdiff_t v0 = 0, width; v0 < vectors; v0 += width) {
        width = fcn_min(MAX_WIDTH, vectors - v0);
        f->o0 = v0 * VL;
        for (ptrdiff_t k = 0, taps; k < depth; k += taps) {
            taps = block_taps(f->tap_at, k, depth, max_taps[width]);
            blocks[width][taps](sums + (v0 * depth + k * width) * VL, f, k);
        }
    }
}

/* An operation on a whole chunk adds several images of few pixels between a load and a store of a sum: as
 * many as are in the chunk, and in one slot. */
void KERNEL(conv_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_weight *a = &op->conv_weight;
    const ptrdiff_t pixels = a->pixels, tiles = fcn_divide_up(pixels, FCN_WEIGHT_TILE);
    const ptrdiff_t end = group + (op->whole_chunk ? batch->count : 1);
    for (ptrdiff_t image = group, images; image < end; image += images) {
        int fresh;
        real *sums = sums_of_group(op, &a->sums, batch, image, &fresh);
        images = images_in_hand(op, batch, image, end, pixels);
        for (ptrdiff_t tile = 0; tile < tiles; ++tile) {
            pixel_tile f = {
                .x = of_group(&a->x, batch, image),
                .dy = of_group(&a->dy, batch, image),
                .dy_at = a->dy_at,
                .x_at = a->x_at,
                .tap_at = a->tap_at,
                .p0 = pixels * tile / tiles,
                .p1 = pixels * (tile + 1) / tiles,
                .images = images,
                .x_stride = a->x.stride / (ptrdiff_t)sizeof(stored),
                .dy_stride = a->dy.stride / (ptrdiff_t)sizeof(stored),
                .fresh = tile == 0 && fresh,
            };
            add_tile(sums, &f, a->depth, a->vectors);
        }
    }
}

#endif

/* dweight[weight_at[k] + channel_at[o]] = sum over slots. One task takes some input channels at all places of
 * the window, which are neighbours in dweight: it writes whole cache lines, and each once. */
void KERNEL(conv_weight_sum)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_conv_weight_sum *a = &op->conv_weight_sum;
    const ptrdiff_t depth = a->depth, channels = a->channels, vectors = fcn_divide_up(channels, VL);
    const ptrdiff_t places = depth / a->in_channels, here = fcn_task_channels(a->in_channels, places);
    const ptrdiff_t c0 = task * here, count = fcn_min(here, a->in_channels - c0);
    const real *sums[FCN_MOST_SLOTS];
    const ptrdiff_t slots = all_sums(op, &a->sums, batch, sums);
    real *dweight = the(&a->dweight);
    for (ptrdiff_t v = 0; v < vectors; ++v)
        for (ptrdiff_t p0 = 0, rows; p0 < places; p0 += rows) {
            rows = fcn_min(FCN_TASK_SUMS / count, places - p0);
            real total[FCN_TASK_SUMS][VL];
            /* Channels are neighbours among the sums, places of the window in dweight. */
            for (ptrdiff_t p = 0; p < rows; ++p)
                for (ptrdiff_t c = 0; c < count; ++c) {
                    const ptrdiff_t k = (p0 + p) * a->in_channels + c0 + c;
                    const ptrdiff_t at = weight_sum_at(k, v, depth, vectors);
                    vreal sum = rload(sums[0] + at);
                    for (ptrdiff_t slot = 1; slot < slots; ++slot)
                        sum += rload(sums[slot] + at);
                    rstore(total[p * count + c], sum);
                }
            for (ptrdiff_t o = 0; o < VL && v * VL + o < channels; ++o) {
                real *to = dweight + a->channel_at[v * VL + o];
                for (ptrdiff_t c = 0; c < count; ++c)
                    for (ptrdiff_t p = 0; p < rows; ++p)
                        to[a->weight_at[(p0 + p) * a->in_channels + c0 + c]] = total[p * count + c][o];
            }
        }
}
