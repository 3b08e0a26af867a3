/* The engine's kernels of one variant by name. */
#include "lanes.h"

#define IMAGES(name) {"images." #name, FCN(lanes_##name)},
#define CHANNELS(name) {"channels." #name, FCN(channels_##name)},
#define BOTH(name) IMAGES(name) CHANNELS(name)

const fcn_named_kernel FCN(op_kernels)[] = {FCN_OP_KERNELS(BOTH, IMAGES, CHANNELS){NULL, NULL}};
