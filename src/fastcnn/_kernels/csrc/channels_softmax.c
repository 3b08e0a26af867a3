/* lanes_softmax.c, in the layout "channels". */
#define FCN_CHANNELS
#include "lanes_softmax.c"
