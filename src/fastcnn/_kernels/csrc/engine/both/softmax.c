/* Softmax and cross-entropy over the features of flat samples, in the engine's layouts.
 *
 * Equation  see softmax.c
 * Layout    see program.h. Tables hold the place of each feature: in "images" a vector has it of VL samples, in
 *           "channels" features fill the lanes of their sample's vectors.
 * Edges     as in softmax.c. Lanes past the batch have gradient 0.
 */
#include "engine/kernel.h"
#include "common/softmax.h"

#define KIND (GROUP_IMAGES == 1 ? CLASSES_IN_LANES : SAMPLES_IN_LANES)

static row row_of(const fcn_op *op, const fcn_run *run, int buffer, int table, ptrdiff_t group)
{
    return (row){
        .data = op_buffer(op, run, buffer, group),
        .places = op->table[table],
        .classes = op->size[0],
        .lanes = VL,
    };
}

/* Buffers: y, x. Tables: y_at, x_at. Sizes: features, log. */
void KERNEL(softmax)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    row y = row_of(op, run, 0, 0, group), x = row_of(op, run, 1, 1, group);
    row_softmax(&y, &x, KIND, (int)op->size[1]);
}

/* Buffers: dx, dy, y. Tables: dx_at, dy_at, y_at. Sizes: features, log. */
void KERNEL(softmax_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    row dx = row_of(op, run, 0, 0, group), dy = row_of(op, run, 1, 1, group),
        y = row_of(op, run, 2, 2, group);
    row_softmax_grad(&dx, &dy, &y, KIND, (int)op->size[1]);
}

/* Losses before any reduction, and the gradient of their sum times a factor.
 * Buffers: dlogits, logits, target (int64, one for each image), weight (classes, or NULL), results (double
 * [image][2]: the loss, and 1 where the first maximum is the target, else 0). Tables: dlogits_at, logits_at.
 * Sizes: classes, ignore_index. Scalars: factor, label smoothing. */
void KERNEL(cross_entropy)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    row dx = row_of(op, run, 0, 0, group), x = row_of(op, run, 1, 1, group);
    const row no_probabilities = {0};
    const int64_t *target = (const int64_t *)op_buffer(op, run, 2, group);
    double *results = (double *)op_buffer(op, run, 4, group);
    const loss_options options = {op_buffer(op, run, 3, 0), op->size[1], op->scalar[1], op->scalar[0]};
    row_cross_entropy(results, results + 1, 2, &dx, &x, target, &no_probabilities, &options,
                      fcn_min(GROUP_IMAGES, run->batch - group * GROUP_IMAGES), KIND);
}
