/* The engine's kernels of one variant by name, and programs of them. */
#include "lanes.h"

#define IMAGES(name) {"images." #name, FCN(lanes_##name)},
#define CHANNELS(name) {"channels." #name, FCN(channels_##name)},
#define BOTH(name) IMAGES(name) CHANNELS(name)

const fcn_named_kernel FCN(op_kernels)[] = {FCN_OP_KERNELS(BOTH, IMAGES, CHANNELS){NULL, NULL}};

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
