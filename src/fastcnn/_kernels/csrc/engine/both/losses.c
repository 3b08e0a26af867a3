/* Losses, in the engine's layouts.
 *
 * Equation  see eager/class_losses.c and common/losses.inc
 * Layout    see program.h. Losses of classes go by rows of an image, such as its pixels: tables hold the
 *           place of each row, and of each class in a row. In "images" a vector has a class of VL images, in
 *           "channels" classes of one. Losses of elements take a pixel's vectors as they are.
 * Method    The losses of an image's rows are added in order, in double.
 * Threads   Over groups of images.
 * Edges     as in eager mode. Lanes past the batch and past a pixel's channels have gradient 0.
 */
#include "engine/kernel.h"
#include "common/class_losses.h"
#include "common/losses.h"

#define KIND (GROUP_IMAGES == 1 ? CLASSES_IN_LANES : SAMPLES_IN_LANES)

typedef enum { CROSS_ENTROPY, NLL, MULTI_MARGIN } loss_kind;

/* What losses of classes have in common, from the arguments of their operations. */
typedef struct {
    stored *dlogits, *logits, *soft;
    const int32_t *dlogits_rows, *dlogits_at, *logits_rows, *logits_at, *soft_rows, *soft_at;
    const int64_t *target;
    const double *share;
    double *results;
    ptrdiff_t rows, classes, by_pixel, images;
    class_loss loss;
} class_args;

#define CLASS_ARGS(a, batch, group, ...)                                                                     \
    {                                                                                                        \
        .dlogits = of_group(&(a)->dlogits, batch, group),                                                    \
        .logits = of_group(&(a)->logits, batch, group),                                                      \
        .dlogits_rows = (a)->dlogits_rows,                                                                   \
        .dlogits_at = (a)->dlogits_at,                                                                       \
        .logits_rows = (a)->logits_rows,                                                                     \
        .logits_at = (a)->logits_at,                                                                         \
        .target = of_group(&(a)->target, batch, group),                                                      \
        .share = of_group(&(a)->share, batch, group),                                                        \
        .results = of_group(&(a)->results, batch, group),                                                    \
        .rows = (a)->rows,                                                                                   \
        .classes = (a)->classes,                                                                             \
        .by_pixel = (a)->by_pixel,                                                                           \
        .images = fcn_min(GROUP_IMAGES, (batch)->images - (group) * GROUP_IMAGES),                           \
        .loss = {__VA_ARGS__},                                                                               \
    }

/* The places of a row's classes; NULL where they are neighbours that fill the lanes, which is faster. */
static const int32_t *places_of(const int32_t *at, ptrdiff_t classes)
{
    for (ptrdiff_t i = 0; i < classes; ++i)
        if (KIND == SAMPLES_IN_LANES || !at || at[i] != i)
            return at;
    return NULL;
}

static row row_at_place(stored *data, const int32_t *rows, const int32_t *places, const class_args *a,
                        ptrdiff_t r)
{
    if (!data)
        return (row){0};
    return (row){.data = data + rows[r], .places = places, .classes = a->classes, .lanes = VL};
}

INLINE void take_rows(const class_args *a, const loss_kind kind)
{
    row_samples s = {.count = a->images, .step = a->rows};
    double loss[VL] = {0}, right[VL] = {0};
    const int32_t *dlogits_at = places_of(a->dlogits_at, a->classes);
    const int32_t *logits_at = places_of(a->logits_at, a->classes);
    const int32_t *soft_at = places_of(a->soft_at, a->classes);
    for (ptrdiff_t i = 0; i < a->images; ++i)
        s.share[i] = a->share ? a->share[i] : 1;
    for (ptrdiff_t r = 0; r < a->rows; ++r) {
        row dx = row_at_place(a->dlogits, a->dlogits_rows, dlogits_at, a, r);
        row x = row_at_place(a->logits, a->logits_rows, logits_at, a, r);
        const row soft = row_at_place(a->soft, a->soft_rows, soft_at, a, r);
        s.label = a->target ? a->target + r : NULL;
        if (kind == CROSS_ENTROPY)
            row_cross_entropy(&dx, &x, &soft, &s, &a->loss, 1, KIND);
        else if (kind == NLL)
            row_nll(&dx, &x, &s, &a->loss, 1, KIND);
        else
            row_multi_margin(&dx, &x, &s, &a->loss, 1, KIND);
        for (ptrdiff_t i = 0; i < a->images; ++i) {
            const int ignored = a->by_pixel && s.label && s.label[i * s.step] == a->loss.ignore_index;
            loss[i] += s.loss[i];
            right[i] += ignored ? 0 : s.right[i];
        }
    }
    for (ptrdiff_t i = 0; i < a->images; ++i) {
        a->results[2 * i] = loss[i];
        a->results[2 * i + 1] = right[i];
    }
}

void KERNEL(cross_entropy)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_cross_entropy *a = &op->cross_entropy;
    class_args all = CLASS_ARGS(a, batch, group, .weight = the(&a->weight), .ignore_index = a->ignore_index,
                                .scale = a->factor, .smoothing = a->label_smoothing);
    all.soft = of_group(&a->soft, batch, group);
    all.soft_rows = a->soft_rows;
    all.soft_at = a->soft_at;
    take_rows(&all, CROSS_ENTROPY);
}

void KERNEL(nll_loss)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_nll_loss *a = &op->nll_loss;
    const class_args all = CLASS_ARGS(a, batch, group, .weight = the(&a->weight),
                                      .ignore_index = a->ignore_index, .scale = a->factor);
    take_rows(&all, NLL);
}

void KERNEL(multi_margin_loss)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_multi_margin_loss *a = &op->multi_margin_loss;
    const class_args all = CLASS_ARGS(a, batch, group, .weight = the(&a->weight), .ignore_index = -1,
                                      .scale = a->factor, .margin = a->margin, .power = a->power);
    take_rows(&all, MULTI_MARGIN);
}

void KERNEL(elementwise_loss)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_elementwise_loss *a = &op->elementwise_loss;
    stored *dx = of_group(&a->dx, batch, group), *dk = of_group(&a->dk, batch, group);
    const stored *x = of_group(&a->x, batch, group), *target = of_group(&a->target, batch, group);
    const stored *k = of_group(&a->k, batch, group), *weights = of_group(&a->weight, batch, group);
    const double *share = of_group(&a->share, batch, group);
    double *results = of_group(&a->results, batch, group);
    const ptrdiff_t images = fcn_min(GROUP_IMAGES, batch->images - group * GROUP_IMAGES);
    const loss_row f = {a->row, (real)a->alpha, (real)a->beta};
    const vreal one = vset(1), scale = vset((real)a->factor);
    real shares[VL] = {0};
    for (ptrdiff_t i = 0; i < images; ++i)
        shares[i] = share ? (real)share[i] : 1;
    const vreal own = lanes_of(shares, KIND);
    loss_sums sums = {{0}, {0}};
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        for (ptrdiff_t v = 0; v < a->vectors; ++v) {
            const vreal weight = weights ? vload(weights + a->weight_at[p] + v * VL) : one;
            vint counts = own != 0;
            if (KIND == CLASSES_IN_LANES)
                counts &= (vint){FIRST_LANES} < (lane_int)(a->channels - v * VL);
            loss_parts y;
            take_losses(&y, &sums, &f, vload(x + a->x_at[p] + v * VL),
                        vload(target + a->target_at[p] + v * VL), k ? vload(k + a->k_at[p] + v * VL) : one,
                        weight * own, scale, counts);
            vstore(dx + a->dx_at[p] + v * VL, y.gradient);
            if (dk)
                vstore(dk + a->dk_at[p] + v * VL, y.other);
        }
    for (ptrdiff_t i = 0; i < images; ++i) {
        results[2 * i] = sums.loss[i];
        results[2 * i + 1] = sums.refused[i];
    }
    for (ptrdiff_t i = 1; KIND == CLASSES_IN_LANES && i < VL; ++i) {
        results[0] += sums.loss[i];
        results[1] += sums.refused[i];
    }
}
