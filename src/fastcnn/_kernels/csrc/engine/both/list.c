/* The kernels of one layout, by the numbers of their operations; NULL where the layout has none. */
#include "engine/kernel.h"

fcn_op_kernel *const KERNEL(kernels)[] = {
#define OPERATION(name, layouts, over) HAS_##layouts([FCN_OPERATION_##name] = KERNEL(name), )
#include "engine/operations.inc"
    [FCN_OPERATIONS] = NULL,
};
