/* Softmax over the features of flat samples, and over the channels of each pixel, in the engine's layouts.
 *
 * Equation  see softmax.c
 * Layout    see program.h. Tables hold the place of each feature, or of each pixel's first channel: in
 *           "images" a vector has it of VL samples, in "channels" features fill the lanes of their sample's
 *           vectors.
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

static row channels_of(stored *data, ptrdiff_t channels)
{
    return (row){.data = data, .step = VL, .classes = channels, .lanes = VL};
}

void KERNEL(pixel_softmax)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_pixel_softmax *a = &op->pixel_softmax;
    stored *to = of_group(&a->y, batch, group), *from = of_group(&a->x, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        row y = channels_of(to + a->y_at[p], a->channels), x = channels_of(from + a->x_at[p], a->channels);
        row_softmax(&y, &x, KIND, (int)a->log);
    }
}

void KERNEL(pixel_softmax_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_pixel_softmax_grad *a = &op->pixel_softmax_grad;
    stored *to = of_group(&a->dx, batch, group), *given = of_group(&a->dy, batch, group);
    stored *made = of_group(&a->y, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        row dx = channels_of(to + a->dx_at[p], a->channels),
            dy = channels_of(given + a->dy_at[p], a->channels);
        row y = channels_of(made + a->y_at[p], a->channels);
        row_softmax_grad(&dx, &dy, &y, KIND, (int)a->log);
    }
}
