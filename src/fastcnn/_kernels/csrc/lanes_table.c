/* The engine's kernels of one variant by name. */
#include "lanes.h"

#define ENTRY(name) {"images." #name, FCN(lanes_##name)}

const fcn_named_kernel FCN(op_kernels)[] = {
    ENTRY(apply),
    ENTRY(apply_pool),
    ENTRY(avg_pool),
    ENTRY(avg_pool_grad),
    ENTRY(bn_finish),
    ENTRY(bn_fixed),
    ENTRY(bn_grad),
    ENTRY(bn_grad_finish),
    ENTRY(bn_grad_sums),
    ENTRY(bn_pool_grad),
    ENTRY(bn_pool_grad_sums),
    ENTRY(bn_sums),
    ENTRY(conv),
    ENTRY(conv_pack),
    ENTRY(conv_weight),
    ENTRY(conv_weight_sum),
    ENTRY(gather),
    ENTRY(grad_sums),
    ENTRY(weight_of_all),
    ENTRY(max_pool),
    ENTRY(max_pool_grad),
    ENTRY(pack),
    ENTRY(pack_bytes),
    ENTRY(relu_grad),
    ENTRY(total),
    ENTRY(unpack),
    {NULL, NULL},
};
