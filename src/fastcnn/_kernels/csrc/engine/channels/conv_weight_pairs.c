/* The weight gradient of a convolution in the layout "channels", of element types whose multiply-adds take
 * two terms: bfloat16.
 *
 * Equation  dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o], as in
 *           conv_weight.c
 * Layout    see program.h; sums as in conv_weight.c. pairs: for each image in hand, of every element that a
 *           tile of pixels reads, the element and the one that the next pixel reads in its place; the same
 *           with 0 in the place of the second; then dy [MAX_WIDTH vectors][pair of pixels][vectors of the
 *           block][VL][2].
 * Method    The two terms of a multiply-add are two pixels of y. Neighbours in a row read x at one distance,
 *           so that the pairs of all taps are elements of one array, which is written once and read by all
 *           blocks of taps and channels, as x is in conv_weight.c. Pixels that are left over go with a 0.
 * Order     Each tile of pixels is summed from 0, first all pairs, then what is left over; the tiles of a
 *           slot are added one after the other, then slots in order.
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

/* The pixels in hand by pairs: the first one of each, then those that are left over. */
typedef struct {
    int32_t whole[FCN_WEIGHT_TILE], left[FCN_WEIGHT_TILE];
    ptrdiff_t whole_count, left_count;
} pairing;

static void find_pairs(const in_hand *h, pairing *found)
{
    const int32_t *x_at = h->a->x_at;
    found->whole_count = found->left_count = 0;
    for (ptrdiff_t p = h->p0; p < h->p1;)
        if (h->apart && p + 1 < h->p1 && x_at[p + 1] - x_at[p] == h->apart) {
            found->whole[found->whole_count++] = (int32_t)p;
            p += 2;
        } else
            found->left[found->left_count++] = (int32_t)p++;
}

/* Write where the first pixels of some pairs begin to read the elements that stand at `start`. */
static void place_pairs(const in_hand *h, int32_t *at, const int32_t *pixel, ptrdiff_t count, ptrdiff_t start)
{
    for (ptrdiff_t i = 0; i < count; ++i)
        at[i] = (int32_t)(start + h->a->x_at[pixel[i]] - h->lowest);
}

/* Lay out some pairs of an image's dy, or pixels that go with a 0, from pair `first` of `all` on. */
INLINE void put_pixels(const in_hand *h, uint32_t *dy, const stored *grad, const int32_t *pixel,
                       ptrdiff_t count, ptrdiff_t first, ptrdiff_t all, const int whole)
{
    const int32_t *dy_at = h->a->dy_at;
    const ptrdiff_t vectors = h->a->vectors;
    for (ptrdiff_t v0 = 0, width; v0 < vectors; v0 += width) {
        width = fcn_min(MAX_WIDTH, vectors - v0);
        uint32_t *to = dy + (v0 * all + first * width) * VL;
        for (ptrdiff_t i = 0; i < count; ++i) {
            const stored *one = grad + dy_at[pixel[i]] + v0 * VL;
            const stored *other = whole ? grad + dy_at[pixel[i] + 1] + v0 * VL : NULL;
            for (ptrdiff_t v = 0; v < width; ++v, to += VL)
                store_terms((stored *)to, zip_terms(one + v * VL, whole ? other + v * VL : NULL));
        }
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
    pairing pixels;
    find_pairs(h, &pixels);
    const ptrdiff_t pairs = pixels.whole_count, left = pixels.left_count, all = (pairs + left) * h->images;
    uint32_t *x = of_group(&a->pairs, h->batch, h->first);
    uint32_t *dy = x + h->images * plane * (left ? 2 : 1);
    for (ptrdiff_t image = 0; image < h->images; ++image) {
        const stored *from = (stored *)of_group(&a->x, h->batch, h->first + image) + h->lowest;
        const stored *grad = of_group(&a->dy, h->batch, h->first + image);
        if (pairs) {
            uint32_t *elements = x + image * plane;
            pair_elements(elements, from, h->size, h->apart);
            place_pairs(h, at + image * pairs, pixels.whole, pairs, elements - x);
            put_pixels(h, dy, grad, pixels.whole, pairs, image * pairs, all, 1);
        }
        if (left) {
            const ptrdiff_t first = pairs * h->images + image * left;
            uint32_t *elements = x + (h->images + image) * plane;
            put_pairs(elements, from, NULL, h->size);
            place_pairs(h, at + first, pixels.left, left, elements - x);
            put_pixels(h, dy, grad, pixels.left, left, first, all, 0);
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
