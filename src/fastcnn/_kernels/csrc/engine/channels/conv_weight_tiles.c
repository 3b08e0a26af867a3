/* The weight gradient of a convolution by tiles in the layout "channels", and its sum over slots.
 *
 * Equation  dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o], as in
 *           conv_weight.c; k is a place of the window and, next to each other, its input channels.
 * Layout    see program.h; sums [slot][vector of o][block][o][input channel], a block being 16 input channels
 *           of a place; an operation has all blocks or some.
 *           scratch: dy [vector of o][32 positions][o][position], then pairs of x, each an element and the
 *           one that the next position reads in its place, then x where what is not read is zero.
 * Method    Pixels of y, whose windows begin so many elements `apart` in x, are numbered by where they begin:
 *           where rows of y end, some positions have no pixel, and zeros for dy. So 16 pairs of positions are
 *           rows at one distance, for all taps, of the same pairs of x: a tile of these has 16 input channels
 *           at a place, one of dy 16 output channels. Sums stay in tiles over the pixels in hand.
 * Order     A sum goes on by the products of 32 positions at a time over the pixels and images of a slot,
 *           then slots in order.
 * Edges     Where there is no pixel, zeros are multiplied by what stands in x. That is laid out as zero,
 *           unless some window reads it: so an infinite number makes NaN at other places of the window, too.
 */
#include "common/tiles.h"
#include "weight_sums.h"

#define SUMS (TILE_ROWS * 16) /* of a tile */
_Static_assert(VL == TILE_ROWS, "a vector of channels is a tile's rows");

/* What is in hand: the pixels p0 .. p1 - 1 of some images. */
typedef struct {
    const struct fcn_conv_weight_tiles *a;
    const fcn_batch *batch;
    ptrdiff_t first, images, p0, p1;
    ptrdiff_t lowest, size; /* the first element of x that they read, and how many up to the last one */
    ptrdiff_t step;         /* positions from an image to the next one: even, for pairs are of one image */
    ptrdiff_t chunks;       /* of positions, that are multiplied at a time */
    uint32_t *dy, *x;
    tiles *state;
} in_hand;

static ptrdiff_t position_of(const in_hand *h, ptrdiff_t image, ptrdiff_t p)
{
    return image * h->step + (h->a->x_at[p] - h->a->x_at[h->p0]) / h->a->apart;
}

/* Lay out dy: rows of 32 positions of an output channel. */
static void lay_out_dy(const in_hand *h)
{
    static const stored none[VL] = {{0}};
    const struct fcn_conv_weight_tiles *a = h->a;
    const stored *at[FCN_TILE_POSITIONS] = {NULL};
    for (ptrdiff_t image = 0; image < h->images; ++image) {
        const stored *dy = of_group(&a->dy, h->batch, h->first + image);
        for (ptrdiff_t p = h->p0; p < h->p1; ++p)
            at[position_of(h, image, p)] = dy + a->dy_at[p];
    }
    for (ptrdiff_t v = 0; v < a->vectors; ++v)
        for (ptrdiff_t chunk = 0; chunk < h->chunks; ++chunk) {
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < TILE_PAIRS; ++i) {
                const stored *one = at[FCN_TILE_TERMS * chunk + 2 * i],
                             *other = at[FCN_TILE_TERMS * chunk + 2 * i + 1];
                square[i] = (vreal)zip_terms(one ? one + v * VL : none, other ? other + v * VL : NULL);
            }
            transpose_lanes(square);
            real *to = (real *)h->dy + (v * h->chunks + chunk) * SUMS;
#pragma GCC unroll 16
            for (int o = 0; o < TILE_ROWS; ++o)
                rstore(to + o * VL, square[o]);
        }
}

/* Copy the elements in hand that are read, and zeros between them; return the copy. */
static const stored *only_read(const in_hand *h, stored *to, const stored *x)
{
    const int32_t *read_at = h->a->read_at;
    ptrdiff_t run = 0, done = 0; /* the first run that ends behind the first element */
    for (ptrdiff_t step = 1 << 30; step; step /= 2)
        if (2 * (run + step) <= h->a->read_numbers && read_at[2 * (run + step) - 1] <= h->lowest)
            run += step;
    for (; 2 * run < h->a->read_numbers && read_at[2 * run] - h->lowest < h->size; ++run) {
        const ptrdiff_t start = fcn_max(read_at[2 * run] - h->lowest, 0);
        const ptrdiff_t end = fcn_min(read_at[2 * run + 1] - h->lowest, h->size);
        memset(to + done, 0, (size_t)(start - done) * sizeof(stored));
        memcpy(to + start, x + start, (size_t)(end - start) * sizeof(stored));
        done = end;
    }
    memset(to + done, 0, (size_t)(h->size - done) * sizeof(stored));
    return to;
}

/* Lay out pairs of x, and zeros where images end, up to what the last taps of the last positions read. */
static void lay_out_x(const in_hand *h)
{
    const struct fcn_conv_weight_tiles *a = h->a;
    const ptrdiff_t plane = h->step * a->apart;
    const ptrdiff_t all = h->chunks * FCN_TILE_TERMS * a->apart + a->reach + TILE_ROWS;
    for (ptrdiff_t image = 0; image < h->images; ++image) {
        uint32_t *to = h->x + image * plane;
        const stored *x = (const stored *)of_group(&a->x, h->batch, h->first + image) + h->lowest;
        if (a->read_numbers > 2)
            x = only_read(h, (stored *)(h->x + all), x);
        pair_elements(to, x, h->size, a->apart);
        const ptrdiff_t end = image + 1 < h->images ? plane : all - image * plane;
        memset(to + h->size, 0, (size_t)(end - h->size) * sizeof(*to));
    }
}

/* Add the products in hand to the sums of some vectors and blocks, of which `at` are the first taps. */
INLINE void add_products(const in_hand *h, real *const *sums, const uint32_t *dy, const int32_t *at,
                         int fresh, const int vectors, const int blocks)
{
    const ptrdiff_t apart = h->a->apart, row = 2 * apart * (ptrdiff_t)sizeof(*h->x);
    const uint32_t *x[TILE_SUMS];
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) {
        x[b] = h->x + at[b] - h->a->lowest_tap;
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            if (fresh)
                tile_zero(h->state, v * blocks + b);
            else
                tile_load_sums(h->state, v * blocks + b, sums[v] + b * SUMS, TILE_ROWS * sizeof(real));
    }
    for (ptrdiff_t chunk = 0; chunk < h->chunks; ++chunk, dy += SUMS) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            tile_load_a(h->state, v, dy + v * h->chunks * SUMS, TILE_PAIRS * sizeof(*dy));
#pragma GCC unroll 4
        for (int b = 0; b < blocks; ++b) {
            tile_load_b(h->state, b % 2, x[b] + chunk * FCN_TILE_TERMS * apart, row);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; ++v)
                tile_multiply(h->state, v, b % 2, v * blocks + b);
        }
    }
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            tile_store_sums(h->state, v * blocks + b, sums[v] + b * SUMS, TILE_ROWS * sizeof(real));
}

typedef void adder(const in_hand *, real *const *, const uint32_t *, const int32_t *, int);
#define DEFINE(v, b)                                                                                         \
    static void add_products_##v##_##b(const in_hand *h, real *const *sums, const uint32_t *dy,              \
                                       const int32_t *at, int fresh)                                         \
    {                                                                                                        \
        add_products(h, sums, dy, at, fresh, v, b);                                                          \
    }
#define SHAPES(K) K(1, 1) K(1, 2) K(1, 3) K(1, 4) K(2, 1) K(2, 2)
SHAPES(DEFINE)
#define ENTRY(v, b) [v][b] = add_products_##v##_##b,
static adder *const adders[3][TILE_SUMS + 1] = {SHAPES(ENTRY)};

/* Input channels of a place of the window, by blocks of a tile. */
static inline ptrdiff_t blocks_of(ptrdiff_t in_channels) { return fcn_divide_up(in_channels, TILE_ROWS); }

/* Lay out the pixels in hand and add what they give to the sums. */
static void add_hand(real *sums, in_hand *h, int fresh)
{
    const struct fcn_conv_weight_tiles *a = h->a;
    const ptrdiff_t last = a->x_at[h->p1 - 1] - a->x_at[h->p0];
    const ptrdiff_t of_place = blocks_of(a->in_channels), blocks = a->last_block - a->first_block;
    h->lowest = a->x_at[h->p0] + a->lowest_tap;
    h->size = last + a->reach;
    h->step = fcn_divide_up(h->size, 2 * a->apart) * 2;
    h->chunks = fcn_divide_up(position_of(h, h->images - 1, h->p1 - 1) + 1, FCN_TILE_TERMS);
    h->dy = of_group(&a->scratch, h->batch, h->first);
    h->x = h->dy + a->vectors * h->chunks * SUMS;
    lay_out_dy(h);
    lay_out_x(h);
    for (ptrdiff_t v = 0, vectors; v < a->vectors; v += vectors) {
        vectors = fcn_min(2, a->vectors - v);
        for (ptrdiff_t block = 0, some; block < blocks; block += some) {
            some = fcn_min(TILE_SUMS / vectors, blocks - block);
            int32_t at[TILE_SUMS];
            for (ptrdiff_t b = 0; b < some; ++b) {
                const ptrdiff_t number = a->first_block + block + b;
                at[b] = a->tap_at[number / of_place * a->in_channels + number % of_place * TILE_ROWS];
            }
            real *of[2] = {sums + (v * blocks + block) * SUMS};
            if (vectors > 1)
                of[1] = of[0] + blocks * SUMS;
            adders[vectors][some](h, of, h->dy + v * h->chunks * SUMS, at, fresh);
        }
    }
}

void KERNEL(conv_weight_tiles)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_weight_tiles *a = &op->conv_weight_tiles;
    const ptrdiff_t pixels = a->pixels, hands = fcn_divide_up(pixels, FCN_WEIGHT_TILE);
    const ptrdiff_t end = group + (op->whole_chunk ? batch->count : 1);
    tiles state;
    in_hand h = {.a = a, .batch = batch, .state = &state};
    tiles_begin(&state, TILE_ROWS, TILE_PAIRS);
    for (ptrdiff_t image = group; image < end; image += h.images) {
        int fresh;
        real *sums = sums_of_group(op, &a->sums, batch, image, &fresh);
        h.first = image;
        h.images = images_in_hand(op, batch, image, end, pixels);
        for (ptrdiff_t hand = 0; hand < hands; ++hand) {
            h.p0 = pixels * hand / hands;
            h.p1 = pixels * (hand + 1) / hands;
            add_hand(sums, &h, hand == 0 && fresh);
        }
    }
    tiles_end(&state);
}

/* Places of the window whose sums are in hand. */
#define MOST_PLACES 27

/* dweight[weight_at[k] + channel_at[o]] = sum over slots. One task takes a block of input channels at all
 * places of the window, which are neighbours in dweight. */
void KERNEL(conv_weight_tiles_sum)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_conv_weight_tiles_sum *a = &op->conv_weight_tiles_sum;
    const ptrdiff_t channels = a->channels, vectors = fcn_divide_up(channels, VL);
    const ptrdiff_t of_place = blocks_of(a->in_channels), blocks = a->last_block - a->first_block;
    /* The places of which these channels are among the blocks. */
    const ptrdiff_t begin = fcn_divide_up(fcn_max(a->first_block - task, 0), of_place);
    const ptrdiff_t end = fcn_divide_up(fcn_max(a->last_block - task, 0), of_place);
    const ptrdiff_t c0 = task * TILE_ROWS, count = fcn_min(TILE_ROWS, a->in_channels - c0);
    const real *sums[FCN_MOST_SLOTS];
    const ptrdiff_t slots = all_sums(op, &a->sums, batch, sums);
    real *dweight = the(&a->dweight);
    for (ptrdiff_t v = 0; v < vectors; ++v)
        for (ptrdiff_t first = begin, last; first < end; first = last) {
            last = fcn_min(first + MOST_PLACES, end);
            for (ptrdiff_t o = 0; o < VL && v * VL + o < channels; ++o) {
                real total[MOST_PLACES][VL];
                for (ptrdiff_t p = first; p < last; ++p) {
                    const ptrdiff_t block = p * of_place + task - a->first_block;
                    const ptrdiff_t at = (v * blocks + block) * SUMS + o * VL;
                    vreal sum = rload(sums[0] + at);
                    for (ptrdiff_t slot = 1; slot < slots; ++slot)
                        sum += rload(sums[slot] + at);
                    rstore(total[p - first], sum);
                }
                real *to = dweight + a->channel_at[v * VL + o];
                for (ptrdiff_t c = 0; c < count; ++c)
                    for (ptrdiff_t p = first; p < last; ++p)
                        to[a->weight_at[p * a->in_channels + c0 + c]] = total[p - first][c];
            }
        }
}
