/* The fcn_kernels of one instruction set and element type; see kernels.h. */
#include "kernels.h"
#include "eager/eager.h"
#include "engine/blocks.h"

extern const fcn_named_kernel FCN(images_op_kernels)[], FCN(channels_op_kernels)[];

void FCN(run_program)(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_run *run,
                      int threads)
{
    FLUSH_DENORMALS;
    fcn_run_program(phases, count, ops, run, threads);
}

void FCN(time_program)(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                       const fcn_run *run)
{
    FLUSH_DENORMALS;
    fcn_time_program(seconds, phases, count, ops, run);
}

__attribute__((visibility("default"))) const fcn_kernels FCN(kernels) = {
    .vector_bytes = FCN_VECTOR_BYTES,
    .op_kernels = {FCN(images_op_kernels), FCN(channels_op_kernels)},
    .max_block = MAX_BLOCK,
    .max_vectors = MAX_VECTORS,
    .run_program = FCN(run_program),
    .time_program = FCN(time_program),
    .parallel = fcn_parallel,
    .eager =
        {
#define EAGER_KERNEL(type, name, ...) .name = FCN(name),
#include "eager/kernels.inc"
        },
};
