/* Convolutions by Winograd's forms, both ways, and the choice of a form. */
#include "core/winograd.h"

#include <string.h>

#include "core/packed.h"
#include "core/thread.h"
#include "core/whole.h"
#include "core/winograd_work.h"

typedef struct {
    const ig_kernels *kernels;
    ig_winograd_filter filter;
} weights_work;

static void weights_panel(void *work, int64_t panel, int worker) {
    (void)worker;
    const weights_work *w = work;
    w->kernels->winograd_weights(&w->filter, panel);
}

/* A run of tiles times the weights of each run of phases.  v: matrices of both sides */
static void multiply_run(const ig_winograd_work *w, int64_t position, const ig_winograd_run *run,
                         float *v) {
    const ig_winograd_tiles *x = &w->x.tiles, *y = &w->y.tiles;
    int64_t phases = y->step * y->step, width = y->row_stride / phases, end;
    const float *from = v + w->x.at;
    float *to = v + w->y.at;
    const ig_soon soon[] = {ig_winograd_behind(from, position, x->stride),
                            ig_winograd_behind(w->packed, position, w->packed_stride)};
    for (int64_t phase = 0; phase < phases; phase = end + 1) {
        for (end = phase; run->phases >> end & 1; end++)
            ;
        if (end == phase) continue;
        w->kernels->product(&(ig_product){
            .m = run->count,
            .n = (end - phase) * width,
            .a = from + position * x->stride + run->first * x->row_stride,
            .a_stride = x->row_stride,
            .taps = 1,
            .length = w->x.channels,
            .b = w->packed + position * w->packed_stride + phase * width * w->x.channels,
            .c = to + position * y->stride + run->first * y->row_stride + phase * width,
            .c_stride = y->row_stride,
            .soon = ig_winograd_if_asked(w, position, soon),
        });
    }
}

/* Rows of tiles first..end-1.  v: a worker's scratch */
static void convolve_rows(const ig_winograd_work *w, int64_t first, int64_t end, float *v) {
    ig_winograd_side x = w->x, y = w->y;
    ig_winograd_choose_rows(&x, first, end);
    ig_winograd_choose_rows(&y, first, end);
    w->kernels->winograd_split(IG_WINOGRAD_INPUT, &x.tiles, w->from_x, w->zeros, v + x.at);
    for (int64_t p = 0; p < w->positions; p++)
        for (ig_winograd_run run = {0}; ig_winograd_next_run(w, &y, p, &run);)
            multiply_run(w, p, &run, v);
    w->kernels->winograd_join(IG_WINOGRAD_OUTPUT, &y.tiles, v + y.at, &w->end, w->out);
}

static void convolve_group(void *work, int64_t chunk, int worker) {
    const ig_winograd_work *w = work;
    convolve_rows(w, chunk * w->rows / w->chunks, (chunk + 1) * w->rows / w->chunks,
                  ig_scratch_of(&w->scratch, worker));
}

static void convolve_all(const ig_winograd_work *w, float *v) {
    for (int64_t first = 0; first < w->rows; first += w->group)
        convolve_rows(w, first, ig_min(first + w->group, w->rows), v);
}

/* Transforms and packs weights for the filter, whose channels are those of the sides. */
static bool pack(ig_tape *tape, ig_winograd_work *w, const ig_tensor *weight,
                 ig_winograd_filter filter) {
    filter.weight = weight->x;
    filter.in = w->x.channels;
    filter.out = w->y.channels;
    filter.in_phase = w->x.tiles.c;
    filter.out_phase = w->y.tiles.c;
    filter.form = w->form;
    filter.stride = ig_spread(ig_packed_size(w->kernels, filter.in, filter.out));
    ig_layout layout = {weights_panel, w->kernels, {w->form, filter.flipped}};
    weights_work work = {w->kernels, filter};
    if (!ig_packed_make(tape, weight, layout, w->positions * filter.stride,
                        ig_panels(w->kernels, filter.out), &work, &work.filter.packed))
        return false;
    w->packed = work.filter.packed;
    w->packed_stride = filter.stride;
    return true;
}

void ig_winograd_make(const ig_winograd_work *w, ig_winograd_images images) {
    for (int64_t i = images.first; i < images.end; i++)
        w->made->make(w->made->of, i,
                      images.fine + (i - images.first) * ig_winograd_image_floats(&w->x));
}

static void convolve_made(void *work, int64_t chunk, int worker) {
    ig_winograd_work w = *(const ig_winograd_work *)work;
    float *v = ig_scratch_of(&w.scratch, worker);
    ig_winograd_images images = ig_winograd_take_chunk(&w, chunk, v + w.matrices);
    ig_winograd_make(&w, images);
    int64_t place = images.first * ig_winograd_image_floats(&w.y);
    w.rows = (images.end - images.first) * w.x.tiles.rows;
    w.from_x = images.fine;
    w.out += place;
    w.end = ig_epilogue_at(w.end, place);
    convolve_all(&w, v);
}

void ig_winograd_convolve_and_take(ig_winograd_work w, ig_winograd_images gradients, float *v,
                                   float *fine) {
    w.from_x += gradients.first * ig_winograd_image_floats(&w.x);
    w.rows = (gradients.end - gradients.first) * w.x.tiles.rows;
    w.out = gradients.fine;
    convolve_all(&w, v);
    for (int64_t i = gradients.first; i < gradients.end; i++) {
        int64_t at = (i - gradients.first) * ig_winograd_image_floats(&w.y);
        w.made->take(w.made->of, i, w.out + at, fine ? fine + at : NULL);
    }
}

static void convolve_taken(void *work, int64_t chunk, int worker) {
    const ig_winograd_work *w = work;
    float *v = ig_scratch_of(&w->scratch, worker);
    ig_winograd_convolve_and_take(*w, ig_winograd_take_chunk(w, chunk, v + w->matrices), v, NULL);
}

/* out = the convolution of w->from_x with the filter's weights, by one of the tasks above.
   fine: that of the two sides */
static bool convolve(ig_tape *tape, ig_winograd_work *w, const ig_tensor *weight,
                     ig_winograd_filter filter, const ig_winograd_side *fine, ig_task *by_images) {
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    int64_t scratch = w->matrices + ig_winograd_fine_scratch(w, fine);
    w->zeros = ig_tape_floats(tape, w->x.channels);
    if (!w->zeros || !ig_tape_scratch(tape, scratch, &w->scratch) || !pack(tape, w, weight, filter))
        return false;
    memset(w->zeros, 0, (size_t)w->x.channels * sizeof(float));
    ig_parallel(w->chunks, w->made ? by_images : convolve_group, w);
    ig_arena_release(tape->arena, mark);
    return true;
}

bool ig_winograd_to_coarse(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                           const float *fine, const ig_made_images *made, const ig_tensor *weight,
                           const ig_epilogue *end, float *coarse) {
    ig_winograd_work w = ig_winograd_start(form);
    w.made = made;
    w.x = ig_winograd_fine_side(&w, s, s->pad);
    w.y = ig_winograd_coarse_side(&w, s, 0);
    w.from_x = fine;
    w.end = *end;
    w.out = coarse;
    ig_winograd_lay_out(&w, s->n, s->ho, s->wo);
    return convolve(tape, &w, weight,
                    (ig_winograd_filter){
                        .tap_stride = s->c, .in_stride = 1, .out_stride = s->kh * s->kw * s->c},
                    &w.x, convolve_made);
}

/* Phase a's outputs are the rows a - pad, a - pad + 2, ..., and columns likewise: which phases
   begin before the image or end behind it. */
static void find_outside(ig_winograd_side *fine) {
    const ig_winograd_tiles *t = &fine->tiles;
    for (int axis = 0; axis < 2; axis++) {
        fine->no_first[axis] = t->pad > 1 ? 3 : (unsigned)t->pad;
        fine->no_last[axis] = ((axis ? t->w : t->h) + t->pad) % 2 ? 2 : 0;
    }
}

ig_winograd_work ig_winograd_adjoint(const ig_conv_shape *s, ig_winograd_form form,
                                     const float *coarse, const ig_made_images *made) {
    ig_winograd_work w = ig_winograd_start(form);
    w.made = made;
    int64_t cut = w.step == 1 ? s->pad : 0; /* outputs before the image that are not computed */
    w.x = ig_winograd_coarse_side(&w, s, w.taps - 1 - cut);
    w.y = ig_winograd_fine_side(&w, s, s->pad - cut);
    w.from_x = coarse;
    if (w.step == 2 && s->c % w.kernels->panel == 0) find_outside(&w.y);
    ig_winograd_lay_out(&w, s->n, ig_ceil_div(s->h + s->pad - cut, w.step),
                        ig_ceil_div(s->w + s->pad - cut, w.step));
    return w;
}

static ig_winograd_filter adjoint_filter(const ig_conv_shape *s) {
    return (ig_winograd_filter){
        .tap_stride = s->c, .in_stride = s->kh * s->kw * s->c, .out_stride = 1, .flipped = true};
}

bool ig_winograd_pack_adjoint(ig_tape *tape, ig_winograd_work *w, const ig_conv_shape *s,
                              const ig_tensor *weight) {
    return pack(tape, w, weight, adjoint_filter(s));
}

bool ig_winograd_to_fine(ig_tape *tape, const ig_conv_shape *s, ig_winograd_form form,
                         const float *coarse, const ig_tensor *weight, const ig_epilogue *end,
                         float *fine, const ig_made_images *made) {
    ig_winograd_work w = ig_winograd_adjoint(s, form, coarse, made);
    w.end = *end;
    w.out = fine;
    return convolve(tape, &w, weight, adjoint_filter(s), &w.y, convolve_taken);
}

/* ---- the choice ---- */

bool ig_winograd_fits(ig_winograd_form form, const ig_conv_shape *s) {
    int64_t kernel = form == IG_WINOGRAD_F4X4_2X2 ? 4 : 3, stride = kernel == 4 ? 2 : 1;
    bool phases_fit = stride == 1 || s->c % 16 == 0;
    return form && s->kh == kernel && s->kw == kernel && s->stride == stride && s->pad < kernel &&
           phases_fit;
}

/* Results that tiles of 7x7 fit. */
static bool is_of_sevens(const ig_conv_shape *s) {
    return s->ho % 7 == 0 && s->wo % 7 == 0;
}

ig_winograd_form ig_winograd_choose(const ig_conv_shape *s, bool normed) {
    if (s->c < 16 || s->k < 16) return IG_WINOGRAD_NONE;
    if (normed && is_of_sevens(s) && ig_winograd_fits(IG_WINOGRAD_F7X7_3X3, s))
        return IG_WINOGRAD_F7X7_3X3;
    if (ig_winograd_fits(IG_WINOGRAD_F4X4_3X3, s)) return IG_WINOGRAD_F4X4_3X3;
    if (ig_winograd_fits(IG_WINOGRAD_F4X4_2X2, s)) return IG_WINOGRAD_F4X4_2X2;
    return IG_WINOGRAD_NONE;
}
