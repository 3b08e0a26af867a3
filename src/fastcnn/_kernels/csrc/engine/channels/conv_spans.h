/* What goes through the spans, pixels, channels and images of a product where channels are in the lanes. Part
 * of conv.c and of conv_tiles.c, which define before it
 *
 *     take_pixels       take pixels of one image, from t->p0 on, through a block of vectors of output
 *                       channels
 *     take_images       take the same pixels of several images; both may leave t->p0 anywhere
 *     take_in_hand      take as many pixels as are in hand at a time, the first ones of the tables
 *     take_at_once      take a sum of parts of one image, and tell whether that was done
 *     PIXELS_OF_BLOCK   how many pixels a block of so many vectors takes at the most
 */

/* Numbers from one group's copy of a buffer to the next. */
static inline ptrdiff_t group_step(const fcn_buffer *buffer)
{
    return buffer->stride / (ptrdiff_t)sizeof(stored);
}

/* What does not stay in the second cache with all else: a y of so many bytes, and weights of more than so
 * many. */
#define LARGE_IMAGE (512 * 1024)
#define FEW_WEIGHTS (256 * 1024)

/* How many pixels, whole rows, are taken through all channels before the next ones: all, unless y is large
 * and weights stay, or an activation is left to be applied to what is in the caches. */
static ptrdiff_t pixels_at_a_time(const struct fcn_conv_spans *a, ptrdiff_t all, const ending *end)
{
    const ptrdiff_t bytes = row_size(a->vectors) * (ptrdiff_t)sizeof(stored);
    if (all * bytes <= LARGE_IMAGE || (a->depth * bytes > FEW_WEIGHTS && !end->later))
        return all;
    const ptrdiff_t rows = 2 * fcn_max(a->row_pixels, 1);
    return rows * fcn_max(BYTES_AT_A_TIME / (rows * bytes), 1);
}

/* What makes part s of a sum of so many: the first one begins with the bias, the last one ends it. */
static product part_of_product(const product *of, ptrdiff_t s, ptrdiff_t count)
{
    product part = *of;
    part.bias = s ? NULL : of->bias;
    part.add = s > 0;
    part.end = s + 1 < count ? part_of_sum(of->end) : of->end;
    return part;
}

/* Take the pixels p0 .. p1 - 1 of one block of vectors of output channels. */
static void take_block(const product *of, const struct fcn_conv_spans *a, ptrdiff_t b, ptrdiff_t p0,
                       ptrdiff_t p1, ptrdiff_t images)
{
    const ptrdiff_t v0 = vector_block_start(a->vectors, b);
    const ptrdiff_t width = vector_block_start(a->vectors, b + 1) - v0;
    const stored *w = (const stored *)the(&a->weight) + v0 * a->depth * VL;
    portion t = {.w = w, .o0 = v0 * VL, .length = of->span_length, .ahead = (const char *)w};
    if (b + 1 < vector_block_count(a->vectors) &&
        a->depth * row_size(a->vectors) * (ptrdiff_t)sizeof(stored) > FEW_WEIGHTS) {
        const ptrdiff_t blocks_of_pixels = fcn_divide_up((p1 - p0) * images, PIXELS_OF_BLOCK(width));
        t.ahead = (const char *)(w + width * a->depth * VL);
        t.ahead_step = fcn_divide_up(width * VL * TERMS * (ptrdiff_t)sizeof(stored), blocks_of_pixels);
    }
    if (a->summed && images == 1 && take_at_once(of, &t, width))
        return;
    for (ptrdiff_t s = 0; s < a->segment_count; ++s) {
        const int32_t *segment = a->segments + 4 * s;
        const ptrdiff_t last = fcn_min(p1, segment[1]);
        t.p0 = fcn_max(p0, segment[0]);
        t.span0 = segment[2];
        t.span1 = segment[3];
        if (t.p0 >= last)
            continue;
        const product *f = of;
        product part;
        if (a->summed) {
            part = part_of_product(of, s, a->segment_count);
            f = &part;
        }
        if (images > 1)
            take_images(f, &t, last, width, images, group_step(&a->y), group_step(&a->x));
        else
            take_pixels(f, &t, last, width);
    }
}

#if TERMS > 1
/* Write a block of vectors of the outputs of some images from their sums,
 * [image][vectors of the block][VL]. */
static void write_sums(const struct fcn_dense_sums *a, const fcn_batch *batch, ptrdiff_t group,
                       ptrdiff_t images, ptrdiff_t v0, ptrdiff_t width, const real *sums)
{
    const ending end = ending_of(ACTIVATION_OF(a), NULL, NULL, the(&a->slope));
    const vreal least = vset(end.least), most = vset(end.most);
    for (ptrdiff_t n = 0; n < images; ++n) {
        real *y = (real *)of_group(&a->y, batch, group + n) + a->y_at[0];
        for (ptrdiff_t v = v0; v < v0 + width; ++v, sums += VL) {
            vreal value = vmin(most, vmax(least, rload(sums)));
            if (end.later)
                value = left_activation(&end, value, end.slope ? per_channel(end.slope, v) : vset(0));
            rstore(y + v * VL, value);
        }
    }
}

/* Linear layers whose outputs are not of the type of values: sums are put aside, and written from there. */
static void take_sums(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group, struct fcn_tiles *state)
{
    const struct fcn_dense_sums *a = &op->dense_sums;
    const ptrdiff_t step = group_step(&a->x), most = most_in_hand(0, step);
    int32_t x_at[MOST_IN_HAND], y_at[MOST_IN_HAND] = {0};
    real sums[MOST_IN_HAND * MAX_VECTORS * VL];
    for (ptrdiff_t n = 0; n < fcn_min(batch->count, most); ++n)
        x_at[n] = (int32_t)(a->x_at[0] + n * step);
    product f = {
        .y = of_group(&a->y, batch, group), /* of which lines are fetched */
        .bias = the(&a->bias),
        .y_at = y_at,
        .x_at = x_at,
        .span_at = a->span_at,
        .k_at = a->k_at,
        .span_length = a->span_length,
        .row = row_size(a->vectors),
        .tiles = state,
    };
    for (ptrdiff_t b = 0; b < vector_block_count(a->vectors); ++b) {
        const ptrdiff_t v0 = vector_block_start(a->vectors, b);
        const ptrdiff_t width = vector_block_start(a->vectors, b + 1) - v0;
        const stored *w = (const stored *)the(&a->weight) + v0 * a->depth * VL;
        for (ptrdiff_t n = 0, images; n < batch->count; n += images) {
            images = fcn_min(most, batch->count - n);
            portion t = {.w = w, .o0 = v0 * VL, .span1 = a->spans, .length = a->span_length, .after = sums};
            t.ahead = (const char *)w;
            f.x = of_group(&a->x, batch, group + n);
            take_in_hand(&f, &t, images, width);
            write_sums(a, batch, group + n, images, v0, width, sums);
        }
    }
}
#endif

static void take_spans(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group, struct fcn_tiles *state)
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
        .row_pixels = a->row_pixels,
        .tiles = state,
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
static void take_dense(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task, struct fcn_tiles *state)
{
    const struct fcn_dense_of_all *a = &op->dense_of_all;
    const ptrdiff_t vectors = a->vectors, depth = a->depth;
    const ptrdiff_t b = task / a->shares, share = task % a->shares, v0 = vector_block_start(vectors, b);
    const ptrdiff_t width = vector_block_start(vectors, b + 1) - v0;
    const ptrdiff_t first = batch->groups * share / a->shares;
    const ptrdiff_t images = batch->groups * (share + 1) / a->shares - first;
    const real *slope = the(&a->slope);
    const ending end = ending_of(ACTIVATION_OF(a), NULL, NULL, slope ? slope + v0 * VL : NULL);
    const product f = {
        .y = of_group(&a->y, batch, first),
        .x = of_group(&a->x, batch, first),
        .bias = the(&a->bias),
        .y_at = a->y_at,
        .x_at = a->x_at,
        .span_at = a->span_at,
        .k_at = a->k_at,
        .span_length = a->span_length,
        .row = row_size(vectors),
        .end = end,
        .tiles = state,
    };
    const stored *w = (const stored *)the(&a->weight) + v0 * depth * VL;
    portion t = {.w = w, .o0 = v0 * VL, .length = a->span_length, .ahead = (const char *)w};
    if (images == 1 && a->spans > 1 && take_at_once(&f, &t, width)) {
        end_pixels(&end, f.y + t.o0, f.y_at, 0, 1, width);
        return;
    }
    for (ptrdiff_t s = 0; s < a->spans; ++s) {
        const product part = part_of_product(&f, s, a->spans);
        t.p0 = 0;
        t.span0 = s;
        t.span1 = s + 1;
        take_images(&part, &t, 1, width, images, group_step(&a->y), group_step(&a->x));
    }
    for (ptrdiff_t image = first; image < first + images; ++image)
        end_pixels(&end, (stored *)of_group(&a->y, batch, image) + t.o0, f.y_at, 0, 1, width);
}
