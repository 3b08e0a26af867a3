/* Fills the table of one instruction set and element type; see table.h. */
#include "table.h"
#include "eager/eager.h"
#include "engine/blocks.h"

extern fcn_op_kernel *const FCN(images_kernels)[], *const FCN(channels_kernels)[];

void FCN(run_program)(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                      int threads)
{
    FLUSH_DENORMALS;
    fcn_run_program(phases, count, ops, batch, threads);
}

void FCN(time_program)(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                       const fcn_batch *batch)
{
    FLUSH_DENORMALS;
    fcn_time_program(seconds, phases, count, ops, batch);
}

__attribute__((visibility("default"))) const fcn_table FCN(table) = {
    .element = FCN_ELEMENT,
    .stored_bytes = sizeof(stored),
    .real_bytes = sizeof(real),
    .vector_bytes = FCN_VECTOR_BYTES,
    .images = FCN(images_kernels),
    .channels = FCN(channels_kernels),
    .max_block = MAX_BLOCK,
    .max_vectors = MAX_VECTORS,
    .run_program = FCN(run_program),
    .time_program = FCN(time_program),
    .parallel = fcn_parallel,
    .fma_peak = FCN(fma_peak),
    .gemm_workspace = FCN(gemm_workspace),
    .gemm = FCN(gemm),
    .im2col = FCN(im2col),
    .col2im = FCN(col2im),
    .conv2d_workspace = FCN(conv2d_workspace),
    .conv2d = FCN(conv2d),
    .conv2d_backward_input = FCN(conv2d_backward_input),
    .conv2d_backward_weight = FCN(conv2d_backward_weight),
    .max_pool2d = FCN(max_pool2d),
    .max_pool2d_backward = FCN(max_pool2d_backward),
    .avg_pool2d = FCN(avg_pool2d),
    .avg_pool2d_backward = FCN(avg_pool2d_backward),
    .adaptive_avg_pool2d = FCN(adaptive_avg_pool2d),
    .adaptive_avg_pool2d_backward = FCN(adaptive_avg_pool2d_backward),
    .channel_sums = FCN(channel_sums),
    .batch_norm_statistics = FCN(batch_norm_statistics),
    .batch_norm = FCN(batch_norm),
    .batch_norm_backward = FCN(batch_norm_backward),
    .softmax = FCN(softmax),
    .softmax_backward = FCN(softmax_backward),
    .cross_entropy = FCN(cross_entropy),
    .cross_entropy_soft = FCN(cross_entropy_soft),
    .relu = FCN(relu),
    .relu_backward = FCN(relu_backward),
    .dropout_mask = FCN(dropout_mask),
    .sgd_step = FCN(sgd_step),
    .adam_step = FCN(adam_step),
    .affine_workspace = FCN(affine_workspace),
    .affine = FCN(affine),
    .affine_u8 = FCN(affine_u8),
    .normalize_u8 = FCN(normalize_u8),
};
