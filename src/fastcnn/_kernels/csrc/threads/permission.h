/* Permission to use the registers of tiles (AMX), which Linux gives to a process that asks for it.
 *
 * fcn_why_no_tiles asks nobody, and returns NULL if processor and system have tiles, else why there are none.
 * fcn_may_use_tiles also asks, once for all threads, and returns NULL if they may be used, else why not.
 * Linux refuses where an alternate signal stack is too small for them, and from then on refuses such stacks;
 * sandboxes may forbid to ask. So only what is about to use them asks, or to tell of them.
 * Source  Linux, Documentation/arch/x86/xstate.rst; Intel's manual, CPUID leaf 7.
 */
#ifndef FCN_PERMISSION_H
#define FCN_PERMISSION_H

const char *fcn_why_no_tiles(void);
const char *fcn_may_use_tiles(void);

#endif
