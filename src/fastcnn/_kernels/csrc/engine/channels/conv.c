/* Direct convolution in the layout "channels": forward and backward-input; pack_weights.c packs the weights.
 *
 * Equation  y[p][o] = f(bias[o] + the sum over spans s and their elements i of
 *           x[x_at[p] + span_at[s] + i] * w[k_at[s] + i][o]), f what ending.h says.
 *           Taps k are the kernel rows, kernel columns and input channels of a window, in this order; those
 *           that stand next to each other in x are a span. The gradient with respect to x is the same sum
 *           over dy, with other tables.
 * Layout    see program.h; packed weights [block][k][vectors of the block][VL], zero past the last channel.
 *           Where a multiply-add takes two terms, k counts pairs, [VL][2] in a vector; spans of an odd number
 *           of elements end with one whose second weight is zero, and whose second element is not read.
 * Method    Register blocks of VECTORS vectors of output channels by PIXELS pixels: each step loads VECTORS
 *           weights and broadcasts PIXELS elements of x for VECTORS * PIXELS fused multiply-adds. With one
 *           vector there is a load for each of them, and one more: where registers allow, a block then takes
 *           pixels of two rows, whose elements stand at one distance, so that both have the same pointers.
 *           Where x has one channel or three, neighbours in a row are so few elements apart that one pointer
 *           serves them all.
 *           Of many weights and few pixels, each vector's weights are read once for all images in hand. Where
 *           these are more than the caches hold, they are cut into panels, between which sums are put aside.
 *           While a block is multiplied, the weights of the next one are fetched, and the lines that it
 *           writes.
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
static void take_neighbours(const product *f, portion *t, ptrdiff_t end, ptrdiff_t width, ptrdiff_t vectors)
{
    const ptrdiff_t apart = width > 1 ? f->x_at[1] - f->x_at[0] : 0, most = MOST_NEIGHBOURS / vectors;
    if (vectors > 2 || (apart != 1 && apart != 3))
        return;
    ptrdiff_t left = width - t->p0 % width; /* in the row */
    while (t->p0 < end) {
        left = fcn_min(left, end - t->p0);
        const ptrdiff_t size = left > 2 * most ? most : left > most ? (left + 1) / 2 : left;
        (apart == 1 ? of_one : of_three)[vectors][size](f, t);
        t->p0 += size;
        left = left > size ? left - size : width;
    }
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

/* Of weights of more bytes than are to leave the second cache, which other images' need, so many at a
 * time. */
#define LARGEST_PANEL (512 * 1024)
#define PANEL_BYTES (256 * 1024)

/* Take some pixels, whose tables begin at t->p0, by so many blocks. */
static void take_blocks(const product *f, portion *t, ptrdiff_t pixels, ptrdiff_t count, ptrdiff_t width)
{
    const ptrdiff_t size = pixels / count, longer = pixels % count;
    const ptrdiff_t fetched = t->ahead_step * (t->span1 - t->span0) * (t->length / TERMS);
    for (ptrdiff_t i = 0; i < count; ++i) {
        const ptrdiff_t taken = size + (i < longer);
        blocks[width][taken](f, t);
        t->p0 += taken;
        t->ahead += fetched;
        if (t->before)
            t->before += taken * width * VL;
        if (t->after)
            t->after += taken * width * VL;
    }
}

/* The same panel by panel. */
static void take_panels(const product *f, portion *t, ptrdiff_t pixels, ptrdiff_t count, ptrdiff_t width)
{
    real sums[MOST_IN_HAND * MAX_VECTORS * VL];
    const ptrdiff_t spans = t->span1 - t->span0, length = f->span_length;
    const ptrdiff_t wanted = PANEL_BYTES / (width * VL * (ptrdiff_t)sizeof(stored));
    /* A panel is some spans, or a part of one. */
    const ptrdiff_t step = fcn_max(wanted / length, 1), parts = fcn_divide_up(length, wanted);
    portion panel = *t;
    for (ptrdiff_t span = 0, part = 0; span < spans; span += part ? 0 : step) {
        panel.p0 = t->p0;
        panel.span0 = t->span0 + span;
        panel.span1 = fcn_min(panel.span0 + step, t->span1);
        panel.from = length * part / parts / TERMS * TERMS;
        panel.length = (part + 1 < parts ? length * (part + 1) / parts / TERMS * TERMS : length) - panel.from;
        panel.before = span || part ? sums : NULL;
        part = (part + 1) % parts;
        panel.after = part || span + step < spans ? sums : t->after;
        take_blocks(f, &panel, pixels, count, width);
    }
    t->p0 = panel.p0;
    t->ahead = panel.ahead;
}

/* The same by panels where weights are many, else at once. */
static void take_in_hand(const product *f, portion *t, ptrdiff_t pixels, ptrdiff_t width)
{
    const ptrdiff_t count = fcn_divide_up(pixels, max_pixels[width]);
    const ptrdiff_t weights = (t->span1 - t->span0) * f->span_length * width * VL;
    if (count > 1 && weights * (ptrdiff_t)sizeof(stored) > LARGEST_PANEL)
        take_panels(f, t, pixels, count, width);
    else
        take_blocks(f, t, pixels, count, width);
}

/* Take all pixels from t->p0 up to `end`. */
static void take_pixels(const product *f, portion *t, ptrdiff_t end, ptrdiff_t width)
{
    take_neighbours(f, t, end, f->row_pixels, width);
    if (width == 1 && t->p0 < end)
        t->p0 += take_pairs(f, t, end, f->row_pixels);
    const ptrdiff_t pixels = end - t->p0, hands = fcn_divide_up(pixels, MOST_IN_HAND);
    for (ptrdiff_t i = 0; i < hands; ++i)
        take_in_hand(f, t, pixels * (i + 1) / hands - pixels * i / hands, width);
}

/* The same of several images, which stand so far apart in y and x. */
static void take_images(const product *f, portion *t, ptrdiff_t end, ptrdiff_t width, ptrdiff_t images,
                        ptrdiff_t y_image, ptrdiff_t x_image)
{
    int32_t y_at[MOST_IN_HAND], x_at[MOST_IN_HAND];
    const ptrdiff_t first = t->p0, pixels = (end - first) * images;
    const ptrdiff_t hands = fcn_divide_up(pixels, most_in_hand(y_image, x_image));
    product some = *f;
    some.y_at = y_at;
    some.x_at = x_at;
    for (ptrdiff_t i = 0, p = first; i < hands; ++i) {
        const ptrdiff_t count = pixels * (i + 1) / hands - pixels * i / hands;
        const ptrdiff_t image = place_pixels(y_at, x_at, f, first, end, &p, count, y_image, x_image);
        t->p0 = 0;
        take_in_hand(&some, t, count, width);
        some.y += image * y_image;
        some.x += image * x_image;
    }
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

#if TERMS > 1
void KERNEL(dense_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    take_sums(op, batch, group, NULL);
}
#endif
