/* Softmax over the features of flat samples, in the engine's layouts.
 *
 * Equation  see softmax.c
 * Layout    see program.h. Tables hold the place of each feature: in "images" a vector has it of VL samples,
 *           in "channels" features fill the lanes of their sample's vectors.
 * Edges     as in softmax.c
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
