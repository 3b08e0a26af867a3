/* Local response normalisation in the engine's layouts.
 *
 * Equation  see eager/local_response_norm.c
 * Method    Squares of a pixel's channels are laid out as a row of scratch with a margin of zeros on both
 *           sides, so that each sum adds neighbours, in the order of eager mode: in "images" vectors, in
 *           "channels" numbers from which a vector is read at any place. Backward has a second row, of what
 *           its sums are made of.
 * Edges     What lanes behind the last channel hold is taken for 0. Lanes past the batch get 0, so that
 *           nothing in them becomes infinite.
 */
#include "common/response.h"
#include "engine/kernel.h"

typedef struct {
    ptrdiff_t channels, vectors, before, behind;
    real share, k;
    double beta;
    vint there; /* the lanes of images that exist */
} response_norm;

/* Clear the margins of a row of channels that starts behind `left` others. */
static void clear_margins(const response_norm *n, real *row, ptrdiff_t left, ptrdiff_t right)
{
    memset(row, 0, (size_t)(left * GROUP_IMAGES) * sizeof(real));
    memset(row + (left + n->channels) * GROUP_IMAGES, 0, (size_t)(right * GROUP_IMAGES) * sizeof(real));
}

/* Store vector v of such a row, without what lies behind the last channel. */
INLINE void store_row(const response_norm *n, real *row, ptrdiff_t left, ptrdiff_t v, vreal value)
{
    real *to = row + left * GROUP_IMAGES + v * VL;
    const ptrdiff_t count = GROUP_IMAGES == 1 ? fcn_min(VL, n->channels - v * VL) : VL;
    if (count == VL)
        rstore(to, value);
    else
        memcpy(to, &value, (size_t)count * sizeof(real));
}

/* The sum of vector v and the channels around it, so many on the left and in all. */
INLINE vreal row_window(const real *row, ptrdiff_t v, ptrdiff_t count)
{
    vreal sum = {0};
    for (ptrdiff_t i = 0; i < count; ++i)
        sum += rload(row + i * GROUP_IMAGES + v * VL);
    return sum;
}

static void lay_out_squares(const response_norm *n, real *row, const stored *y)
{
    for (ptrdiff_t v = 0; v < n->vectors; ++v) {
        const vreal value = vload(y + v * VL);
        store_row(n, row, n->before, v, value * value);
    }
}

/* k + share times the sum around vector v. */
INLINE vreal response(const response_norm *n, const real *squares, ptrdiff_t v)
{
    return n->share * row_window(squares, v, n->before + 1 + n->behind) + n->k;
}

#define RESPONSE_NORM_OF(a)                                                                                  \
    {                                                                                                        \
        .channels = (a)->channels,                                                                           \
        .vectors = (a)->vectors,                                                                             \
        .before = (a)->before,                                                                               \
        .behind = (a)->behind,                                                                               \
        .share = (real)(a)->share,                                                                           \
        .k = (real)(a)->k,                                                                                   \
        .beta = (a)->beta,                                                                                   \
        .there = lane_mask(batch, group) != 0,                                                               \
    }

/* What is read behind a row: the last vector's window ends in a vector that is read whole. */
static ptrdiff_t room_behind(const response_norm *n, ptrdiff_t right)
{
    return right + (GROUP_IMAGES == 1 ? n->vectors * VL - n->channels : 0);
}

/* z = y s^-beta */
void KERNEL(local_response_norm)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_local_response_norm *a = &op->local_response_norm;
    const response_norm n = RESPONSE_NORM_OF(a);
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group);
    real *squares = of_group(&a->rows, batch, group);
    clear_margins(&n, squares, n.before, room_behind(&n, n.behind));
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        lay_out_squares(&n, squares, y + a->y_at[p]);
        for (ptrdiff_t v = 0; v < n.vectors; ++v) {
            const vreal factor = inverse_power(response(&n, squares, v), n.beta);
            vstore(z + a->z_at[p] + v * VL, keep(n.there, vload(y + a->y_at[p] + v * VL) * factor));
        }
    }
}

/* dy = g s^-beta - 2 share beta y times the sum of g y s^(-beta - 1) */
void KERNEL(local_response_norm_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_local_response_norm_grad *a = &op->local_response_norm_grad;
    const response_norm n = RESPONSE_NORM_OF(a);
    const real slope = (real)(2 * a->share * a->beta);
    stored *dy = of_group(&a->dy, batch, group);
    const stored *g = of_group(&a->g, batch, group), *y = of_group(&a->y, batch, group);
    real *squares = of_group(&a->rows, batch, group), *products = squares + a->room * VL;
    clear_margins(&n, squares, n.before, room_behind(&n, n.behind));
    clear_margins(&n, products, n.behind, room_behind(&n, n.before));
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        const stored *value = y + a->y_at[p];
        lay_out_squares(&n, squares, value);
        for (ptrdiff_t v = 0; v < n.vectors; ++v) {
            const vreal s = response(&n, squares, v);
            const vreal part = vload(g + a->g_at[p] + v * VL) * inverse_power(s, n.beta);
            vstore(dy + a->dy_at[p] + v * VL, keep(n.there, part));
            store_row(&n, products, n.behind, v, part * vload(value + v * VL) / s);
        }
        for (ptrdiff_t v = 0; v < n.vectors; ++v) {
            stored *to = dy + a->dy_at[p] + v * VL;
            const vreal rest =
                slope * vload(value + v * VL) * row_window(products, v, n.before + 1 + n.behind);
            vstore(to, keep(n.there, vload(to) - rest));
        }
    }
}
