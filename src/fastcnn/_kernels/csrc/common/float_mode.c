/* The floating-point modes of float_mode.h. */
#include "common/float_mode.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define PLAIN 0x1f80u /* no exception traps (bits 7 to 12), and results are rounded to the nearest number */
#define FLUSHING 0x8040u /* flush to zero (bit 15), and denormals are zeros (bit 6) */
#define SEEN 0x3fu       /* exceptions that have occurred */

fcn_float_mode fcn_get_float_mode(void) { return _mm_getcsr(); }
void fcn_set_float_mode(fcn_float_mode mode) { _mm_setcsr((unsigned)mode); }

#elif defined(__aarch64__)
#define PLAIN UINT64_C(0)
#define FLUSHING (UINT64_C(1) << 24) /* flush to zero */
#define SEEN UINT64_C(0)             /* they stand in another register */

fcn_float_mode fcn_get_float_mode(void)
{
    fcn_float_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
void fcn_set_float_mode(fcn_float_mode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

#else
#define PLAIN 0
#define FLUSHING 0
#define SEEN 0

fcn_float_mode fcn_get_float_mode(void) { return 0; }
void fcn_set_float_mode(fcn_float_mode mode) { (void)mode; }
#endif

static atomic_int flushes = 1; /* any thread may set it */

int fcn_set_flush_denormals(int flush)
{
    flushes = flush;
    return FLUSHING != 0;
}

int fcn_get_flush_denormals(void) { return FLUSHING != 0 && flushes; }

fcn_float_mode fcn_begin_float_mode(int is_float32)
{
    const fcn_float_mode before = fcn_get_float_mode(), own = PLAIN | (is_float32 && flushes ? FLUSHING : 0);
    if ((before & ~(fcn_float_mode)SEEN) != own)
        fcn_set_float_mode(own | (before & SEEN));
    return before;
}

void fcn_end_float_mode(const fcn_float_mode *before)
{
    if (fcn_get_float_mode() != *before)
        fcn_set_float_mode(*before);
}
