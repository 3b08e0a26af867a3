/* One register block of convolution, BLOCK output channels by PIXELS pixels: a template, included by lanes_conv.c
 * with both defined.
 *
 * forward_BLOCK_PIXELS   y[pixel][o] = start + sum_k x[pixel + tap k] * w[k][o], k ascending
 * weight_BLOCK_PIXELS    sums[k][o] += sum_pixels x[pixel + tap k] * dy[pixel][o], PIXELS taps at a time
 */
#define NAME_(a, b, c) a##_##b##_##c
#define NAME(a, b, c) NAME_(a, b, c)

static void NAME(forward, BLOCK, PIXELS)(const fwd *f, const real *w, ptrdiff_t o0, ptrdiff_t p0)
{
    vreal sum[PIXELS][BLOCK];
    const real *x[PIXELS];
#pragma GCC unroll 16
    for (int p = 0; p < PIXELS; ++p) {
        x[p] = f->x + f->x_at[p0 + p];
        const real *start = f->position_bias ? f->position_bias + (p0 + p) * f->all_channels + o0
                            : f->bias        ? f->bias + o0
                                             : NULL;
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o)
            sum[p][o] = start ? vset(start[o]) : (vreal){0};
    }
    for (ptrdiff_t k = 0; k < f->depth; ++k, w += BLOCK) {
        ptrdiff_t at = f->tap_at[k];
        vreal value[PIXELS];
#pragma GCC unroll 16
        for (int p = 0; p < PIXELS; ++p)
            value[p] = vload(x[p] + at);
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            vreal weight = vset(w[o]);
#pragma GCC unroll 16
            for (int p = 0; p < PIXELS; ++p)
                sum[p][o] += value[p] * weight;
        }
    }
#pragma GCC unroll 16
    for (int p = 0; p < PIXELS; ++p) {
        real *y = f->y + f->y_at[p0 + p] + o0 * VL;
        const real *mask = f->mask ? f->mask + f->mask_at[p0 + p] + o0 * VL : NULL;
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            vreal value = sum[p][o];
            if (f->add)
                value += vload(y + o * VL);
            if (f->relu)
                value = keep(~(value < 0), value);
            if (mask)
                value = keep(vload(mask + o * VL) > 0, value);
            vstore(y + o * VL, value);
        }
    }
}

static void NAME(weight, BLOCK, PIXELS)(real *sums, const real *x, const real *dy, const int32_t *tap_at,
                                        const int32_t *x_at, const int32_t *dy_at, ptrdiff_t pixels, int fresh)
{
    vreal sum[PIXELS][BLOCK];
    const real *tap[PIXELS];
#pragma GCC unroll 16
    for (int k = 0; k < PIXELS; ++k) {
        tap[k] = x + tap_at[k];
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o)
            sum[k][o] = fresh ? (vreal){0} : vload(sums + (k * BLOCK + o) * VL);
    }
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const real *grad = dy + dy_at[p];
        ptrdiff_t at = x_at[p];
        vreal value[PIXELS];
#pragma GCC unroll 16
        for (int k = 0; k < PIXELS; ++k)
            value[k] = vload(tap[k] + at);
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            vreal g = vload(grad + o * VL);
            PIN(g);
#pragma GCC unroll 16
            for (int k = 0; k < PIXELS; ++k)
                sum[k][o] += value[k] * g;
        }
    }
#pragma GCC unroll 16
    for (int k = 0; k < PIXELS; ++k)
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o)
            vstore(sums + (k * BLOCK + o) * VL, sum[k][o]);
}

#undef NAME
#undef NAME_
#undef BLOCK
#undef PIXELS
