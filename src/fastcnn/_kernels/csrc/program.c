/* Runs a program; see program.h. */
#include "program.h"
#include "pool.h"

typedef struct {
    const fcn_phase *phase;
    const fcn_op *ops;
    const fcn_run *run;
} phase_context;

static void run_task(void *context_, ptrdiff_t index, int thread)
{
    const phase_context *context = context_;
    const fcn_phase *phase = context->phase;
    fcn_run run = *context->run;
    run.thread = thread;
    ptrdiff_t first = index, last = index + 1;
    if (phase->kind == FCN_OVER_GROUPS) {
        first = index * run.groups_per_slot;
        last = first + run.groups_per_slot < run.groups ? first + run.groups_per_slot : run.groups;
    }
    for (ptrdiff_t i = first; i < last; ++i)
        for (ptrdiff_t op = phase->first_op; op < phase->last_op; ++op)
            context->ops[op].kernel(&context->ops[op], &run, i);
}

void fcn_run_program(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_run *run,
                     int threads)
{
    for (ptrdiff_t i = 0; i < count; ++i) {
        phase_context context = {&phases[i], ops, run};
        ptrdiff_t slots = (run->groups + run->groups_per_slot - 1) / run->groups_per_slot;
        fcn_parallel(phases[i].kind == FCN_OVER_GROUPS ? slots : phases[i].tasks, threads, run_task,
                     &context);
    }
}
