/* Pixels in rows of channels from planes of numbers, and back. Part of nchw.c, which includes it for rows of
 * values, and for rows of numbers: NUMBER is what they hold, LOAD, STORE, GET and SET read and write it, and
 * OF(name) names what is made of it.
 */
/* A row of numbers that stand next to each other. */
static void OF(from_row)(NUMBER *to, const real *from, ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL)
        STORE(to + i, rload(from + i));
    for (; i < count; ++i)
        SET(to + i, from[i]);
}

static void OF(to_row)(real *to, const NUMBER *from, ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL)
        rstore(to + i, LOAD(from + i));
    for (; i < count; ++i)
        to[i] = GET(from + i);
}

/* Pixels from the first to the last: a quad writes zeros past its channels, as below. */
INLINE void OF(write_quads)(const image *m, NUMBER *x, const real *planes, ptrdiff_t p)
{
    vreal v[4];
    NUMBER quads[4 * VL];
    for (ptrdiff_t i = 0; i < 4; ++i)
        v[i] = i < m->channels ? rload(planes + i * m->pixels) : (vreal){0};
    zip(&v[0], &v[2]);
    zip(&v[1], &v[3]);
    zip(&v[0], &v[1]);
    zip(&v[2], &v[3]);
    for (int i = 0; i < 4; ++i)
        STORE(quads + i * VL, v[i]);
    for (ptrdiff_t j = 0; j < VL; ++j)
        memcpy(x + m->at[p + j], quads + 4 * j, 4 * sizeof(NUMBER));
}

/* x = the pixels of planes */
static void OF(from_planes)(const image *m, NUMBER *x, const real *planes)
{
    const ptrdiff_t pixels = m->pixels, count = fcn_min(VL, pixels);
    if (pixels == 1) {
        OF(from_row)(x + m->at[0], planes, m->channels);
        return;
    }
    for (ptrdiff_t tile = 0; tile < pixels; tile += VL) {
        const ptrdiff_t p = fcn_min(tile, pixels - count); /* the last tile may take pixels again */
        if (is_row(m, p, count)) {
            STORE(x + m->at[p], rload(planes + p));
            continue;
        }
        if (is_quads(m, p, count)) {
            OF(write_quads)(m, x, planes + p, p);
            continue;
        }
        /* From the last block to the first: a partial one writes zeros past its channels, which are padding
         * or belong to pixels and channels that are still to come. */
        for (ptrdiff_t c = last_block(m->channels); c >= 0; c -= VL) {
            const ptrdiff_t valid = fcn_min(VL, m->channels - c);
            const real *tile_planes = planes + c * pixels + p;
            if (!is_square(m, p, count, c)) {
                for (ptrdiff_t i = 0; i < valid; ++i)
#pragma GCC unroll 4
                    for (ptrdiff_t j = 0; j < count; ++j)
                        SET(x + m->at[p + j] + c + i, tile_planes[i * pixels + j]);
                continue;
            }
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                square[i] = i < valid ? rload(tile_planes + i * pixels) : (vreal){0};
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int j = 0; j < VL; ++j)
                STORE(x + m->at[p + j] + c, square[j]);
        }
    }
}

/* planes = the pixels of x */
static void OF(to_planes)(const image *m, real *planes, const NUMBER *x)
{
    const ptrdiff_t pixels = m->pixels, count = fcn_min(VL, pixels);
    if (pixels == 1) {
        OF(to_row)(planes, x + m->at[0], m->channels);
        return;
    }
    for (ptrdiff_t tile = 0; tile < pixels; tile += VL) {
        const ptrdiff_t p = fcn_min(tile, pixels - count);
        for (ptrdiff_t c = 0; c < m->channels; c += VL) {
            const ptrdiff_t valid = fcn_min(VL, m->channels - c);
            real *tile_planes = planes + c * pixels + p;
            if (!is_square(m, p, count, c)) {
                for (ptrdiff_t i = 0; i < valid; ++i)
#pragma GCC unroll 4
                    for (ptrdiff_t j = 0; j < count; ++j)
                        tile_planes[i * pixels + j] = GET(x + m->at[p + j] + c + i);
                continue;
            }
            vreal square[VL];
#pragma GCC unroll 16
            for (int j = 0; j < VL; ++j)
                square[j] = LOAD(x + m->at[p + j] + c);
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                if (i < valid)
                    rstore(tile_planes + i * pixels, square[i]);
        }
    }
}

#undef NUMBER
#undef LOAD
#undef STORE
#undef GET
#undef SET
#undef OF
