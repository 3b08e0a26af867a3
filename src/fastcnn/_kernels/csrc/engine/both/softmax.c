/* Softmax and cross-entropy over the features of flat samples, in the engine's layouts.
 *
 * Equation  see softmax.c
 * Layout    see program.h. Tables hold the place of each feature: in "images" a vector has it of VL samples,
 *           in "channels" features fill the lanes of their sample's vectors.
 * Edges     as in softmax.c. Lanes past the batch have gradient 0.
 */
#include "engine/kernel.h"
#include "common/softmax.h"

#define KIND (GROUP_IMAGES == 1 ? CLASSES_IN_LANES : SAMPLES_IN_LANES)

static row row_of(void *data, const int32_t *places, ptrdiff_t classes)
{
    return (row){.data = data, .places = places, .classes = classes, .lanes = VL};
}

void KERNEL(softmax)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_softmax *a = &op->softmax;
    row y = row_of(of_group(&a->y, batch, group), a->y_at, a->features);
    row x = row_of(of_group(&a->x, batch, group), a->x_at, a->features);
    row_softmax(&y, &x, KIND, (int)a->log);
}

void KERNEL(softmax_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_softmax_grad *a = &op->softmax_grad;
    row dx = row_of(of_group(&a->dx, batch, group), a->dx_at, a->features);
    row dy = row_of(of_group(&a->dy, batch, group), a->dy_at, a->features);
    row y = row_of(of_group(&a->y, batch, group), a->y_at, a->features);
    row_softmax_grad(&dx, &dy, &y, KIND, (int)a->log);
}

/* Losses before any reduction, and the gradient of their sum times a factor. */
void KERNEL(cross_entropy)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_cross_entropy *a = &op->cross_entropy;
    row dx = row_of(of_group(&a->dlogits, batch, group), a->dlogits_at, a->classes);
    row x = row_of(of_group(&a->logits, batch, group), a->logits_at, a->classes);
    const row no_probabilities = {0};
    double *results = of_group(&a->results, batch, group);
    const loss_options options = {the(&a->weight), a->ignore_index, a->label_smoothing, a->factor};
    row_cross_entropy(results, results + 1, 2, &dx, &x, of_group(&a->target, batch, group), &no_probabilities,
                      &options, fcn_min(GROUP_IMAGES, batch->images - group * GROUP_IMAGES), KIND);
}
