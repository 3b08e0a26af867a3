/* The fcn_kernels of one instruction set and element type; see kernels.h. */
#include "kernels.h"
#include "eager/eager.h"
#include "engine/blocks.h"

extern fcn_op_kernel *const FCN(channels_kernels)[];
#if TERMS == 1
extern fcn_op_kernel *const FCN(images_kernels)[];
#endif

#ifdef FCN_REST
#define REST(name) FCN_PASTE(fcn_, name, FCN_REST)
extern const fcn_kernels REST(kernels);
#endif

void FCN(run_program)(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                      int threads)
{
    OWN_FLOAT_MODE;
    fcn_run_program(phases, count, ops, batch, threads);
}

void FCN(time_program)(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                       const fcn_batch *batch)
{
    OWN_FLOAT_MODE;
    fcn_time_program(seconds, phases, count, ops, batch);
}

__attribute__((visibility("default"))) const fcn_kernels FCN(kernels) = {
    .element = FCN_ELEMENT,
    .stored_bytes = sizeof(stored),
    .real_bytes = sizeof(real),
    .vector_bytes = FCN_VECTOR_BYTES,
    .terms = TERMS,
    .channels = FCN(channels_kernels),
#ifdef FCN_REST
    .rest = &REST(kernels),
#endif
    .max_block = MAX_BLOCK,
    .max_vectors = MAX_VECTORS,
    .run_program = FCN(run_program),
    .time_program = FCN(time_program),
    .parallel = fcn_parallel,
#if TERMS == 1
    .images = FCN(images_kernels),
    .eager =
        {
#define EAGER_KERNEL(type, name, ...) .name = FCN(name),
#include "eager/kernels.inc"
        },
#endif
};
