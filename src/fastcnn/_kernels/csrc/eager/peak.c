/* The peak of the vector units, which the speed of kernels is compared with.
 *
 * Equation  x = x * a + b, again and again, for CHAINS independent vectors x
 * Method    All operands stay in registers. The chains are more than the cycles that a multiply-add takes,
 *           times the units that can do one, so every unit is busy in every cycle. A multiply-add counts as
 *           two operations for each element, whether it is one instruction or two.
 * Threads   Each has chains of its own, until the time is over.
 */
#include "eager/eager.h"
#include "threads/jobs.h"
#include "threads/system.h"

#include <stdatomic.h>

#if defined(__AVX512F__) || defined(__aarch64__)
#define CHAINS 24
#else
#define CHAINS 12
#endif
#define STEPS 4096 /* of each chain between two looks at the clock, some ten microseconds */

typedef struct {
    double end;
    _Atomic long long steps;
    volatile real result; /* without a reader the compiler would leave out the work */
} clocked;

static void run_chains(void *context_, ptrdiff_t index, int thread)
{
    (void)thread;
    clocked *context = context_;
    /* x tends to 2, the fixed point: the numbers neither grow nor vanish. */
    vreal a = vset((real)0.5), b = vset(1), x[CHAINS];
    PIN(a);
    PIN(b);
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS; ++i)
        x[i] = vset((real)i);
    do {
        for (int step = 0; step < STEPS; ++step)
#pragma GCC unroll 24
            for (int i = 0; i < CHAINS; ++i) {
                x[i] = x[i] * a + b;
                PIN(x[i]);
            }
        atomic_fetch_add(&context->steps, STEPS);
    } while (fcn_seconds() < context->end);
    vreal sum = x[0];
#pragma GCC unroll 24
    for (int i = 1; i < CHAINS; ++i)
        sum += x[i];
    if (index == 0)
        context->result = vsum(sum);
}

double FCN(fma_peak)(double seconds, int threads)
{
    const double start = fcn_seconds();
    clocked context = {.end = start + seconds, .steps = 0};
    fcn_parallel(threads, threads, 0, run_chains, &context);
    return 2.0 * VL * CHAINS * (double)atomic_load(&context.steps) / (fcn_seconds() - start);
}
