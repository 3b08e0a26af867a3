/* The engine's kernels of one layout by name. */
#include "engine/kernel.h"

#define NAME_(layout, name) #layout "." #name
#define NAME_OF(layout, name) NAME_(layout, name)
#define ENTRY(name) {NAME_OF(FCN_LAYOUT, name), KERNEL(name)},

const fcn_named_kernel KERNEL(op_kernels)[] = {FCN_OP_KERNELS(ENTRY){NULL, NULL}};
