/* Convolutions from the coarse image to the fine one, on the packed matrix product. */
#include "core/conv_work.h"
#include "core/packed.h"
#include "core/thread.h"
#include "core/whole.h"
#include "core/winograd.h"

/* ---- by phases ----
   The fine pixels y = stride i + phase are reached by the taps ky = start + stride t, start =
   (phase + pad) mod stride, from the coarse rows i + shift - t, shift = (phase + pad - start) /
   stride: for each phase a convolution of stride 1. */

typedef struct {
    int64_t start, taps, shift;
} axis_phase;

static axis_phase phase_of(int64_t phase, int64_t kernel, const ig_conv_shape *s) {
    int64_t start = (phase + s->pad) % s->stride;
    int64_t taps = start < kernel ? ig_ceil_div(kernel - start, s->stride) : 0;
    return (axis_phase){start, taps, (phase + s->pad - start) / s->stride};
}

/* Coarse rows (or columns) before the first fine one that some phase reads, and how many in all are
   read for `count` fine positions of each phase. */
static int64_t lead(int64_t kernel, const ig_conv_shape *s) {
    int64_t most = 0;
    for (int64_t p = 0; p < s->stride; p++) {
        axis_phase a = phase_of(p, kernel, s);
        if (a.taps > 0) most = ig_max(most, a.taps - 1 - a.shift);
    }
    return most;
}

static int64_t span(int64_t kernel, int64_t count, const ig_conv_shape *s) {
    return lead(kernel, s) + count + (s->stride - 1 + s->pad) / s->stride;
}

/* One phase: where the weights of its taps begin among the packed, and where its first fine
   position reads the padded image. */
typedef struct ig_conv_phase {
    axis_phase y, x;
    int64_t packed, row, column;
} fine_phase;

static int64_t packed_columns(const ig_conv_work *w) {
    return ig_ceil_div(w->s.c, w->panel) * w->panel;
}

/* Finds the phases, and the floats of their packed weights. */
static bool find_phases(ig_tape *tape, ig_conv_work *w, int64_t *packed) {
    const ig_conv_shape *s = &w->s;
    w->lead_rows = lead(s->kh, s);
    w->lead_columns = lead(s->kw, s);
    w->phases = ig_tape_alloc(tape, (size_t)(s->stride * s->stride) * sizeof *w->phases);
    *packed = 0;
    for (int64_t i = 0; w->phases && i < s->stride * s->stride; i++) {
        axis_phase y = phase_of(i / s->stride, s->kh, s), x = phase_of(i % s->stride, s->kw, s);
        w->phases[i] = (fine_phase){y, x, *packed, y.shift - (y.taps - 1) + w->lead_rows,
                                    x.shift - (x.taps - 1) + w->lead_columns};
        *packed += y.taps * x.taps * s->k * packed_columns(w);
    }
    return w->phases;
}

/* The weights of one phase as a matrix (tap rows, tap columns, k) x c, taps in the order in which
   the coarse image is read. A row of it is a row of `weight`, so it is packed row by row. */
static void pack_phase(void *work, int64_t phase, int worker) {
    (void)worker;
    ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    const fine_phase *p = &w->phases[phase];
    int64_t panel = w->panel, rows = p->y.taps * p->x.taps * s->k, row = 0;
    float *dst = w->packed + p->packed;
    for (int64_t ty = p->y.taps - 1; ty >= 0; ty--)
        for (int64_t tx = p->x.taps - 1; tx >= 0; tx--)
            for (int64_t k = 0; k < s->k; k++, row++) {
                const float *src = w->weight + ((k * s->kh + p->y.start + ty * s->stride) * s->kw +
                                                p->x.start + tx * s->stride) *
                                                   s->c;
                for (int64_t c = 0; c < packed_columns(w); c++)
                    dst[(c / panel * rows + row) * panel + c % panel] = c < s->c ? src[c] : 0.0f;
            }
}

/* One row of fine pixels of one phase: y = stride i + py, x = stride j + px for all j. */
static void fine_row(const ig_conv_work *w, int64_t image, int64_t i, int64_t first, int64_t phase,
                     const float *padded, int64_t columns) {
    const ig_conv_shape *s = &w->s;
    const fine_phase *p = &w->phases[phase];
    int64_t y = i * s->stride + phase / s->stride, x = phase % s->stride;
    if (y >= s->h || x >= s->w) return;
    int64_t place = ((image * s->h + y) * s->w + x) * s->c;
    bool any = p->y.taps > 0 && p->x.taps > 0;
    w->product(&(ig_product){
        .m = ig_ceil_div(s->w - x, s->stride),
        .n = s->c,
        .a = any ? padded + ((i - first + p->row) * columns + p->column) * s->k : padded,
        .a_stride = s->k,
        .taps = any ? p->y.taps : 0,
        .tap_stride = columns * s->k,
        .length = p->x.taps * s->k,
        .b = w->packed + p->packed,
        .c = w->out + place,
        .c_stride = s->stride * s->c,
        .end = ig_epilogue_at(w->end, place),
    });
}

static void fine_band(void *work, int64_t chunk, int worker) {
    const ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t image = chunk / w->bands, first = chunk % w->bands * IG_CONV_BAND;
    int64_t rows = ig_min(IG_CONV_BAND, ig_ceil_div(s->h, s->stride) - first);
    int64_t columns = span(s->kw, ig_ceil_div(s->w, s->stride), s);
    float *padded = ig_conv_scratch(w, worker);
    ig_conv_copy_padded(w->coarse + image * s->ho * s->wo * s->k, s->ho, s->wo, s->k,
                        first - w->lead_rows, span(s->kh, rows, s), -w->lead_columns, columns,
                        padded);
    for (int64_t i = first; i < first + rows; i++)
        for (int64_t phase = 0; phase < s->stride * s->stride; phase++)
            fine_row(w, image, i, first, phase, padded, columns);
}

static bool pack_phases(ig_tape *tape, ig_conv_work *w, const ig_tensor *weight) {
    int64_t phases = w->s.stride * w->s.stride, packed;
    ig_layout layout = {pack_phase, w->kernels, {w->s.stride, w->s.pad}};
    return find_phases(tape, w, &packed) &&
           ig_packed_make(tape, weight, layout, packed, phases, w, &w->packed);
}

/* ---- where taps do not overlap: each coarse pixel makes its own fine ones ---- */

static bool is_without_overlap(const ig_conv_shape *s) {
    return s->pad == 0 && s->kh == s->stride && s->kw == s->stride && s->h == s->ho * s->stride &&
           s->w == s->wo * s->stride;
}

/* Weights of one row of taps as a matrix k x (kw c): panels of the first, then of the next. */
static void pack_tap_rows(void *work, int64_t piece, int worker) {
    (void)worker;
    ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t n = s->kw * s->c, panels = ig_panels(w->kernels, n), ky = piece / panels;
    w->kernels->pack(piece % panels, s->k, n, w->weight + ky * n, s->kh * n, 1,
                     w->packed + ky * ig_packed_size(w->kernels, s->k, n));
}

/* The fine rows that some coarse rows make, of pixels that follow one another. */
static void fine_patches(void *work, int64_t chunk, int worker) {
    (void)worker;
    const ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t image = chunk / w->bands, first = chunk % w->bands * IG_CONV_BAND, n = s->kw * s->c;
    for (int64_t i = first; i < ig_min(first + IG_CONV_BAND, s->ho); i++)
        for (int64_t ky = 0; ky < s->kh; ky++) {
            int64_t place = ((image * s->ho + i) * s->kh + ky) * s->w * s->c;
            const float *a = w->coarse + (image * s->ho + i) * s->wo * s->k;
            const float *added = w->end.added ? w->end.added + place : NULL;
            const ig_soon soon[] = {ig_behind(a, s->wo * s->k), ig_behind(added, s->w * s->c)};
            w->kernels->product(&(ig_product){
                .m = s->wo,
                .n = n,
                .a = a,
                .a_stride = s->k,
                .taps = 1,
                .length = s->k,
                .b = w->packed + ky * ig_packed_size(w->kernels, s->k, n),
                .c = w->out + place,
                .c_stride = n,
                .end = ig_epilogue_at(w->end, place),
                .soon = soon,
            });
        }
}

/* The bias of each of the kw pixels that a product makes. */
static bool repeat_bias(ig_tape *tape, ig_conv_work *w) {
    const ig_conv_shape *s = &w->s;
    if (!w->end.bias) return true;
    float *all = ig_tape_floats(tape, s->kw * s->c);
    for (int64_t i = 0; all && i < s->kw * s->c; i++) all[i] = w->end.bias[i % s->c];
    w->end.bias = all;
    return all;
}

static bool make_patches(ig_tape *tape, ig_conv_work *w, const ig_tensor *weight) {
    const ig_conv_shape *s = &w->s;
    int64_t n = s->kw * s->c, pieces = s->kh * ig_panels(w->kernels, n);
    ig_layout layout = {.pack = pack_tap_rows, .kernels = w->kernels};
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w->bands = ig_ceil_div(s->ho, IG_CONV_BAND);
    if (!ig_packed_make(tape, weight, layout, s->kh * ig_packed_size(w->kernels, s->k, n), pieces,
                        w, &w->packed) ||
        !repeat_bias(tape, w))
        return false;
    ig_parallel(s->n * w->bands, fine_patches, w);
    ig_arena_release(tape->arena, mark);
    return true;
}

/* All bands of an image's gradient, which is taken. */
static void fine_taken(void *work, int64_t image, int worker) {
    ig_conv_work w = *(const ig_conv_work *)work;
    w.coarse += image * w.s.ho * w.s.wo * w.s.k;
    w.out = ig_conv_made_image(&w, worker);
    for (int64_t band = 0; band < w.bands; band++) fine_band(&w, band, worker);
    w.made->take(w.made->of, image, w.out, NULL);
}

bool ig_conv_to_fine(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                     const ig_tensor *weight, const ig_epilogue *end, float *fine,
                     const ig_made_images *made) {
    ig_winograd_form form = ig_winograd_choose(s, false);
    if (form) return ig_winograd_to_fine(tape, s, form, coarse, weight, end, fine, made);
    ig_conv_work w = ig_conv_start(ig_conv_in_rows(s), s->c);
    w.made = made;
    int64_t high = ig_ceil_div(w.s.h, s->stride), wide = ig_ceil_div(w.s.w, s->stride);
    w.coarse = coarse;
    w.weight = weight->x;
    w.end = *end;
    w.out = fine;
    w.bands = ig_ceil_div(high, IG_CONV_BAND);
    if (is_without_overlap(&w.s) && w.panel > 1 && !made) return make_patches(tape, &w, weight);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!pack_phases(tape, &w, weight) ||
        !ig_conv_take_scratch(
            tape, &w, span(s->kh, ig_min(IG_CONV_BAND, high), s) * span(s->kw, wide, s) * s->k))
        return false;
    if (made) ig_parallel(s->n, fine_taken, &w);
    else ig_parallel(s->n * w.bands, fine_band, &w);
    ig_arena_release(tape->arena, mark);
    return true;
}
