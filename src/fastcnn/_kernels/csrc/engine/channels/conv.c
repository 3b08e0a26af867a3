/* Direct convolution in the layout "channels": forward and backward-input; pack_weights.c packs the weights.
 *
 * Equation  y[p][o] = f(bias[o] + the sum over spans s and their elements i of
 *           x[x_at[p] + span_at[s] + i] * w[k_at[s] + i][o]), f what ending.h says.
 *           Taps k are the kernel rows, kernel columns and input channels of a window, in this order; those
 *           that stand next to each other in x are a span. The gradient with respect to x is the same sum
 *           over dy, with other tables.
 * Layout    see program.h; packed weights [block][k][vectors of the block][VL], zero past the last channel. Where
 *           a multiply-add takes two terms, k counts pairs, [VL][2] in a vector; spans of an odd number of
 *           elements end with one whose second weight is zero, and whose second element is not read.
 * Method    Register blocks of VECTORS vectors of output channels by PIXELS pixels: each step loads VECTORS
 *           weights and broadcasts PIXELS elements of x for VECTORS * PIXELS fused multiply-adds. With one
 *           vector there is a load for each of them, and one more: where registers allow, a block then takes
 *           pixels of two rows, whose elements stand at one distance, so that both have the same pointers.
 *           Where x has one channel or three, neighbours in a row are so few elements apart that one pointer
 *           serves them all.
 *           Of many weights and few pixels, each vector's weights are read once for all images in hand. Where
 *           these are more than the caches hold, they are cut into panels, between which sums are put aside.
 *           While a block is multiplied, the weights of the next one are fetched, and the lines that it writes.
 * Order     Each y is one chain of fused multiply-adds over ascending k, whatever its block (in a deep linear
 *           layer the sum of FCN_CHAINS of them): bitwise the same in every batch, position, thread and
 *           layout.
 */
#include "conv_blocks.h"
#include "conv_pairs.h"

/* Blocks of one vector or two, whose weights are few, by neighbours of one channel or three. */
#if MAX_BLOCK == 8
#define MOST_NEIGHBOURS 14
#define NEIGHBOURS(K) UP_TO_12(K, 1) K(1, 13) K(1, 14) UP_TO_6(K, 2) K(2, 7)
#else
#define MOST_NEIGHBOURS 12
#define NEIGHBOURS(K) UP_TO_12(K, 1) UP_TO_6(K, 2)
#endif
#define DEFINE_NEIGHBOURS(v, p)                                                                              \
    static void neighbours_##v##_##p##_1(const product *f, const portion *t) { forward(f, t, v, p, 1); }     \
    static void neighbours_##v##_##p##_3(const product *f, const portion *t) { forward(f, t, v, p, 3); }
NEIGHBOURS(DEFINE_NEIGHBOURS)
#define ENTRY_1(v, p) [v][p] = neighbours_##v##_##p##_1,
#define ENTRY_3(v, p) [v][p] = neighbours_##v##_##p##_3,
static void (*const of_one[3][MOST_NEIGHBOURS + 1])(const product *, const portion *) = {NEIGHBOURS(ENTRY_1)};
static void (*const of_three[3][MOST_NEIGHBOURS + 1])(const product *,
                                                      const portion *) = {NEIGHBOURS(ENTRY_3)};

/* Take the pixels from t->p0 up to `end` by blocks of neighbours in rows of `width`, if they are such. */
static ptrdiff_t take_neighbours(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width,
                                 ptrdiff_t vectors)
{
    const ptrdiff_t apart = width > 1 ? f->x_at[1] - f->x_at[0] : 0, most = MOST_NEIGHBOURS / vectors;
    if (vectors > 2 || (apart != 1 && apart != 3))
        return 0;
    portion block = *t;
    ptrdiff_t left = width - block.p0 % width; /* in the row */
    while (block.p0 < end) {
        left = fcn_min(left, end - block.p0);
        const ptrdiff_t size = left > 2 * most ? most : left > most ? (left + 1) / 2 : left;
        (apart == 1 ? of_one : of_three)[vectors][size](f, &block);
        block.p0 += size;
        left = left > size ? left - size : width;
    }
    return end - t->p0;
}

#define DEFINE_CHAINS(v)                                                                                     \
    static void chains_##v(const product *f, const portion *t) { forward_chains(f, t, v); }
DEFINE_CHAINS(1)
DEFINE_CHAINS(2)
DEFINE_CHAINS(3)
#if MAX_VECTORS == 4
DEFINE_CHAINS(4)
static void (*const chains[])(const product *, const portion *) = {NULL, chains_1, chains_2, chains_3,
                                                                   chains_4};
#else
static void (*const chains[])(const product *, const portion *) = {NULL, chains_1, chains_2, chains_3};
#endif

/* Of weights of more bytes than are to leave the second cache, which other images' need, so many at a time. */
#define LARGEST_PANEL (512 * 1024)
#define PANEL_BYTES (256 * 1024)

/* Take some pixels, whose tables begin at t->p0, by blocks, and panel by panel; return how far weights that come
 * next have been fetched. */
static const char *take_in_hand(const product *f, const portion *t, ptrdiff_t pixels, ptrdiff_t width)
{
    real sums[MOST_IN_HAND * MAX_VECTORS * VL];
    const ptrdiff_t count = fcn_divide_up(pixels, max_pixels[width]);
    const ptrdiff_t spans = t->span1 - t->span0, length = f->span_length;
    const ptrdiff_t row = width * VL, bytes = spans * length * row * (ptrdiff_t)sizeof(stored);
    const ptrdiff_t wanted = PANEL_BYTES / (row * (ptrdiff_t)sizeof(stored));
    const int whole = count == 1 || bytes <= LARGEST_PANEL;
    /* A panel is some spans, or a part of one. */
    const ptrdiff_t step = whole ? fcn_max(spans, 1) : fcn_max(wanted / length, 1);
    const ptrdiff_t parts = whole ? 1 : fcn_divide_up(length, wanted);
    portion block = *t;
    for (ptrdiff_t span = 0, part = 0; span == 0 || span < spans; span += part ? 0 : step) {
        block.p0 = t->p0;
        block.span0 = t->span0 + span;
        block.span1 = fcn_min(block.span0 + step, t->span1);
        block.from = length * part / parts / TERMS * TERMS;
        block.length = (part + 1 < parts ? length * (part + 1) / parts / TERMS * TERMS : length) - block.from;
        block.before = span || part ? sums : NULL;
        part = (part + 1) % parts;
        block.after = part || span + step < spans ? sums : NULL;
        for (ptrdiff_t i = 0; i < count; ++i) {
            const ptrdiff_t size = pixels / count + (i < pixels % count);
            blocks[width][size](f, &block);
            block.p0 += size;
            block.ahead += block.ahead_step * (block.span1 - block.span0) * (block.length / TERMS);
            if (block.before)
                block.before += size * row;
            if (block.after)
                block.after += size * row;
        }
    }
    return block.ahead;
}

/* Take all pixels from t->p0 up to `end`. */
static const char *take_pixels(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width)
{
    ptrdiff_t taken = take_neighbours(f, t, end, f->row_pixels, width);
    if (width == 1 && !taken)
        taken = take_pairs(f, t, end, f->row_pixels);
    portion hand = *t;
    hand.p0 += taken;
    const ptrdiff_t first = hand.p0, pixels = end - first, hands = fcn_divide_up(pixels, MOST_IN_HAND);
    for (ptrdiff_t i = 0; i < hands; ++i) {
        const ptrdiff_t next = first + pixels * (i + 1) / hands;
        hand.ahead = take_in_hand(f, &hand, next - hand.p0, width);
        hand.p0 = next;
    }
    return hand.ahead;
}

/* The same of several images, which stand so far apart in y and x. */
static const char *take_images(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width,
                               ptrdiff_t images, ptrdiff_t y_image, ptrdiff_t x_image)
{
    int32_t y_at[MOST_IN_HAND], x_at[MOST_IN_HAND];
    const ptrdiff_t of_image = end - t->p0, pixels = of_image * images;
    const ptrdiff_t hands = fcn_divide_up(pixels, most_in_hand(y_image, x_image));
    product some = *f;
    some.y_at = y_at;
    some.x_at = x_at;
    portion hand = *t;
    hand.p0 = 0;
    for (ptrdiff_t i = 0, p = t->p0; i < hands; ++i) {
        const ptrdiff_t count = pixels * (i + 1) / hands - pixels * i / hands;
        const ptrdiff_t image = place_pixels(y_at, x_at, f, t->p0, end, &p, count, y_image, x_image);
        hand.ahead = take_in_hand(&some, &hand, count, width);
        some.y += image * y_image;
        some.x += image * x_image;
    }
    return hand.ahead;
}

/* A sum of parts, of one image. */
static int take_at_once(const product *f, const portion *t, ptrdiff_t width)
{
    chains[width](f, t);
    return 1;
}

#define PIXELS_OF_BLOCK(width) max_pixels[width]
#include "conv_spans.h"

void KERNEL(conv_spans)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    take_spans(op, batch, group, NULL);
}

void KERNEL(dense_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    take_dense(op, batch, task, NULL);
}
