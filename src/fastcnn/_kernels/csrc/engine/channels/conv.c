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
    static void neighbours_##v##_##p##_1(const product *f, const tile *t) { forward(f, t, v, p, 1); }        \
    static void neighbours_##v##_##p##_3(const product *f, const tile *t) { forward(f, t, v, p, 3); }
NEIGHBOURS(DEFINE_NEIGHBOURS)
#define ENTRY_1(v, p) [v][p] = neighbours_##v##_##p##_1,
#define ENTRY_3(v, p) [v][p] = neighbours_##v##_##p##_3,
static void (*const of_one[3][MOST_NEIGHBOURS + 1])(const product *, const tile *) = {NEIGHBOURS(ENTRY_1)};
static void (*const of_three[3][MOST_NEIGHBOURS + 1])(const product *, const tile *) = {NEIGHBOURS(ENTRY_3)};

/* Take the pixels from t->p0 up to `end` by blocks of neighbours in rows of `width`, if they are such. */
static ptrdiff_t take_neighbours(const product *f, const tile *t, ptrdiff_t end, ptrdiff_t width,
                                 ptrdiff_t vectors)
{
    const ptrdiff_t apart = width > 1 ? f->x_at[1] - f->x_at[0] : 0, most = MOST_NEIGHBOURS / vectors;
    if (vectors > 2 || (apart != 1 && apart != 3))
        return 0;
    tile block = *t;
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
    static void chains_##v(const product *f, const tile *t) { forward_chains(f, t, v); }
DEFINE_CHAINS(1)
DEFINE_CHAINS(2)
DEFINE_CHAINS(3)
#if MAX_VECTORS == 4
DEFINE_CHAINS(4)
static void (*const chains[])(const product *, const tile *) = {NULL, chains_1, chains_2, chains_3, chains_4};
#else
static void (*const chains[])(const product *, const tile *) = {NULL, chains_1, chains_2, chains_3};
#endif

/* Pixels that are in hand for a panel. */
#define MOST_IN_HAND 64
/* Of weights of more bytes than are to leave the second cache, which other images' need, so many at a time. */
#define LARGEST_PANEL (512 * 1024)
#define PANEL_BYTES (256 * 1024)

/* Take some pixels, whose tables begin at t->p0, by blocks, and panel by panel; return how far weights that come
 * next have been fetched. */
static const char *take_in_hand(const product *f, const tile *t, ptrdiff_t pixels, ptrdiff_t width)
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
    tile block = *t;
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
static const char *take_pixels(const product *f, const tile *t, ptrdiff_t end, ptrdiff_t width)
{
    const ptrdiff_t pixels = end - t->p0, hands = fcn_divide_up(pixels, MOST_IN_HAND);
    tile hand = *t;
    for (ptrdiff_t i = 0; i < hands; ++i) {
        const ptrdiff_t next = t->p0 + pixels * (i + 1) / hands;
        hand.ahead = take_in_hand(f, &hand, next - hand.p0, width);
        hand.p0 = next;
    }
    return hand.ahead;
}

/* The same of several images, which stand so far apart in y and x. Places are numbers of 32 bits: those of the
 * pixels in hand count from the first one's image. */
static const char *take_images(const product *f, const tile *t, ptrdiff_t end, ptrdiff_t width,
                               ptrdiff_t images, ptrdiff_t y_image, ptrdiff_t x_image)
{
    int32_t y_at[MOST_IN_HAND], x_at[MOST_IN_HAND];
    const ptrdiff_t of_image = end - t->p0, pixels = of_image * images;
    const ptrdiff_t most = INT32_MAX / (fcn_max(y_image, x_image) + 1);
    const ptrdiff_t hands = fcn_divide_up(pixels, fcn_min(MOST_IN_HAND, fcn_max(most, 1)));
    product some = *f;
    some.y_at = y_at;
    some.x_at = x_at;
    tile hand = *t;
    hand.p0 = 0;
    for (ptrdiff_t i = 0, p = t->p0; i < hands; ++i) {
        const ptrdiff_t count = pixels * (i + 1) / hands - pixels * i / hands;
        ptrdiff_t image = 0;
        for (ptrdiff_t j = 0; j < count; ++j) {
            y_at[j] = (int32_t)(image * y_image + f->y_at[p]);
            x_at[j] = (int32_t)(image * x_image + f->x_at[p]);
            if (++p == end) {
                p = t->p0;
                ++image;
            }
        }
        hand.ahead = take_in_hand(&some, &hand, count, width);
        some.y += image * y_image;
        some.x += image * x_image;
    }
    return hand.ahead;
}

/* Numbers from one group's copy of a buffer to the next. */
static inline ptrdiff_t group_step(const fcn_buffer *buffer)
{
    return buffer->stride / (ptrdiff_t)sizeof(stored);
}

/* What does not stay in the second cache with all else: a y of so many bytes, and weights of more than so many. */
#define LARGE_IMAGE (512 * 1024)
#define FEW_WEIGHTS (256 * 1024)

/* How many pixels, whole rows, are taken through all channels before the next ones: all, unless y is large and
 * weights stay, or an activation is left to be applied to what is in the caches. */
static ptrdiff_t pixels_at_a_time(const struct fcn_conv_spans *a, ptrdiff_t all, const ending *end)
{
    const ptrdiff_t bytes = row_size(a->vectors) * (ptrdiff_t)sizeof(stored);
    if (all * bytes <= LARGE_IMAGE || (a->depth * bytes > FEW_WEIGHTS && !end->later))
        return all;
    const ptrdiff_t rows = 2 * fcn_max(a->row_pixels, 1);
    return rows * fcn_max(BYTES_AT_A_TIME / (rows * bytes), 1);
}

/* Take the pixels p0 .. p1 - 1 of one block of vectors of output channels. */
static void take_block(const product *of, const struct fcn_conv_spans *a, ptrdiff_t b, ptrdiff_t p0,
                       ptrdiff_t p1, ptrdiff_t images)
{
    const ptrdiff_t v0 = vector_block_start(a->vectors, b);
    const ptrdiff_t width = vector_block_start(a->vectors, b + 1) - v0;
    const stored *w = (const stored *)the(&a->weight) + v0 * a->depth * VL, *next = w + width * a->depth * VL;
    const int fetches = b + 1 < vector_block_count(a->vectors) &&
                        a->depth * row_size(a->vectors) * (ptrdiff_t)sizeof(stored) > FEW_WEIGHTS;
    const char *ahead = (const char *)(fetches ? next : w);
    const ptrdiff_t blocks_of_pixels = fcn_divide_up((p1 - p0) * images, max_pixels[width]);
    const ptrdiff_t ahead_step =
        fetches ? fcn_divide_up(width * VL * TERMS * (ptrdiff_t)sizeof(stored), blocks_of_pixels) : 0;
    product f = *of;
    if (a->summed && images == 1) {
        chains[width](&f, &(tile){.w = w, .o0 = v0 * VL});
        return;
    }
    for (ptrdiff_t s = 0; s < a->segment_count; ++s) {
        const int32_t *segment = a->segments + 4 * s;
        const ptrdiff_t last = fcn_min(p1, segment[1]);
        tile t = {
            .w = w,
            .o0 = v0 * VL,
            .p0 = fcn_max(p0, segment[0]),
            .span0 = segment[2],
            .span1 = segment[3],
            .length = f.span_length,
            .ahead = ahead,
            .ahead_step = ahead_step,
        };
        if (t.p0 >= last)
            continue;
        if (a->summed) {
            f.bias = s ? NULL : of->bias;
            f.add = s > 0;
            f.end = s + 1 < a->segment_count ? part_of_sum(of->end) : of->end;
        }
        if (images > 1) {
            ahead = take_images(&f, &t, last, width, images, group_step(&a->y), group_step(&a->x));
            continue;
        }
        ptrdiff_t taken = take_neighbours(&f, &t, last, a->row_pixels, width);
        if (width == 1 && !taken)
            taken = take_pairs(&f, &t, last, a->row_pixels);
        t.p0 += taken;
        ahead = take_pixels(&f, &t, last, width);
    }
}

void KERNEL(conv_spans)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_spans *a = &op->conv_spans;
    const ptrdiff_t vectors = a->vectors, images = op->whole_chunk ? batch->count : 1;
    const ending end = ending_of(ACTIVATION_OF(a), the(&a->scale), the(&a->shift), the(&a->slope));
    const product f = {
        .y = of_group(&a->y, batch, group),
        .x = of_group(&a->x, batch, group),
        .bias = the(&a->bias),
        .position_bias = the(&a->position_bias),
        .y_at = a->y_at,
        .x_at = a->x_at,
        .span_at = a->span_at,
        .k_at = a->k_at,
        .span_length = a->span_length,
        .row = row_size(vectors),
        .end = end,
        .add = (int)a->add,
    };
    if (!a->segment_count)
        return;
    /* Segments follow each other, or are of the same pixels. */
    const ptrdiff_t first = a->segments[0], last = a->segments[4 * a->segment_count - 3];
    const ptrdiff_t step = images > 1 || a->summed ? last : pixels_at_a_time(a, last - first, &end);
    for (ptrdiff_t p0 = first, p1; p0 < last; p0 = p1) {
        p1 = fcn_min(last, p0 + step);
        for (ptrdiff_t b = 0; b < vector_block_count(vectors); ++b)
            take_block(&f, a, b, p0, p1, images);
        for (ptrdiff_t i = 0; i < images; ++i)
            end_pixels(&end, f.y + i * group_step(&a->y), f.y_at, p0, p1, vectors);
    }
}

/* The sum is that of the spans, as in conv_spans with summed segments. */
void KERNEL(dense_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_dense_of_all *a = &op->dense_of_all;
    const ptrdiff_t vectors = a->vectors, depth = a->depth;
    const ptrdiff_t b = task / a->shares, share = task % a->shares, v0 = vector_block_start(vectors, b);
    const ptrdiff_t width = vector_block_start(vectors, b + 1) - v0;
    const ptrdiff_t first = batch->groups * share / a->shares;
    const ptrdiff_t images = batch->groups * (share + 1) / a->shares - first;
    const real *bias = the(&a->bias);
    const real *slope = the(&a->slope);
    const ending end = ending_of(ACTIVATION_OF(a), NULL, NULL, slope ? slope + v0 * VL : NULL);
    product f = {
        .y = of_group(&a->y, batch, first),
        .x = of_group(&a->x, batch, first),
        .bias = bias,
        .y_at = a->y_at,
        .x_at = a->x_at,
        .span_at = a->span_at,
        .k_at = a->k_at,
        .span_length = a->span_length,
        .row = row_size(vectors),
        .end = end,
    };
    const stored *w = (const stored *)the(&a->weight) + v0 * depth * VL;
    tile t = {.w = w, .o0 = v0 * VL, .length = a->span_length, .ahead = (const char *)w};
    if (images == 1 && a->spans > 1) {
        chains[width](&f, &t);
        end_pixels(&end, f.y + t.o0, f.y_at, 0, 1, width);
        return;
    }
    for (ptrdiff_t s = 0; s < a->spans; ++s) {
        f.bias = s ? NULL : bias;
        f.add = s > 0;
        f.end = s + 1 < a->spans ? part_of_sum(end) : end;
        t.span0 = s;
        t.span1 = s + 1;
        take_images(&f, &t, 1, width, images, group_step(&a->y), group_step(&a->x));
    }
    for (ptrdiff_t image = first; image < first + images; ++image)
        end_pixels(&end, (stored *)of_group(&a->y, batch, image) + t.o0, f.y_at, 0, 1, width);
}
