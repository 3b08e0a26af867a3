/* One register block of convolution, BLOCK output channels by PIXELS pixels: a template, included by
 * conv.c with both defined.
 *
 * forward_BLOCK_PIXELS   y[pixel][o] = f(start + sum_k x[pixel + tap k] * w[k][o]), k from k0 to k1,
 *                        ascending
 * weight_BLOCK_PIXELS    sums[k][o] += sum over groups and pixels of x[pixel + tap k] * dy[pixel][o] for
 *                        PIXELS taps
 */
#define NAME_(a, b, c) a##_##b##_##c
#define NAME(a, b, c) NAME_(a, b, c)

static void NAME(forward, BLOCK, PIXELS)(const product *f, const stored *w, ptrdiff_t o0, ptrdiff_t p0,
                                         ptrdiff_t k0, ptrdiff_t k1)
{
    vreal sum[PIXELS][BLOCK];
    const stored *x[PIXELS];
    const int32_t *x_at = f->x_at + p0, *y_at = f->y_at + p0;
#pragma GCC unroll 16
    for (int p = 0; p < PIXELS; ++p)
        x[p] = f->x + x_at[p];
    if (f->position_bias) {
        const real *start = f->position_bias + p0 * f->all_channels + o0;
        const ptrdiff_t row = f->all_channels;
#pragma GCC unroll 16
        for (int p = 0; p < PIXELS; ++p, start += row)
#pragma GCC unroll 16
            for (int o = 0; o < BLOCK; ++o)
                sum[p][o] = vset(start[o]);
    } else {
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            const vreal start = f->bias ? vset(f->bias[o0 + o]) : (vreal){0};
#pragma GCC unroll 16
            for (int p = 0; p < PIXELS; ++p)
                sum[p][o] = start;
        }
    }
    w += k0 * BLOCK;
    for (ptrdiff_t k = k0; k < k1; ++k, w += BLOCK) {
        ptrdiff_t at = f->tap_at[k];
        vreal value[PIXELS];
#pragma GCC unroll 16
        for (int p = 0; p < PIXELS; ++p)
            value[p] = vload(x[p] + at);
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            vreal weight = vset(value_of(w + o));
#pragma GCC unroll 16
            for (int p = 0; p < PIXELS; ++p)
                sum[p][o] += value[p] * weight;
        }
    }
    stored *y = f->y + o0 * VL;
    if (f->add) {
#pragma GCC unroll 16
        for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 16
            for (int o = 0; o < BLOCK; ++o)
                sum[p][o] += vload(y + y_at[p] + o * VL);
    }
    const vreal least = vset(f->end.least), most = vset(f->end.most);
    if (scales(&f->end)) {
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            const vreal scale = vset(f->end.scale[o0 + o]), shift = vset(f->end.shift[o0 + o]);
#pragma GCC unroll 16
            for (int p = 0; p < PIXELS; ++p)
                vstore(y + y_at[p] + o * VL, vmin(most, vmax(least, sum[p][o])) * scale + shift);
        }
        return;
    }
    if (limits(&f->end)) {
#pragma GCC unroll 16
        for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 16
            for (int o = 0; o < BLOCK; ++o)
                vstore(y + y_at[p] + o * VL, vmin(most, vmax(least, sum[p][o])));
        return;
    }
#pragma GCC unroll 16
    for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o)
            vstore(y + y_at[p] + o * VL, vmax(least, sum[p][o]));
}

static void NAME(weight, BLOCK, PIXELS)(real *sums, const weight_product *f, ptrdiff_t k0, ptrdiff_t o0,
                                        ptrdiff_t p0, ptrdiff_t p1, int fresh)
{
    vreal sum[PIXELS][BLOCK];
    const stored *tap[PIXELS];
#pragma GCC unroll 16
    for (int k = 0; k < PIXELS; ++k) {
        tap[k] = f->x + f->tap_at[k0 + k];
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o)
            sum[k][o] = (vreal){0};
    }
    for (ptrdiff_t g = 0; g < f->groups; ++g) {
        const stored *dy = f->dy + g * f->dy_stride + o0 * VL;
        const ptrdiff_t group_at = g * f->x_stride;
        for (ptrdiff_t p = p0; p < p1; ++p) {
            const stored *grad_at = dy + f->dy_at[p];
            const ptrdiff_t at = group_at + f->x_at[p];
            vreal value[PIXELS];
#pragma GCC unroll 16
            for (int k = 0; k < PIXELS; ++k)
                value[k] = vload(tap[k] + at);
#pragma GCC unroll 16
            for (int o = 0; o < BLOCK; ++o) {
                vreal dy_o = vload(grad_at + o * VL);
                PIN(dy_o);
#pragma GCC unroll 16
                for (int k = 0; k < PIXELS; ++k)
                    sum[k][o] += value[k] * dy_o;
            }
        }
    }
#pragma GCC unroll 16
    for (int k = 0; k < PIXELS; ++k)
#pragma GCC unroll 16
        for (int o = 0; o < BLOCK; ++o) {
            real *at = sums + (k * BLOCK + o) * VL;
            rstore(at, fresh ? sum[k][o] : rload(at) + sum[k][o]);
        }
}

#undef NAME
#undef NAME_
#undef BLOCK
#undef PIXELS
