/* The weights' gradient by Winograd's forms: sums over chunks of tiles, or over all at once. */
#include <string.h>

#include "core/thread.h"
#include "core/whole.h"
#include "core/winograd.h"
#include "core/winograd_work.h"

enum {
    /* tiles are summed in chunks, each of which takes as long to transform as some tens of tiles */
    CHUNK_TILES = 256,
    LEAST_CHUNKS = 4,
    MOST_CHUNKS = 16,
};

/* Weights that lead to a coarse channel. */
static int64_t weight_count(const ig_winograd_work *w) {
    return w->taps * w->taps * w->x.channels;
}

/* sum = or += the product of a run's matrices, v and behind it, at a position */
static void sum_run(const ig_winograd_work *w, int64_t position, const ig_winograd_run *run,
                    const float *v, float *sum, bool add) {
    const ig_winograd_tiles *x = &w->x.tiles, *y = &w->y.tiles;
    const float *z = v + w->y.at;
    const ig_soon soon[] = {ig_winograd_behind(z, position, y->stride),
                            ig_winograd_behind(v, position, x->stride)};
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
        .soon = ig_winograd_if_asked(w, position, soon),
    });
}

/* The same of all runs, y's tiles having been chosen. */
static void sum_position(const ig_winograd_work *w, const ig_winograd_side *y, int64_t position,
                         const float *v, float *sum, bool add) {
    for (ig_winograd_run run = {0}; ig_winograd_next_run(w, y, position, &run);) {
        if (!run.phases) continue;
        sum_run(w, position, &run, v, sum, add);
        add = true;
    }
    if (!add) sum_run(w, position, &(ig_winograd_run){0}, v, sum, false); /* nothing: 0 */
}

/* Transforms rows of tiles of both sides.  v: both sides' matrices, of which these tiles' rows
   begin `tiles` rows further on */
static void split_rows(const ig_winograd_work *w, int64_t first, int64_t end, float *v,
                       int64_t tiles) {
    ig_winograd_side x = w->x, y = w->y;
    ig_winograd_choose_rows(&x, first, end);
    ig_winograd_choose_rows(&y, first, end);
    w->kernels->winograd_split(IG_WINOGRAD_INPUT, &x.tiles, w->from_x, w->zeros,
                               v + tiles * x.tiles.row_stride);
    w->kernels->winograd_split(IG_WINOGRAD_GRADIENT, &y.tiles, w->from_y, w->zeros,
                               v + y.at + tiles * y.tiles.row_stride);
}

/* Of images first..end-1. */
static void sum_biases(const ig_winograd_work *w, int64_t first, int64_t end) {
    for (int64_t n = first; w->sums->bias && n < end; n++) ig_bias_of_image(w->sums->bias, n);
}

/* Adds rows of tiles, or the first of them, to the sum: groups of tiles are multiplied into one
   product a position.  v: a worker's scratch */
static void sum_rows(const ig_winograd_work *w, int64_t begin, int64_t end, float *v, bool add) {
    ig_winograd_side y = w->y;
    float *sum = v + w->matrices;
    int64_t rows = y.tiles.rows; /* of an image */
    for (int64_t first = begin; first < end; first += w->group) {
        int64_t last = ig_min(first + w->group, end);
        ig_winograd_choose_rows(&y, first, last);
        if (!w->made) sum_biases(w, ig_ceil_div(first, rows), ig_ceil_div(last, rows));
        split_rows(w, first, last, v, 0);
        for (int64_t p = 0; p < w->positions; p++)
            sum_position(w, &y, p, v, sum + p * w->weights.stride, add || first > begin);
    }
}

/* Makes some images at `fine` and, with `back`, takes their gradients, which lie behind them: the
   work on these images alone.  v: the matrices of the gradients' convolution */
static ig_winograd_work make_part(const ig_winograd_work *w, ig_winograd_images images, float *v) {
    ig_winograd_work part = *w;
    ig_winograd_images gradients = images;
    sum_biases(w, images.first, images.end);
    gradients.fine += ig_winograd_fine_scratch(w, &w->x);
    if (w->back) ig_winograd_convolve_and_take(*w->back, gradients, v, images.fine);
    else ig_winograd_make(w, images);
    part.rows = (images.end - images.first) * w->x.tiles.rows;
    part.from_x = images.fine;
    part.from_y += images.first * ig_winograd_image_floats(&w->y);
    return part;
}

/* The sum over images that are made for it in scratch, behind the sum. */
static void sum_made(const ig_winograd_work *w, int64_t begin, int64_t end, float *v) {
    float *fine = v + w->matrices + w->positions * w->weights.stride;
    for (int64_t first = begin; first < end; first += w->images) {
        ig_winograd_images images = {first, ig_min(first + w->images, end), fine};
        ig_winograd_work part = make_part(w, images, v);
        sum_rows(&part, 0, part.rows, v, first > begin);
    }
}

/* One chunk's sum, transformed into weights (k kh kw c) */
static void weight_chunk(void *work, int64_t chunk, int worker) {
    const ig_winograd_work *w = work;
    int64_t units = w->made ? ig_winograd_batch(w) : w->rows;
    int64_t begin = chunk * units / w->chunks, end = (chunk + 1) * units / w->chunks;
    float *v = ig_scratch_of(&w->scratch, worker), *sum = v + w->matrices;
    if (w->made) sum_made(w, begin, end, v);
    else sum_rows(w, begin, end, v, false);
    float *partial = w->partial + chunk * weight_count(w) * w->y.tiles.c;
    w->kernels->winograd_join(IG_WINOGRAD_WEIGHTS_GRADIENT, &w->weights, sum, &(ig_epilogue){0},
                              partial);
}

/* gw of one coarse channel = or += the chunks' sums, in their order */
static void reduce_weights(void *work, int64_t k, int worker) {
    (void)worker;
    const ig_winograd_work *w = work;
    int64_t count = weight_count(w);
    float *gw = w->sums->gw + k * count;
    if (!w->sums->add) memset(gw, 0, (size_t)count * sizeof(float));
    for (int64_t c = 0; c < w->chunks; c++) {
        const float *partial = w->partial + (c * w->weights.end + k) * count;
        for (int64_t i = 0; i < count; i++) gw[i] += partial[i];
    }
}

/* Floats of the images that a worker makes and, with `back`, of their gradients. */
static int64_t made_scratch(const ig_winograd_work *w) {
    return (w->back ? 2 : 1) * ig_winograd_fine_scratch(w, &w->x);
}

/* gw = or += the gradient, in chunks. */
static bool sum_chunks(ig_tape *tape, ig_winograd_work *w) {
    if (w->back) w->matrices = ig_max(w->matrices, w->back->matrices);
    int64_t scratch = w->matrices + w->positions * w->weights.stride + made_scratch(w);
    w->partial = ig_tape_floats(tape, w->chunks * w->y.tiles.c * weight_count(w));
    if (!w->partial || !ig_tape_scratch(tape, scratch, &w->scratch)) return false;
    ig_parallel(w->chunks, weight_chunk, w);
    ig_parallel(w->y.tiles.c, reduce_weights, w);
    return true;
}

/* ---- the weights' gradient of all tiles at once ---- */

static float *kept_matrices(const ig_winograd_work *w) {
    return w->sum + w->positions * w->weights.stride;
}

static void keep_chunk(void *work, int64_t chunk, int worker) {
    const ig_winograd_work *w = work;
    float *v = ig_scratch_of(&w->scratch, worker);
    float *fine = v + (w->back ? w->back->matrices : 0);
    ig_winograd_images images = ig_winograd_take_chunk(w, chunk, fine);
    ig_winograd_work part = make_part(w, images, v);
    split_rows(&part, 0, part.rows, kept_matrices(w),
               images.first * w->x.tiles.rows * w->x.tiles.columns);
}

static void sum_kept(void *work, int64_t position, int worker) {
    (void)worker;
    const ig_winograd_work *w = work;
    ig_winograd_side y = w->y;
    ig_winograd_choose_rows(&y, 0, w->rows);
    sum_position(w, &y, position, kept_matrices(w), w->sum + position * w->weights.stride, false);
}

/* gw of one coarse channel = or += the sum, transformed into weights */
static void join_weights(void *work, int64_t k, int worker) {
    (void)worker;
    const ig_winograd_work *w = work;
    ig_winograd_tiles channel = w->weights;
    channel.first = k;
    channel.end = k + 1;
    const ig_epilogue end = {.added = w->sums->add ? w->sums->gw : NULL};
    w->kernels->winograd_join(IG_WINOGRAD_WEIGHTS_GRADIENT, &channel,
                              w->sum + k * channel.row_stride, &end, w->sums->gw);
}

/* gw = or += the gradient, all tiles' matrices being kept. */
static bool sum_at_once(ig_tape *tape, ig_winograd_work *w) {
    int64_t scratch = (w->back ? w->back->matrices : 0) + made_scratch(w);
    w->sum = ig_tape_floats(tape, w->positions * w->weights.stride + w->matrices);
    if (!w->sum || !ig_tape_scratch(tape, scratch, &w->scratch)) return false;
    ig_parallel(w->chunks, keep_chunk, w);
    ig_parallel(w->positions, sum_kept, w);
    ig_parallel(w->y.tiles.c, join_weights, w);
    return true;
}

/* ---- both ways of it ---- */

/* A tile for each coarse channel, which holds its weights. */
static ig_winograd_tiles weight_tiles(const ig_winograd_work *w, const ig_conv_shape *s) {
    ig_winograd_tiles t = {.form = w->form, .h = s->kh, .w = s->kw, .c = s->c, .step = w->step};
    t.rows = t.columns = t.whole_rows = t.whole_columns = 1;
    t.row_bands = t.column_bands = (ig_winograd_bands){1, {1}};
    t.end = s->k;
    t.row_stride = w->x.tiles.row_stride;
    t.stride = ig_spread(s->k * t.row_stride);
    return t;
}

/* Chunks of nearly equal size, whose groups are of nearly equal size; or the pieces of images whose
   matrices are kept. */
static void cut_chunks(ig_winograd_work *w) {
    int64_t enough = w->rows * w->x.tiles.columns / CHUNK_TILES;
    int64_t most = w->made ? ig_winograd_batch(w) : w->rows;
    if (!ig_winograd_at_once(w))
        w->chunks = ig_min(ig_min(ig_max(enough, LEAST_CHUNKS), MOST_CHUNKS), most);
    if (w->rows == 0 || w->made) return;
    int64_t rows = ig_ceil_div(w->rows, w->chunks);
    w->group = ig_ceil_div(rows, ig_ceil_div(rows, w->group));
}

/* Has the chunks give the images' gradients as well. Where threads outnumber them, that comes first
   and in smaller pieces. */
static bool add_gradients(ig_tape *tape, const ig_conv_shape *s, const ig_tensor *weight,
                          ig_winograd_work *w, ig_winograd_work *back) {
    if (w->chunks < ig_threads())
        return ig_winograd_to_fine(tape, s, w->form, w->from_y, weight, &(ig_epilogue){0}, NULL,
                                   w->made);
    *back = ig_winograd_adjoint(s, w->form, w->from_y, w->made);
    back->zeros = w->zeros;
    w->back = back;
    return ig_winograd_pack_adjoint(tape, back, s, weight);
}

bool ig_winograd_to_weight(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                           const float *fine, const ig_made_images *made, const float *coarse,
                           const ig_tensor *weight, const ig_conv_sums *sums) {
    ig_winograd_work w = ig_winograd_start(form), back;
    w.made = made;
    w.x = ig_winograd_fine_side(&w, s, s->pad);
    w.y = ig_winograd_coarse_side(&w, s, 0);
    w.from_x = fine;
    w.from_y = coarse;
    w.sums = sums;
    ig_winograd_lay_out(&w, s->n, s->ho, s->wo);
    cut_chunks(&w);
    w.weights = weight_tiles(&w, s);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w.zeros = ig_tape_floats(tape, ig_max(s->c, s->k));
    if (!w.zeros) return false;
    memset(w.zeros, 0, (size_t)ig_max(s->c, s->k) * sizeof(float));
    if (weight && !add_gradients(tape, s, weight, &w, &back)) return false;
    if (!(ig_winograd_at_once(&w) ? sum_at_once : sum_chunks)(tape, &w)) return false;
    ig_arena_release(tape->arena, mark);
    return true;
}
