/* The kernels of one layout, by the numbers of their operations; NULL where the layout has none. */
#include "engine/kernel.h"

#ifdef FCN_REST /* some of these are not there, and NULL */
#define OPERATION(name, layouts, over)                                                                       \
    extern fcn_op_kernel KERNEL(name) __attribute__((weak, visibility("hidden")));
#include "engine/operations.inc"
#endif

fcn_op_kernel *const KERNEL(kernels)[] = {
#define OPERATION(name, layouts, over) HAS_##layouts([FCN_OPERATION_##name] = KERNEL(name), )
#include "engine/operations.inc"
    [FCN_OPERATIONS] = NULL,
};
