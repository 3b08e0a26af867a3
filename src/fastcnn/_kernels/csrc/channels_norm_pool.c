/* lanes_norm_pool.c, in the layout "channels". */
#define FCN_CHANNELS
#include "lanes_norm_pool.c"
