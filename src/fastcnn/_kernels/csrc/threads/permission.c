/* See permission.h. */
#include "threads/permission.h"

#include <stddef.h>

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18
#define TILE_STATES (3u << 17) /* of the registers that the system saves: the shapes and the data of tiles */

const char *fcn_why_no_tiles(void)
{
    unsigned a, b, c, d;
    const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24, osxsave = 1u << 27;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & amx_bf16) || !(d & amx_tile))
        return "this processor has none";
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & osxsave))
        return "the system does not save them";
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    if ((a & TILE_STATES) != TILE_STATES)
        return "the system does not save them";
    return NULL;
}

const char *fcn_may_use_tiles(void)
{
    static int asked;
    static const char *answer;
    if (!asked) {
        answer = fcn_why_no_tiles();
        if (!answer && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA))
            answer = "the system has refused them (arch_prctl)";
        asked = 1;
    }
    return answer;
}

#else

const char *fcn_why_no_tiles(void) { return "they are used on Linux alone, on x86-64"; }

const char *fcn_may_use_tiles(void) { return fcn_why_no_tiles(); }

#endif
