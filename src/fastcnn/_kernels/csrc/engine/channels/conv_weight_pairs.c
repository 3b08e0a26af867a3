/* The weight gradient of a convolution in the layout "channels", of element types whose multiply-adds take two
 * terms: bfloat16.
 *
 * Equation  dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o], as in
 *           conv_weight.c
 * Layout    see program.h; sums as in conv_weight.c. pairs: for each image in hand, of every element that a tile
 *           of pixels reads, the element and the one that the next pixel reads in its place; the same with 0 in
 *           the place of the second; then dy [MAX_WIDTH vectors][pair of pixels][vectors of the block][VL][2].
 * Method    The two terms of a multiply-add are two pixels of y. Neighbours in a row read x at one distance, so
 *           that the pairs of all taps are elements of one array, which is written once and read by all blocks of
 *           taps and channels, as x is in conv_weight.c. Pixels that are left over go with a 0.
 * Order     Each tile of pixels is summed from 0, first all pairs, then what is left over; the tiles of a slot are
 *           added one after the other, then slots in order.
 * Edges     What a pixel that is left over would be paired with is not read: it may be no number.
 */
#include "engine/kernel.h"
#include "weight_sums.h"

#if TERMS == 2

/* The pairs of pixels in hand. */
typedef struct {
    const uint32_t *x, *dy;
    const int32_t *x_at; /* of each pair */
    const int32_t *tap_at;
    ptrdiff_t count;
    int fresh;
} pixel_pairs;

#define MOST_IN_HAND (2 * FCN_WEIGHT_TILE)

INLINE void add_taps(real *sums, const pixel_pairs *f, const uint32_t *dy, ptrdiff_t k0, const int vectors,
                     const int taps)
{
    vreal sum[MAX_SUMS];
    const uint32_t *tap[MAX_SUMS];
    const int32_t *x_at = f->x_at;
#pragma GCC unroll 32
    for (int i = 0; i < taps * vectors; ++i)
        sum[i] = (vreal){0};
#pragma GCC unroll 32
    for (int t = 0; t < taps; ++t)
        if (t == 0 || taps <= FEW) {
            tap[t] = f->x + f->tap_at[k0 + t];
            PIN_INTEGER(tap[t]);
        }
    for (ptrdiff_t i = 0; i < f->count; ++i, dy += vectors * VL) {
        ptrdiff_t at = x_at[i];
        PIN_INTEGER(at);
        vterms grad[MAX_WIDTH];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
            grad[v] = load_terms((const stored *)(dy + v * VL));
            PIN(grad[v]);
        }
#pragma GCC unroll 32
        for (int t = 0; t < taps; ++t) {
            vterms value = set_terms((const stored *)(taps > FEW ? tap[0] + at + t : tap[t] + at));
            if (vectors > 1)
                PIN(value);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[t * vectors + v] = multiply_add(sum[t * vectors + v], value, grad[v]);
        }
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

typedef void block(real *, const pixel_pairs *, const uint32_t *, ptrdiff_t);
#define DEFINE(v, t)                                                                                         \
    static void add_taps_##v##_##t(real *sums, const pixel_pairs *f, const uint32_t *dy, ptrdiff_t k0)       \
    {                                                                                                        \
        add_taps(sums, f, dy, k0, v, t);                                                                     \
    }
BLOCKS(DEFINE)
#define ENTRY(v, t) [v][t] = add_taps_##v##_##t,
static block *const blocks[MAX_WIDTH + 1][MAX_SUMS + 1] = {BLOCKS(ENTRY)};

/* What is in hand: the pixels p0 .. p1 - 1 of some images. */
typedef struct {
    const struct fcn_conv_weight *a;
    const fcn_batch *batch;
    ptrdiff_t first, images, p0, p1;
    ptrdiff_t lowest,
        size;        /* the first element of x that they read, and the number of all up to the last one */
    ptrdiff_t apart; /* of what neighbours read; 0: there are none */
} in_hand;

/* Whether pixel p and the next one are a pair. */
static inline int is_pair(const in_hand *h, ptrdiff_t p)
{
    const int32_t *x_at = h->a->x_at;
    return h->apart && p + 1 < h->p1 && x_at[p + 1] - x_at[p] == h->apart;
}

/* Lay out pixel p of dy and, of a whole pair, the next one as pair i of `count`. */
static void put_pixels(const in_hand *h, uint32_t *dy, ptrdiff_t image, ptrdiff_t p, int whole, ptrdiff_t i,
                       ptrdiff_t count)
{
    const stored *grad = of_group(&h->a->dy, h->batch, h->first + image);
    const ptrdiff_t vectors = h->a->vectors;
    for (ptrdiff_t v = 0; v < vectors; ++v) {
        const ptrdiff_t v0 = v - v % MAX_WIDTH, width = fcn_min(MAX_WIDTH, vectors - v0);
        const stored *one = grad + h->a->dy_at[p] + v * VL;
        const stored *other = whole ? grad + h->a->dy_at[p + 1] + v * VL : NULL;
        store_terms((stored *)(dy + (v0 * count + i * width + v % MAX_WIDTH) * VL), zip_terms(one, other));
    }
}

/* Find what elements the pixels in hand read. */
static void find_elements(in_hand *h, ptrdiff_t lowest_tap, ptrdiff_t highest_tap)
{
    const int32_t *x_at = h->a->x_at;
    ptrdiff_t low = x_at[h->p0], high = low;
    for (ptrdiff_t p = h->p0; p < h->p1; ++p) {
        low = fcn_min(low, x_at[p]);
        high = fcn_max(high, x_at[p]);
    }
    h->lowest = low + lowest_tap;
    h->size = high + highest_tap + 1 - h->lowest;
}

/* Lay out the pixels in hand and add what they give to the sums. */
static void add_tile(real *sums, in_hand *h, int fresh)
{
    const struct fcn_conv_weight *a = h->a;
    const ptrdiff_t depth = a->depth, vectors = a->vectors, plane = fcn_divide_up(h->size, VL) * VL;
    int32_t at[MOST_IN_HAND];
    ptrdiff_t pairs = 0, left = 0, count = 0;
    for (ptrdiff_t p = h->p0; p < h->p1; p += 1 + is_pair(h, p))
        is_pair(h, p) ? ++pairs : ++left;
    uint32_t *x = of_group(&a->pairs, h->batch, h->first);
    uint32_t *dy = x + h->images * plane * (left ? 2 : 1);
    const ptrdiff_t all = (pairs + left) * h->images;
    for (int whole = 1; whole >= 0; --whole)
        for (ptrdiff_t image = 0; image < h->images; ++image) {
            uint32_t *elements = x + ((1 - whole) * h->images + image) * plane;
            const stored *from = (stored *)of_group(&a->x, h->batch, h->first + image) + h->lowest;
            if (whole && pairs)
                pair_elements(elements, from, h->size, h->apart);
            else if (!whole && left)
                put_pairs(elements, from, NULL, h->size);
            for (ptrdiff_t p = h->p0; p < h->p1; p += 1 + is_pair(h, p))
                if (is_pair(h, p) == whole) {
                    at[count] = (int32_t)(elements - x + a->x_at[p] - h->lowest);
                    put_pixels(h, dy, image, p, whole, count++, all);
                }
        }
    const pixel_pairs f = {.x = x, .dy = dy, .x_at = at, .tap_at = a->tap_at, .count = all, .fresh = fresh};
    for (ptrdiff_t v0 = 0, width; v0 < vectors; v0 += width) {
        width = fcn_min(MAX_WIDTH, vectors - v0);
        for (ptrdiff_t k = 0, taps; k < depth; k += taps) {
            taps = block_taps(a->tap_at, k, depth, max_taps[width]);
            blocks[width][taps](sums + (v0 * depth + k * width) * VL, &f, dy + v0 * all * VL, k);
        }
    }
}

void KERNEL(conv_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_weight *a = &op->conv_weight;
    const ptrdiff_t pixels = a->pixels, tiles = fcn_divide_up(pixels, FCN_WEIGHT_TILE);
    const ptrdiff_t end = group + (op->whole_chunk ? batch->count : 1);
    ptrdiff_t lowest = a->tap_at[0], highest = lowest;
    for (ptrdiff_t k = 0; k < a->depth; ++k) {
        lowest = fcn_min(lowest, a->tap_at[k]);
        highest = fcn_max(highest, a->tap_at[k]);
    }
    in_hand h = {.a = a, .batch = batch, .apart = pixels > 1 ? fcn_max(a->x_at[1] - a->x_at[0], 0) : 0};
    for (ptrdiff_t image = group; image < end; image += h.images) {
        int fresh;
        real *sums = sums_of_group(op, &a->sums, batch, image, &fresh);
        h.first = image;
        h.images = images_in_hand(op, batch, image, end, pixels);
        for (ptrdiff_t tile = 0; tile < tiles; ++tile) {
            h.p0 = pixels * tile / tiles;
            h.p1 = pixels * (tile + 1) / tiles;
            find_elements(&h, lowest, highest);
            add_tile(sums, &h, tile == 0 && fresh);
        }
    }
}

#endif
