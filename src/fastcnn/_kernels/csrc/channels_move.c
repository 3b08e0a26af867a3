/* lanes_move.c, in the layout "channels". */
#define FCN_CHANNELS
#include "lanes_move.c"
