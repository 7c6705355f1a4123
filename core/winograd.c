#include "core/winograd.h"

#include <string.h>

#include "core/kernels/kernels.h"
#include "core/packed.h"
#include "core/thread.h"
#include "core/whole.h"

enum {
    GROUP = 1 << 17, /* floats of transformed tiles in one piece of work: 512 KB, in most L2s */
    FEW_GROUPS = 4,  /* with few images, the batch is cut into this many, */
    LEAST_WORK = 1 << 18, /* of at least this many multiplications: some microseconds */
    /* tiles are summed into the weights' gradient in chunks, each of which takes as long to
       transform as some tens of tiles */
    CHUNK_TILES = 256,
    LEAST_CHUNKS = 4,
    MOST_CHUNKS = 16,
    KEPT = 2, /* times as many floats as large weights, at most, are kept to be summed at once */
    LARGE_WEIGHTS = 1 << 18, /* floats: they take a second-level cache for themselves */
    /* with them, products of at least so many tiles ask for what the next position reads */
    LEAST_TILES = 28,
    LINE = 16, /* floats of a cache line */
};

/* Matrices of tiles, one a position: the transform of an image and the scratch it fills. */
typedef struct {
    ig_winograd_tiles tiles; /* first and end are set for each piece of work */
    int64_t channels;        /* of all phases */
    int64_t size;            /* floats of the matrices of one piece, or of all that are kept */
    /* bits of the phases whose first, or last, output along the height and the width is outside */
    unsigned no_first[2], no_last[2];
} side;

typedef struct winograd_work {
    const ig_kernels *kernels;
    ig_winograd_form form;
    int64_t tile, taps; /* m and r of F(m x m, r x r) */
    int64_t step;       /* 2: the fine images have four phases; otherwise 1 */
    int64_t positions;  /* (m + r - 1)^2 */
    int64_t rows;       /* rows of tiles in the batch */
    int64_t group;      /* of them in one group, whose tiles are rows of one matrix product */
    const ig_made_images *made;   /* the fine images, which then lie in scratch; or NULL */
    int64_t images;               /* so many at a time */
    side x, y;                    /* inputs of the convolution; its outputs or their gradients */
    int64_t matrices;             /* floats for both, first in scratch or behind `sum` */
    bool asks;                    /* for what the next position reads */
    const float *from_x, *from_y; /* from_y: NULL except for the weights' gradient */
    ig_epilogue end;
    float *out;
    bool add; /* to the weights' gradient */
    float *zeros;
    const float *packed; /* weights */
    int64_t packed_stride;
    float *scratch;
    int64_t scratch_size; /* floats a worker */
    int64_t chunks;
    ig_winograd_tiles weights;        /* of the weights' gradient, a tile for each coarse channel */
    float *partial;                   /* its sum over each chunk; or */
    float *sum;                       /* that of all, in matrices, and behind it both sides' */
    const struct winograd_work *back; /* gives the gradients of the same images; or NULL */
} winograd_work;

/* An odd number of cache lines: the same place in each position's matrix is in another set of the
   cache. */
static int64_t spread(int64_t floats) {
    return (ig_ceil_div(floats, LINE) | 1) * LINE;
}

static winograd_work start(ig_winograd_form form) {
    winograd_work w = {.kernels = ig_kernels_get(), .form = form, .tile = 4, .taps = 3, .step = 1};
    if (form == IG_WINOGRAD_F4X4_2X2) w.taps = w.step = 2;
    if (form == IG_WINOGRAD_F7X7_3X3) w.tile = 7;
    w.positions = (w.tile + w.taps - 1) * (w.tile + w.taps - 1);
    return w;
}

/* Channels are padded to whole vectors. */
static side side_of(const winograd_work *w, int64_t h, int64_t width, int64_t c, int64_t step,
                    int64_t pad) {
    side s = {.channels = step * step * c};
    s.tiles = (ig_winograd_tiles){.form = w->form, .h = h, .w = width, .c = c, .pad = pad};
    s.tiles.step = step;
    int64_t lanes = w->kernels->panel / 2;
    s.tiles.row_stride = ig_ceil_div(s.channels, lanes) * lanes;
    return s;
}

static side fine_side(const winograd_work *w, const ig_conv_shape *s, int64_t pad) {
    return side_of(w, s->h, s->w, s->c, w->step, pad);
}

static side coarse_side(const winograd_work *w, const ig_conv_shape *s, int64_t pad) {
    return side_of(w, s->ho, s->wo, s->k, 1, pad);
}

/* Of the transformed weights. */
static int64_t weight_floats(const winograd_work *w) {
    return w->positions * w->x.tiles.row_stride * w->y.tiles.row_stride;
}

/* Weights that are larger than the cache are read once a group, their gradients read and written:
   the matrices of so many tiles at least are as many floats, or a quarter more. */
static int64_t least_tiles(const winograd_work *w) {
    int64_t x = w->x.tiles.row_stride, y = w->y.tiles.row_stride, tiles = x * y / (x + y);
    return w->from_y ? tiles : tiles * 5 / 4;
}

/* Rows of tiles of one group: its matrices fit the cache or weigh as much as the weights, and the
   threads find work. */
static int64_t group_rows(const winograd_work *w, int64_t columns) {
    int64_t tile_floats = w->x.tiles.row_stride + w->y.tiles.row_stride;
    int64_t most = ig_max(GROUP / (w->positions * columns * tile_floats), 1);
    if (w->from_y || weight_floats(w) > LARGE_WEIGHTS)
        most = ig_max(most, least_tiles(w) / columns);
    int64_t row_work = w->positions * columns * w->x.channels * w->y.channels;
    int64_t share = ig_max(ig_ceil_div(w->rows, FEW_GROUPS), ig_ceil_div(LEAST_WORK, row_work));
    return ig_max(ig_min(ig_min(most, share), w->rows), 1);
}

/* Whether the weights' gradient is summed over all tiles at once, a position at a time: large sums
   of a few tiles each would take longer to be written and read than to be made. For images that are
   made, in tiles of one band, whose order is the same whichever are transformed together. */
static bool is_summed_at_once(const winograd_work *w) {
    const ig_winograd_tiles *t = &w->y.tiles;
    return w->from_y && w->made && t->row_bands.count * t->column_bands.count == 1 &&
           weight_floats(w) > LARGE_WEIGHTS && w->rows * t->columns <= KEPT * least_tiles(w);
}

/* Of so many tiles for `size` outputs, those that need to be whole. */
static int64_t whole_tiles(const winograd_work *w, int64_t tiles, int64_t size) {
    return ig_max(tiles - (tiles * w->tile - size), 0);
}

/* More groups than few become a multiple of them, of nearly equal size: the threads end together.
 */
static void even_groups(winograd_work *w) {
    int64_t few = FEW_GROUPS * w->group, times = (w->rows + few / 2) / few;
    if (w->rows > few) w->group = ig_ceil_div(w->rows, FEW_GROUPS * times);
}

/* As many whole images at a time as make a group, or one, cut into groups of nearly equal size. */
static void cut_images(winograd_work *w, int64_t n, int64_t rows) {
    int64_t images = ig_min((w->group + rows / 2) / rows, ig_ceil_div(n, FEW_GROUPS));
    w->images = ig_max(images, 1);
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

/* Makes room for rows of tiles: the floats of their matrices. */
static int64_t set_stride(ig_winograd_tiles *t, int64_t positions, int64_t rows) {
    t->stride = spread(rows * t->columns * t->row_stride);
    return positions * t->stride;
}

/* Cuts the batch of n images, oh x ow outputs (of a phase), into groups. */
static void lay_out(winograd_work *w, int64_t n, int64_t oh, int64_t ow) {
    int64_t rows = ig_ceil_div(oh, w->tile), columns = ig_ceil_div(ow, w->tile);
    w->rows = n * rows;
    w->group = group_rows(w, columns);
    if (w->made) cut_images(w, n, rows);
    else if (!w->from_y) even_groups(w);
    side *sides[] = {&w->x, &w->y};
    for (int i = 0; i < 2; i++) {
        ig_winograd_tiles *t = &sides[i]->tiles;
        t->rows = rows;
        t->columns = columns;
        t->whole_rows = whole_tiles(w, rows, oh);
        t->whole_columns = whole_tiles(w, columns, ow);
        t->row_bands = cut_bands(rows, t->whole_rows, w->y.no_first[0], w->y.no_last[0]);
        t->column_bands = cut_bands(columns, t->whole_columns, w->y.no_first[1], w->y.no_last[1]);
    }
    int64_t kept = is_summed_at_once(w) ? w->rows : w->group;
    w->x.size = set_stride(&w->x.tiles, w->positions, kept);
    w->y.size = set_stride(&w->y.tiles, w->positions, kept);
    w->matrices = w->x.size + w->y.size;
    w->asks = weight_floats(w) > LARGE_WEIGHTS && kept * columns >= LEAST_TILES;
}

/* Rows of tiles first..end-1 of a side. */
static void choose_rows(side *s, int64_t first, int64_t end) {
    s->tiles.first = first;
    s->tiles.end = end;
}

/* ---- fine images that are made, some at a time ---- */

static int64_t image_floats(const side *s) {
    return s->tiles.h * s->tiles.w * s->tiles.c;
}

static int64_t batch_of(const winograd_work *w) {
    return w->rows / w->x.tiles.rows;
}

/* Whole cache lines for the fine images of one piece. */
static int64_t fine_scratch(const winograd_work *w, const side *fine) {
    return ig_ceil_div(w->images * image_floats(fine), LINE) * LINE;
}

/* Images of the batch, and where the fine ones lie. */
typedef struct {
    int64_t first, end;
    float *fine;
} some_images;

static some_images take_images(const winograd_work *w, int64_t first, int64_t end, float *fine) {
    return (some_images){first, ig_min(first + w->images, end), fine};
}

/* ---- what has values at a position: see ig_winograd_map ---- */

/* Bits of the phases that have a value at a point along a side's height (axis 0) or width (1), in
   tile i. */
static unsigned phases_along(const side *s, int axis, int64_t last, int64_t point, int64_t i) {
    const ig_winograd_tiles *t = &s->tiles;
    unsigned phases = t->step == 2 ? 3 : 1;
    if (point == 0 && i == 0) phases &= ~s->no_first[axis];
    if (point < last) return phases;
    if (i >= (axis ? t->whole_columns : t->whole_rows)) return 0;
    return i == (axis ? t->columns : t->rows) - 1 ? phases & ~s->no_last[axis] : phases;
}

/* Neighbours among the chosen tiles that have values in the same phases: their bits, phase y of the
   height and x of the width at 2 y + x. next: which pair of bands follows */
typedef struct {
    int next;
    int64_t first, count;
    unsigned phases;
} tile_run;

/* The next run at a position; of {0} the first. */
static bool next_run(const winograd_work *w, const side *s, int64_t position, tile_run *run) {
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

/* Of matrices `stride` apart, the one behind that of a position. */
static ig_soon behind(const float *x, int64_t position, int64_t stride) {
    return ig_behind(x + position * stride, stride);
}

static const ig_soon *if_asked(const winograd_work *w, int64_t position, const ig_soon soon[2]) {
    return w->asks && position + 1 < w->positions ? soon : NULL;
}

/* ---- convolution ---- */

typedef struct {
    const ig_kernels *kernels;
    ig_winograd_filter filter;
} weights_work;

static void weights_panel(void *work, int64_t panel, int worker) {
    (void)worker;
    const weights_work *w = work;
    w->kernels->winograd_weights(&w->filter, panel);
}

/* A run of tiles times the weights of each run of phases.  v, m: matrices of both sides */
static void multiply_run(const winograd_work *w, int64_t position, const tile_run *run,
                         const float *v, float *m) {
    const ig_winograd_tiles *x = &w->x.tiles, *y = &w->y.tiles;
    int64_t phases = y->step * y->step, width = y->row_stride / phases, end;
    const ig_soon soon[] = {behind(v, position, x->stride),
                            behind(w->packed, position, w->packed_stride)};
    for (int64_t phase = 0; phase < phases; phase = end + 1) {
        for (end = phase; run->phases >> end & 1; end++)
            ;
        if (end == phase) continue;
        w->kernels->product(&(ig_product){
            .m = run->count,
            .n = (end - phase) * width,
            .a = v + position * x->stride + run->first * x->row_stride,
            .a_stride = x->row_stride,
            .taps = 1,
            .length = w->x.channels,
            .b = w->packed + position * w->packed_stride + phase * width * w->x.channels,
            .c = m + position * y->stride + run->first * y->row_stride + phase * width,
            .c_stride = y->row_stride,
            .soon = if_asked(w, position, soon),
        });
    }
}

/* Rows of tiles first..end-1.  v: a worker's scratch */
static void convolve_rows(const winograd_work *w, int64_t first, int64_t end, float *v) {
    side x = w->x, y = w->y;
    choose_rows(&x, first, end);
    choose_rows(&y, first, end);
    float *m = v + x.size;
    w->kernels->winograd_split(IG_WINOGRAD_INPUT, &x.tiles, w->from_x, w->zeros, v);
    for (int64_t p = 0; p < w->positions; p++)
        for (tile_run run = {0}; next_run(w, &y, p, &run);) multiply_run(w, p, &run, v, m);
    w->kernels->winograd_join(IG_WINOGRAD_OUTPUT, &y.tiles, m, &w->end, w->out);
}

static void convolve_group(void *work, int64_t group, int worker) {
    const winograd_work *w = work;
    int64_t first = group * w->group;
    convolve_rows(w, first, ig_min(first + w->group, w->rows),
                  w->scratch + worker * w->scratch_size);
}

static void convolve_all(const winograd_work *w, float *v) {
    for (int64_t first = 0; first < w->rows; first += w->group)
        convolve_rows(w, first, ig_min(first + w->group, w->rows), v);
}

/* Transforms and packs weights for the filter, whose channels are those of the sides. */
static bool pack(ig_tape *tape, winograd_work *w, const ig_tensor *weight,
                 ig_winograd_filter filter) {
    filter.weight = weight->x;
    filter.in = w->x.channels;
    filter.out = w->y.channels;
    filter.in_phase = w->x.tiles.c;
    filter.out_phase = w->y.tiles.c;
    filter.form = w->form;
    filter.stride = spread(ig_packed_size(w->kernels, filter.in, filter.out));
    ig_layout layout = {weights_panel, w->kernels, {w->form, filter.flipped}};
    weights_work work = {w->kernels, filter};
    if (!ig_packed_make(tape, weight, layout, w->positions * filter.stride,
                        ig_panels(w->kernels, filter.out), &work, &work.filter.packed))
        return false;
    w->packed = work.filter.packed;
    w->packed_stride = filter.stride;
    return true;
}

/* Fills scratch with the images. */
static void make(const winograd_work *w, some_images images) {
    for (int64_t i = images.first; i < images.end; i++)
        w->made->make(w->made->of, i, images.fine + (i - images.first) * image_floats(&w->x));
}

static void convolve_made(void *work, int64_t piece, int worker) {
    winograd_work w = *(const winograd_work *)work;
    float *v = w.scratch + worker * w.scratch_size;
    some_images images = take_images(&w, piece * w.images, batch_of(&w), v + w.matrices);
    make(&w, images);
    int64_t place = images.first * image_floats(&w.y);
    w.rows = (images.end - images.first) * w.x.tiles.rows;
    w.from_x = images.fine;
    w.out += place;
    w.end = ig_epilogue_at(w.end, place);
    convolve_all(&w, v);
}

/* The images' gradients are convolved into scratch and taken; the images are made at `fine`, if it
   is not NULL. */
static void convolve_and_take(winograd_work w, some_images gradients, float *v, float *fine) {
    w.from_x += gradients.first * image_floats(&w.x);
    w.rows = (gradients.end - gradients.first) * w.x.tiles.rows;
    w.out = gradients.fine;
    convolve_all(&w, v);
    for (int64_t i = gradients.first; i < gradients.end; i++) {
        int64_t at = (i - gradients.first) * image_floats(&w.y);
        w.made->take(w.made->of, i, w.out + at, fine ? fine + at : NULL);
    }
}

static void convolve_taken(void *work, int64_t piece, int worker) {
    const winograd_work *w = work;
    float *v = w->scratch + worker * w->scratch_size;
    convolve_and_take(*w, take_images(w, piece * w->images, batch_of(w), v + w->matrices), v, NULL);
}

/* out = the convolution of w->from_x with the filter's weights, by one of the tasks above.
   fine: that of the two sides */
static bool convolve(ig_tape *tape, winograd_work *w, const ig_tensor *weight,
                     ig_winograd_filter filter, const side *fine, ig_task *by_images) {
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w->scratch_size = w->matrices + fine_scratch(w, fine);
    w->zeros = ig_tape_floats(tape, w->x.channels);
    w->scratch = ig_tape_floats(tape, ig_threads() * w->scratch_size);
    if (!w->zeros || !w->scratch || !pack(tape, w, weight, filter)) return false;
    memset(w->zeros, 0, (size_t)w->x.channels * sizeof(float));
    if (w->made) ig_parallel(ig_ceil_div(batch_of(w), w->images), by_images, w);
    else ig_parallel(ig_ceil_div(w->rows, w->group), convolve_group, w);
    ig_arena_release(tape->arena, mark);
    return true;
}

bool ig_winograd_to_coarse(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                           const float *fine, const ig_made_images *made, const ig_tensor *weight,
                           const ig_epilogue *end, float *coarse) {
    winograd_work w = start(form);
    w.made = made;
    w.x = fine_side(&w, s, s->pad);
    w.y = coarse_side(&w, s, 0);
    w.from_x = fine;
    w.end = *end;
    w.out = coarse;
    lay_out(&w, s->n, s->ho, s->wo);
    return convolve(tape, &w, weight,
                    (ig_winograd_filter){
                        .tap_stride = s->c, .in_stride = 1, .out_stride = s->kh * s->kw * s->c},
                    &w.x, convolve_made);
}

/* Phase a's outputs are the rows a - pad, a - pad + 2, ..., and columns likewise: which phases
   begin before the image or end behind it. */
static void find_outside(side *fine) {
    const ig_winograd_tiles *t = &fine->tiles;
    for (int axis = 0; axis < 2; axis++) {
        fine->no_first[axis] = t->pad > 1 ? 3 : (unsigned)t->pad;
        fine->no_last[axis] = ((axis ? t->w : t->h) + t->pad) % 2 ? 2 : 0;
    }
}

/* The adjoint is the convolution with flipped weights, padded by what the other is not: whole
   phases are computed, from the first row that a tap reaches, or with one phase the image. */
static winograd_work to_fine(const ig_conv_shape *s, ig_winograd_form form, const float *coarse,
                             const ig_made_images *made) {
    winograd_work w = start(form);
    w.made = made;
    int64_t cut = w.step == 1 ? s->pad : 0; /* outputs before the image that are not computed */
    w.x = coarse_side(&w, s, w.taps - 1 - cut);
    w.y = fine_side(&w, s, s->pad - cut);
    w.from_x = coarse;
    if (w.step == 2 && s->c % w.kernels->panel == 0) find_outside(&w.y);
    lay_out(&w, s->n, ig_ceil_div(s->h + s->pad - cut, w.step),
            ig_ceil_div(s->w + s->pad - cut, w.step));
    return w;
}

static ig_winograd_filter to_fine_filter(const ig_conv_shape *s) {
    return (ig_winograd_filter){
        .tap_stride = s->c, .in_stride = s->kh * s->kw * s->c, .out_stride = 1, .flipped = true};
}

bool ig_winograd_to_fine(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                         const float *coarse, const ig_tensor *weight, const ig_epilogue *end,
                         float *fine, const ig_made_images *made) {
    winograd_work w = to_fine(s, form, coarse, made);
    w.end = *end;
    w.out = fine;
    return convolve(tape, &w, weight, to_fine_filter(s), &w.y, convolve_taken);
}

/* ---- the weights' gradient ---- */

/* Weights that lead to a coarse channel. */
static int64_t weight_count(const winograd_work *w) {
    return w->taps * w->taps * w->x.channels;
}

/* sum = or += the product of a run's matrices, v and behind it, at a position */
static void sum_run(const winograd_work *w, int64_t position, const tile_run *run, const float *v,
                    float *sum, bool add) {
    const ig_winograd_tiles *x = &w->x.tiles, *y = &w->y.tiles;
    const float *z = v + w->x.size;
    const ig_soon soon[] = {behind(z, position, y->stride), behind(v, position, x->stride)};
    w->kernels->outer(&(ig_outer){
        .m = y->c,
        .n = x->row_stride,
        .rows = 1,
        .count = run->count,
        .a = z + position * y->stride + run->first * y->row_stride,
        .a_stride = y->row_stride,
        .b = v + position * x->stride + run->first * x->row_stride,
        .b_stride = x->row_stride,
        .c = sum,
        .c_stride = x->row_stride,
        .add = add,
        .soon = if_asked(w, position, soon),
    });
}

/* The same of all runs, y's tiles having been chosen. */
static void sum_position(const winograd_work *w, const side *y, int64_t position, const float *v,
                         float *sum, bool add) {
    for (tile_run run = {0}; next_run(w, y, position, &run);) {
        if (!run.phases) continue;
        sum_run(w, position, &run, v, sum, add);
        add = true;
    }
    if (!add) sum_run(w, position, &(tile_run){0}, v, sum, false); /* nothing: 0 */
}

/* Transforms rows of tiles of both sides.  v: both sides' matrices, of which these tiles' rows
   begin `tiles` rows further on */
static void split_rows(const winograd_work *w, int64_t first, int64_t end, float *v,
                       int64_t tiles) {
    side x = w->x, y = w->y;
    choose_rows(&x, first, end);
    choose_rows(&y, first, end);
    w->kernels->winograd_split(IG_WINOGRAD_INPUT, &x.tiles, w->from_x, w->zeros,
                               v + tiles * x.tiles.row_stride);
    w->kernels->winograd_split(IG_WINOGRAD_GRADIENT, &y.tiles, w->from_y, w->zeros,
                               v + x.size + tiles * y.tiles.row_stride);
}

/* Adds rows of tiles, or the first of them, to the sum: groups of tiles are multiplied into one
   product a position.  v: a worker's scratch */
static void sum_rows(const winograd_work *w, int64_t begin, int64_t end, float *v, bool add) {
    side y = w->y;
    float *sum = v + w->matrices;
    for (int64_t first = begin; first < end; first += w->group) {
        choose_rows(&y, first, ig_min(first + w->group, end));
        split_rows(w, first, ig_min(first + w->group, end), v, 0);
        for (int64_t p = 0; p < w->positions; p++)
            sum_position(w, &y, p, v, sum + p * w->weights.stride, add || first > begin);
    }
}

/* Makes some images at `fine` and, with `back`, takes their gradients, which lie behind them: the
   work on these images alone.  v: the matrices of the gradients' convolution */
static winograd_work make_part(const winograd_work *w, some_images images, float *v) {
    winograd_work part = *w;
    some_images gradients = images;
    gradients.fine += fine_scratch(w, &w->x);
    if (w->back) convolve_and_take(*w->back, gradients, v, images.fine);
    else make(w, images);
    part.rows = (images.end - images.first) * w->x.tiles.rows;
    part.from_x = images.fine;
    part.from_y += images.first * image_floats(&w->y);
    return part;
}

/* The sum over images that are made for it in scratch, behind the sum. */
static void sum_made(const winograd_work *w, int64_t begin, int64_t end, float *v) {
    float *fine = v + w->matrices + w->positions * w->weights.stride;
    for (int64_t first = begin; first < end; first += w->images) {
        winograd_work part = make_part(w, take_images(w, first, end, fine), v);
        sum_rows(&part, 0, part.rows, v, first > begin);
    }
}

/* One chunk's sum, transformed into weights (k kh kw c) */
static void weight_chunk(void *work, int64_t chunk, int worker) {
    const winograd_work *w = work;
    int64_t units = w->made ? batch_of(w) : w->rows;
    int64_t begin = chunk * units / w->chunks, end = (chunk + 1) * units / w->chunks;
    float *v = w->scratch + worker * w->scratch_size, *sum = v + w->matrices;
    if (w->made) sum_made(w, begin, end, v);
    else sum_rows(w, begin, end, v, false);
    float *partial = w->partial + chunk * weight_count(w) * w->y.tiles.c;
    w->kernels->winograd_join(IG_WINOGRAD_WEIGHTS_GRADIENT, &w->weights, sum, &(ig_epilogue){0},
                              partial);
}

/* gw of one coarse channel = or += the chunks' sums, in their order */
static void reduce_weights(void *work, int64_t k, int worker) {
    (void)worker;
    const winograd_work *w = work;
    int64_t count = weight_count(w);
    float *gw = w->out + k * count;
    if (!w->add) memset(gw, 0, (size_t)count * sizeof(float));
    for (int64_t c = 0; c < w->chunks; c++) {
        const float *partial = w->partial + (c * w->weights.end + k) * count;
        for (int64_t i = 0; i < count; i++) gw[i] += partial[i];
    }
}

/* gw = or += the gradient, in chunks. */
static bool sum_chunks(ig_tape *tape, winograd_work *w) {
    if (w->back) w->matrices = ig_max(w->matrices, w->back->matrices);
    w->scratch_size =
        w->matrices + w->positions * w->weights.stride + (w->back ? 2 : 1) * fine_scratch(w, &w->x);
    w->partial = ig_tape_floats(tape, w->chunks * w->y.tiles.c * weight_count(w));
    w->scratch = ig_tape_floats(tape, ig_threads() * w->scratch_size);
    if (!w->partial || !w->scratch) return false;
    ig_parallel(w->chunks, weight_chunk, w);
    ig_parallel(w->y.tiles.c, reduce_weights, w);
    return true;
}

/* ---- the weights' gradient of all tiles at once ---- */

static float *kept_matrices(const winograd_work *w) {
    return w->sum + w->positions * w->weights.stride;
}

static void keep_chunk(void *work, int64_t chunk, int worker) {
    const winograd_work *w = work;
    float *v = w->scratch + worker * w->scratch_size;
    float *fine = v + (w->back ? w->back->matrices : 0);
    int64_t first = chunk * w->images;
    winograd_work part = make_part(w, take_images(w, first, batch_of(w), fine), v);
    split_rows(&part, 0, part.rows, kept_matrices(w), first * w->x.tiles.rows * w->x.tiles.columns);
}

static void sum_kept(void *work, int64_t position, int worker) {
    (void)worker;
    const winograd_work *w = work;
    side y = w->y;
    choose_rows(&y, 0, w->rows);
    sum_position(w, &y, position, kept_matrices(w), w->sum + position * w->weights.stride, false);
}

/* gw of one coarse channel = or += the sum, transformed into weights */
static void join_weights(void *work, int64_t k, int worker) {
    (void)worker;
    const winograd_work *w = work;
    ig_winograd_tiles channel = w->weights;
    channel.first = k;
    channel.end = k + 1;
    const ig_epilogue end = {.added = w->add ? w->out : NULL};
    w->kernels->winograd_join(IG_WINOGRAD_WEIGHTS_GRADIENT, &channel,
                              w->sum + k * channel.row_stride, &end, w->out);
}

/* gw = or += the gradient, all tiles' matrices being kept. */
static bool sum_at_once(ig_tape *tape, winograd_work *w) {
    w->scratch_size = (w->back ? w->back->matrices : 0) + 2 * fine_scratch(w, &w->x);
    w->scratch = ig_tape_floats(tape, ig_threads() * w->scratch_size);
    w->sum = ig_tape_floats(tape, w->positions * w->weights.stride + w->matrices);
    if (!w->scratch || !w->sum) return false;
    ig_parallel(w->chunks, keep_chunk, w);
    ig_parallel(w->positions, sum_kept, w);
    ig_parallel(w->y.tiles.c, join_weights, w);
    return true;
}

/* ---- both ways of it ---- */

/* A tile for each coarse channel, which holds its weights. */
static ig_winograd_tiles weight_tiles(const winograd_work *w, const ig_conv_shape *s) {
    ig_winograd_tiles t = {.form = w->form, .h = s->kh, .w = s->kw, .c = s->c, .step = w->step};
    t.rows = t.columns = t.whole_rows = t.whole_columns = 1;
    t.row_bands = t.column_bands = (ig_winograd_bands){1, {1}};
    t.end = s->k;
    t.row_stride = w->x.tiles.row_stride;
    t.stride = spread(s->k * t.row_stride);
    return t;
}

/* Chunks of nearly equal size, whose groups are of nearly equal size; or the pieces of images whose
   matrices are kept. */
static void cut_chunks(winograd_work *w) {
    int64_t enough = w->rows * w->x.tiles.columns / CHUNK_TILES;
    int64_t most = w->made ? batch_of(w) : w->rows;
    w->chunks = ig_min(ig_min(ig_max(enough, LEAST_CHUNKS), MOST_CHUNKS), most);
    if (is_summed_at_once(w)) w->chunks = ig_ceil_div(most, w->images);
    if (w->rows == 0 || w->made) return;
    int64_t rows = ig_ceil_div(w->rows, w->chunks);
    w->group = ig_ceil_div(rows, ig_ceil_div(rows, w->group));
}

/* Has the chunks give the images' gradients as well. Where threads outnumber them, that comes first
   and in smaller pieces. */
static bool add_gradients(ig_tape *tape, const ig_conv_shape *s, const ig_tensor *weight,
                          winograd_work *w, winograd_work *back) {
    if (w->chunks < ig_threads())
        return ig_winograd_to_fine(tape, s, w->form, w->from_y, weight, &(ig_epilogue){0}, NULL,
                                   w->made);
    *back = to_fine(s, w->form, w->from_y, w->made);
    back->zeros = w->zeros;
    w->back = back;
    return pack(tape, back, weight, to_fine_filter(s));
}

bool ig_winograd_to_weight(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                           const float *fine, const ig_made_images *made, const float *coarse,
                           const ig_tensor *weight, float *gw, bool add) {
    winograd_work w = start(form), back;
    w.made = made;
    w.x = fine_side(&w, s, s->pad);
    w.y = coarse_side(&w, s, 0);
    w.from_x = fine;
    w.from_y = coarse;
    w.out = gw;
    w.add = add;
    lay_out(&w, s->n, s->ho, s->wo);
    cut_chunks(&w);
    w.weights = weight_tiles(&w, s);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w.zeros = ig_tape_floats(tape, ig_max(s->c, s->k));
    if (!w.zeros) return false;
    memset(w.zeros, 0, (size_t)ig_max(s->c, s->k) * sizeof(float));
    if (weight && !add_gradients(tape, s, weight, &w, &back)) return false;
    if (!(is_summed_at_once(&w) ? sum_at_once : sum_chunks)(tape, &w)) return false;
    ig_arena_release(tape->arena, mark);
    return true;
}

/* ---- the choice ---- */

bool ig_winograd_fits(ig_winograd_form form, const ig_conv_shape *s) {
    int64_t kernel = form == IG_WINOGRAD_F4X4_2X2 ? 4 : 3, stride = kernel == 4 ? 2 : 1;
    bool phases_fit = stride == 1 || s->c % 16 == 0;
    return form && s->kh == kernel && s->kw == kernel && s->stride == stride && s->pad < kernel &&
           phases_fit;
}

/* Results that tiles of 7x7 fit: of more, the larger transforms take what products save. */
static bool is_of_sevens(const ig_conv_shape *s) {
    return s->ho % 7 == 0 && s->wo % 7 == 0 && s->ho * s->wo <= 14 * 14;
}

ig_winograd_form ig_winograd_choose(const ig_conv_shape *s, bool normed) {
    if (s->c < 16 || s->k < 16) return IG_WINOGRAD_NONE;
    if (normed && is_of_sevens(s) && ig_winograd_fits(IG_WINOGRAD_F7X7_3X3, s))
        return IG_WINOGRAD_F7X7_3X3;
    if (ig_winograd_fits(IG_WINOGRAD_F4X4_3X3, s)) return IG_WINOGRAD_F4X4_3X3;
    if (ig_winograd_fits(IG_WINOGRAD_F4X4_2X2, s)) return IG_WINOGRAD_F4X4_2X2;
    return IG_WINOGRAD_NONE;
}
