/* Runs a program; see program.h. */
#include "engine/program.h"
#include "threads/jobs.h"
#include "threads/system.h"

typedef struct {
    const fcn_phase *phase;
    const fcn_op *ops;
    const fcn_run *run;
    double *seconds;     /* of each operation, added to; NULL: no clock is read */
    ptrdiff_t last_slot; /* the slot that comes first, or 0 where slots are taken upwards */
} phase_context;

static void run_ops(const phase_context *context, const fcn_run *run, ptrdiff_t first, ptrdiff_t last,
                    ptrdiff_t group)
{
    double before = context->seconds ? fcn_seconds() : 0;
    for (ptrdiff_t op = first; op < last; ++op) {
        context->ops[op].kernel(&context->ops[op], run, group);
        if (context->seconds) {
            const double after = fcn_seconds();
            context->seconds[op] += after - before;
            before = after;
        }
    }
}

static void run_task(void *context_, ptrdiff_t index, int thread)
{
    const phase_context *context = context_;
    const fcn_phase *phase = context->phase;
    fcn_run run = *context->run;
    run.thread = thread;
    run.first = 0;
    run.count = 1;
    if (phase->kind == FCN_OVER_TASKS) {
        ptrdiff_t op = phase->first_op;
        for (; index >= context->ops[op].tasks; ++op)
            index -= context->ops[op].tasks;
        run_ops(context, &run, op, op + 1, index);
        return;
    }
    if (phase->kind == FCN_OVER_BANDS) {
        const ptrdiff_t bands = phase->last_op - phase->first_op, op = phase->first_op + index % bands;
        run.first = index / bands;
        run_ops(context, &run, op, op + 1, run.first);
        return;
    }
    const ptrdiff_t slot = context->last_slot ? context->last_slot - index : index;
    const ptrdiff_t first = fcn_slot_start(&run, slot), last = fcn_slot_start(&run, slot + 1);
    for (ptrdiff_t i = first; i < last; i += FCN_TOGETHER) {
        run.first = i;
        run.count = last - i < FCN_TOGETHER ? last - i : FCN_TOGETHER;
        for (ptrdiff_t op = phase->first_op, next; op < phase->last_op; op = next) {
            const int together = context->ops[op].together;
            next = op + 1;
            while (!together && next < phase->last_op && !context->ops[next].together)
                ++next;
            for (ptrdiff_t group = i; group < i + (together ? 1 : run.count); ++group)
                run_ops(context, &run, op, next, group);
        }
    }
}

static void run_phases(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_run *run,
                       int threads, double *seconds)
{
    /* Phases over groups take their slots upwards and downwards by turns: what the last one used last may still be
     * in a cache. */
    int downwards = 0;
    for (ptrdiff_t i = 0; i < count; ++i) {
        phase_context context = {&phases[i], ops, run, seconds, 0};
        ptrdiff_t tasks = 0;
        if (phases[i].kind == FCN_OVER_TASKS)
            for (ptrdiff_t op = phases[i].first_op; op < phases[i].last_op; ++op)
                tasks += ops[op].tasks;
        if (phases[i].kind == FCN_OVER_GROUPS) {
            tasks = run->slots;
            context.last_slot = downwards ? tasks - 1 : 0;
            downwards = !downwards;
        } else if (phases[i].kind == FCN_OVER_BANDS)
            tasks = run->groups * (phases[i].last_op - phases[i].first_op);
        fcn_parallel(tasks, threads, run_task, &context);
    }
}

void fcn_run_program(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_run *run,
                     int threads)
{
    run_phases(phases, count, ops, run, threads, NULL);
}

void fcn_time_program(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                      const fcn_run *run)
{
    run_phases(phases, count, ops, run, 1, seconds);
}
