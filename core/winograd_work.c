#include "core/winograd_work.h"

#include "core/whole.h"

enum {
    GROUP = 1 << 17, /* floats of both sides' tiles in one piece of work: 512 KB, in most L2s */
    FEW_GROUPS = 4,  /* with few images, the batch is cut into this many, */
    LEAST_WORK = 1 << 18, /* of at least this many multiplications: some microseconds */
    KEPT = 2, /* times as many floats as large weights, at most, are kept to be summed at once */
    LARGE_WEIGHTS = 1 << 18, /* floats: they take a second-level cache for themselves */
    /* with them, products of at least so many tiles ask for what the next position reads */
    LEAST_TILES = 28,
};

ig_winograd_work ig_winograd_start(ig_winograd_form form) {
    ig_winograd_work w = {
        .kernels = ig_kernels_get(), .form = form, .tile = 4, .taps = 3, .step = 1};
    if (form == IG_WINOGRAD_F4X4_2X2) w.taps = w.step = 2;
    if (form == IG_WINOGRAD_F7X7_3X3) w.tile = 7;
    w.positions = (w.tile + w.taps - 1) * (w.tile + w.taps - 1);
    return w;
}

/* Channels are padded to whole vectors. */
static ig_winograd_side side_of(const ig_winograd_work *w, int64_t h, int64_t width, int64_t c,
                                int64_t step, int64_t pad) {
    ig_winograd_side s = {.channels = step * step * c};
    s.tiles = (ig_winograd_tiles){.form = w->form, .h = h, .w = width, .c = c, .pad = pad};
    s.tiles.step = step;
    int64_t lanes = w->kernels->panel / 2;
    s.tiles.row_stride = ig_ceil_div(s.channels, lanes) * lanes;
    return s;
}

ig_winograd_side ig_winograd_fine_side(const ig_winograd_work *w, const ig_conv_shape *s,
                                       int64_t pad) {
    return side_of(w, s->h, s->w, s->c, w->step, pad);
}

ig_winograd_side ig_winograd_coarse_side(const ig_winograd_work *w, const ig_conv_shape *s,
                                         int64_t pad) {
    return side_of(w, s->ho, s->wo, s->k, 1, pad);
}

/* Of the transformed weights. */
static int64_t weight_floats(const ig_winograd_work *w) {
    return w->positions * w->x.tiles.row_stride * w->y.tiles.row_stride;
}

/* Weights that are larger than the cache are read once a group, their gradients read and written:
   the matrices of so many tiles at least are 3/8 of the weights' floats, or as many as their
   gradients'. */
static int64_t least_tiles(const ig_winograd_work *w) {
    int64_t x = w->x.tiles.row_stride, y = w->y.tiles.row_stride;
    return w->from_y ? x * y / (x + y) : ig_min(x, y) * 3 / 8;
}

/* Rows of tiles of one group: its matrices fit the cache or are enough beside large weights, and
   the threads find work. */
static int64_t group_rows(const ig_winograd_work *w, int64_t columns) {
    int64_t tile_floats = w->x.tiles.row_stride + w->y.tiles.row_stride;
    int64_t most = ig_max(GROUP / (w->positions * columns * tile_floats), 1);
    if (w->from_y || weight_floats(w) > LARGE_WEIGHTS)
        most = ig_max(most, least_tiles(w) / columns);
    int64_t row_work = w->positions * columns * w->x.channels * w->y.channels;
    int64_t share = ig_max(ig_ceil_div(w->rows, FEW_GROUPS), ig_ceil_div(LEAST_WORK, row_work));
    return ig_max(ig_min(ig_min(most, share), w->rows), 1);
}

bool ig_winograd_at_once(const ig_winograd_work *w) {
    const ig_winograd_tiles *t = &w->y.tiles;
    return w->from_y && w->made && t->row_bands.count * t->column_bands.count == 1 &&
           weight_floats(w) > LARGE_WEIGHTS && w->rows * t->columns <= KEPT * least_tiles(w);
}

/* Of so many tiles for `size` outputs, those that need to be whole. */
static int64_t whole_tiles(const ig_winograd_work *w, int64_t tiles, int64_t size) {
    return ig_max(tiles - (tiles * w->tile - size), 0);
}

/* More pieces than few become a multiple of them: the threads end together. */
static void cut_groups(ig_winograd_work *w) {
    int64_t few = FEW_GROUPS * w->group, times = (w->rows + few / 2) / few;
    w->chunks =
        w->rows > few ? ig_min(FEW_GROUPS * times, w->rows) : ig_ceil_div(w->rows, w->group);
    w->group = ig_ceil_div(w->rows, ig_max(w->chunks, 1));
}

/* The same of whole images, as many at a time as make a group, or one, cut into groups of nearly
   equal size. */
static void cut_images(ig_winograd_work *w, int64_t n, int64_t rows) {
    int64_t few = FEW_GROUPS * ig_max((w->group + rows / 2) / rows, 1);
    w->chunks = ig_min(ig_ceil_div(n, few) * FEW_GROUPS, n);
    w->images = ig_max(ig_ceil_div(n, ig_max(w->chunks, 1)), 1);
    int64_t all = w->images * rows, groups = ig_max((all + w->group / 2) / w->group, 1);
    w->group = ig_ceil_div(all, groups);
}

static void add_band(ig_winograd_bands *bands, int64_t end) {
    if (bands->count == 0 || end > bands->end[bands->count - 1])
        if (end > 0) bands->end[bands->count++] = end;
}

/* Tiles that have values at the same points. */
static ig_winograd_bands cut_bands(int64_t tiles, int64_t whole, bool no_first, bool no_last) {
    ig_winograd_bands bands = {0};
    if (no_first) add_band(&bands, 1);
    if (no_last && whole == tiles) add_band(&bands, tiles - 1);
    add_band(&bands, whole);
    add_band(&bands, tiles);
    return bands;
}

static int64_t stride_of(const ig_winograd_tiles *t, int64_t rows) {
    return ig_spread(rows * t->columns * t->row_stride);
}

/* Makes room for rows of tiles. The results of a convolution at a position lie where the inputs
   of the position before have been read: those lines are in the cache, and there are fewer. */
static void make_room(ig_winograd_work *w, int64_t rows) {
    ig_winograd_tiles *x = &w->x.tiles, *y = &w->y.tiles;
    x->stride = stride_of(x, rows);
    y->stride = stride_of(y, rows);
    if (w->from_y) {
        w->y.at = w->positions * x->stride;
        w->matrices = w->y.at + w->positions * y->stride;
        return;
    }
    x->stride = y->stride = w->x.at = ig_max(x->stride, y->stride);
    w->matrices = (w->positions + 1) * w->x.at;
}

void ig_winograd_lay_out(ig_winograd_work *w, int64_t n, int64_t oh, int64_t ow) {
    int64_t rows = ig_ceil_div(oh, w->tile), columns = ig_ceil_div(ow, w->tile);
    w->rows = n * rows;
    w->group = group_rows(w, columns);
    if (w->made) cut_images(w, n, rows);
    else if (!w->from_y) cut_groups(w);
    ig_winograd_side *sides[] = {&w->x, &w->y};
    for (int i = 0; i < 2; i++) {
        ig_winograd_tiles *t = &sides[i]->tiles;
        t->rows = rows;
        t->columns = columns;
        t->whole_rows = whole_tiles(w, rows, oh);
        t->whole_columns = whole_tiles(w, columns, ow);
        t->row_bands = cut_bands(rows, t->whole_rows, w->y.no_first[0], w->y.no_last[0]);
        t->column_bands = cut_bands(columns, t->whole_columns, w->y.no_first[1], w->y.no_last[1]);
    }
    int64_t kept = ig_winograd_at_once(w) ? w->rows : w->group;
    make_room(w, kept);
    w->asks = weight_floats(w) > LARGE_WEIGHTS && kept * columns >= LEAST_TILES;
}

void ig_winograd_choose_rows(ig_winograd_side *s, int64_t first, int64_t end) {
    s->tiles.first = first;
    s->tiles.end = end;
}

/* ---- fine images that are made, some at a time ---- */

int64_t ig_winograd_image_floats(const ig_winograd_side *s) {
    return s->tiles.h * s->tiles.w * s->tiles.c;
}

int64_t ig_winograd_batch(const ig_winograd_work *w) {
    return w->rows / w->x.tiles.rows;
}

int64_t ig_winograd_fine_scratch(const ig_winograd_work *w, const ig_winograd_side *fine) {
    return ig_ceil_div(w->images * ig_winograd_image_floats(fine), IG_LINE) * IG_LINE;
}

ig_winograd_images ig_winograd_take_chunk(const ig_winograd_work *w, int64_t chunk, float *fine) {
    int64_t n = ig_winograd_batch(w);
    return (ig_winograd_images){chunk * n / w->chunks, (chunk + 1) * n / w->chunks, fine};
}

/* ---- what has values at a position: see ig_winograd_map ---- */

/* Bits of the phases that have a value at a point along a side's height (axis 0) or width (1), in
   tile i. */
static unsigned phases_along(const ig_winograd_side *s, int axis, int64_t last, int64_t point,
                             int64_t i) {
    const ig_winograd_tiles *t = &s->tiles;
    unsigned phases = t->step == 2 ? 3 : 1;
    if (point == 0 && i == 0) phases &= ~s->no_first[axis];
    if (point < last) return phases;
    if (i >= (axis ? t->whole_columns : t->whole_rows)) return 0;
    return i == (axis ? t->columns : t->rows) - 1 ? phases & ~s->no_last[axis] : phases;
}

bool ig_winograd_next_run(const ig_winograd_work *w, const ig_winograd_side *s, int64_t position,
                          ig_winograd_run *run) {
    const ig_winograd_tiles *t = &s->tiles;
    const ig_winograd_bands *rows = &t->row_bands, *columns = &t->column_bands;
    int64_t last = w->tile + w->taps - 2;
    run->first += run->count;
    run->count = 0;
    for (; run->next < rows->count * columns->count; run->next++) {
        int band = run->next / columns->count, turn = run->next % columns->count;
        int across = band % 2 == 0 ? columns->count - 1 - turn : turn;
        int64_t row = ig_winograd_band_start(rows, band);
        int64_t column = ig_winograd_band_start(columns, across);
        unsigned y = phases_along(s, 0, last, position / (last + 1), row);
        unsigned x = phases_along(s, 1, last, position % (last + 1), column);
        unsigned phases = (y & 1 ? x : 0) | (y & 2 ? x << 2 : 0);
        if (run->count == 0) run->phases = phases;
        if (phases != run->phases) break;
        run->count += (ig_winograd_above(t, rows->end[band]) - ig_winograd_above(t, row)) *
                      (columns->end[across] - column);
    }
    return run->count > 0;
}

ig_soon ig_winograd_behind(const float *x, int64_t position, int64_t stride) {
    return ig_behind(x + position * stride, stride);
}

const ig_soon *ig_winograd_if_asked(const ig_winograd_work *w, int64_t position,
                                    const ig_soon soon[2]) {
    return w->asks && position + 1 < w->positions ? soon : NULL;
}
