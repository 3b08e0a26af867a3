/* The speed of one core's memory, which the bytes that operations move are compared with.
 *
 * Equation  y = x, there and back between the halves of an array, again and again
 * Method    Vectors are loaded and stored in order, as most kernels do. An array that fits into a cache is
 *           there after the first turn. What is read and what is written count, each once.
 * Edges     Numbers past the last whole vector of a half stay.
 */
#include "eager/eager.h"
#include "threads/system.h"

#define TURN_BYTES 1000000 /* moved between two looks at the clock, or one pass there and back */

double FCN(copy_rate)(void *data, ptrdiff_t count, double seconds)
{
    const ptrdiff_t half = count / (2 * VL) * VL;
    const double pass = 4.0 * (double)half * sizeof(real), start = fcn_seconds();
    const ptrdiff_t passes = 1 + (ptrdiff_t)(pass > 0 ? TURN_BYTES / pass : 0);
    double moved = 0, now;
    do {
        for (ptrdiff_t i = 0; i < passes; ++i)
            for (int back = 0; back < 2; ++back) {
                const real *x = (const real *)data + (back ? half : 0);
                real *y = (real *)data + (back ? 0 : half);
                for (ptrdiff_t p = 0; p < half; p += VL)
                    rstore(y + p, rload(x + p));
            }
        moved += (double)passes * pass;
        now = fcn_seconds();
    } while (now < start + seconds);
    return moved / (now - start);
}
