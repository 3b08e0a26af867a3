/* lanes_norm.c, in the layout "channels". */
#define FCN_CHANNELS
#include "lanes_norm.c"
