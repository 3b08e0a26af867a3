/* Moving data in the engine's layout: images in, results out, elementwise work, sums of gradients.
 *
 * Layout  see program.h. Images and results outside are (N, channels, pixels), one row of them a lane.
 */
#include "lanes_dropout.h"

/* Buffers: x, images (NCHW, stride: bytes of a group of VL images). Tables: x_at. Sizes: pixels, channels.
 * Lanes past the batch become 0. */
void FCN(lanes_pack)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], size = pixels * channels;
    real *x = op_buffer(op, run, 0, group);
    const real *images = op_buffer(op, run, 1, group);
    const int32_t *x_at = op->table[0];
    const ptrdiff_t valid = fcn_min(VL, run->batch - group * VL);
    for (ptrdiff_t c = 0; c < channels; ++c)
        for (ptrdiff_t p = 0; p < pixels; ++p) {
            real lanes[VL] = {0};
            for (ptrdiff_t i = 0; i < valid; ++i)
                lanes[i] = images[i * size + c * pixels + p];
            vstore(x + x_at[p] + c * VL, vload(lanes));
        }
}

/* The same from bytes, each looked up in a table of its channel.
 * Buffers: x, images (uint8), values (channels, 256). */
void FCN(lanes_pack_bytes)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], size = pixels * channels;
    real *x = op_buffer(op, run, 0, group);
    const uint8_t *images = (const uint8_t *)op_buffer(op, run, 1, group);
    const real *values = op_buffer(op, run, 2, 0);
    const int32_t *x_at = op->table[0];
    const ptrdiff_t valid = fcn_min(VL, run->batch - group * VL);
    for (ptrdiff_t c = 0; c < channels; ++c)
        for (ptrdiff_t p = 0; p < pixels; ++p) {
            real lanes[VL] = {0};
            for (ptrdiff_t i = 0; i < valid; ++i)
                lanes[i] = values[c * 256 + images[i * size + c * pixels + p]];
            vstore(x + x_at[p] + c * VL, vload(lanes));
        }
}

/* Buffers: results (N, channels, pixels), y. Tables: y_at. Sizes: pixels, channels. */
void FCN(lanes_unpack)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], size = pixels * channels;
    real *results = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group);
    const int32_t *y_at = op->table[0];
    const ptrdiff_t valid = fcn_min(VL, run->batch - group * VL);
    for (ptrdiff_t c = 0; c < channels; ++c)
        for (ptrdiff_t p = 0; p < pixels; ++p)
            for (ptrdiff_t i = 0; i < valid; ++i)
                results[i * size + c * pixels + p] = y[y_at[p] + c * VL + i];
}

/* z = relu(y * scale + offset + r) * dropout, each part optional; z may be y. In the gradient of dropout alone,
 * y and z are gradients.
 * Buffers: z, y, state (scale, offset), r. Tables: z_at, y_at, r_at.
 * Sizes: pixels, channels, relu, number of the dropout layer + 1 or 0. Scalars: p of dropout. */
void FCN(lanes_apply)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], dropout = op->size[3];
    const int relu = (int)op->size[2];
    real *z = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group), *state = op_buffer(op, run, 2, 0),
               *r = op_buffer(op, run, 3, group);
    const int32_t *z_at = op->table[0], *y_at = op->table[1], *r_at = op->table[2];
    const dropout_mask mask = dropout_of_group(op->scalar[0], dropout ? run->keys[dropout - 1] : 0, group);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            vreal value = vload(y + y_at[p] + c * VL);
            if (state)
                value = value * state[SCALE * channels + c] + state[OFFSET * channels + c];
            if (r)
                value += vload(r + r_at[p] + c * VL);
            if (relu)
                value = keep(~(value < 0), value);
            if (dropout)
                value *= dropout_factor(&mask, (uint32_t)(c * pixels + p));
            vstore(z + z_at[p] + c * VL, value);
        }
}

/* dx = g where z > 0, else 0. Buffers: dx, g, z. Tables: dx_at, g_at, z_at. Sizes: pixels, channels.
 * Scalars: factor of g. */
void FCN(lanes_relu_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    real *dx = op_buffer(op, run, 0, group);
    const real *g = op_buffer(op, run, 1, group), *z = op_buffer(op, run, 2, group);
    const int32_t *dx_at = op->table[0], *g_at = op->table[1], *z_at = op->table[2];
    const vreal factor = vset((real)op->scalar[0]);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c)
            vstore(dx + dx_at[p] + c * VL,
                   keep(vload(z + z_at[p] + c * VL) > 0, vload(g + g_at[p] + c * VL) * factor));
}

/* sums[slot][channel] += sum over pixels of g, or with by_position sums[slot][pixel][channel] += g.
 * Buffers: sums, g. Tables: g_at. Sizes: pixels, channels, by_position. */
void FCN(lanes_grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], by_position = op->size[2];
    const int fresh = group % run->groups_per_slot == 0;
    real *sums = op_buffer(op, run, 0, group / run->groups_per_slot);
    const real *g = op_buffer(op, run, 1, group);
    const int32_t *g_at = op->table[0];
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            real *sum = sums + ((by_position ? p * channels : 0) + c) * VL;
            int first = fresh && (by_position || p == 0);
            vreal value = vload(g + g_at[p] + c * VL);
            vstore(sum, first ? value : vload(sum) + value);
        }
}

/* out[place[i]] = sum over slots and lanes of sums[slot][i]; one task takes FCN_TASK_TOTALS sums.
 * Buffers: out, sums. Tables: place. Sizes: count. */
void FCN(lanes_total)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    real *out = op_buffer(op, run, 0, 0);
    const ptrdiff_t slots = fcn_divide_up(run->groups, run->groups_per_slot), first = task * FCN_TASK_TOTALS;
    const ptrdiff_t count = fcn_min(op->size[0], first + FCN_TASK_TOTALS);
    for (ptrdiff_t i = first; i < count; i += VL) {
        vreal vectors[VL] = {{0}};
        const ptrdiff_t valid = fcn_min(VL, count - i);
        for (ptrdiff_t v = 0; v < valid; ++v) {
            vectors[v] = vload(op_buffer(op, run, 1, 0) + (i + v) * VL);
            for (ptrdiff_t slot = 1; slot < slots; ++slot)
                vectors[v] += vload(op_buffer(op, run, 1, slot) + (i + v) * VL);
        }
        real totals[VL];
        vstore(totals, sum_each(vectors));
        for (ptrdiff_t v = 0; v < valid; ++v)
            out[op->table[0][i + v]] = totals[v];
    }
}

/* out[i] = in[place[i]], or 0 where the place is negative. Buffers: out, in. Tables: place. Sizes: count. */
void FCN(lanes_gather)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    real *out = op_buffer(op, run, 0, 0);
    const real *in = op_buffer(op, run, 1, 0);
    for (ptrdiff_t i = 0; i < op->size[0]; ++i)
        out[i] = op->table[0][i] < 0 ? 0 : in[op->table[0][i]];
}
