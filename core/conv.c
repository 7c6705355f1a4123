/* Convolutions on the packed matrix product. Images are not unfolded: a row of outputs reads its
   image, padded if need be, in kh runs of kw c floats, which lie one after another in memory. */
#include "core/conv.h"

#include <string.h>

#include "core/kernels/kernels.h"
#include "core/packed.h"
#include "core/thread.h"
#include "core/whole.h"
#include "core/winograd.h"

enum {
    BAND = 7,           /* rows of an image in one piece of work */
    FEW_CHANNELS = 8,   /* fewer would waste lanes that hold one output each */
    WEIGHT_CHUNKS = 16, /* images are summed into the weights' gradient in this many chunks */
};

typedef struct fine_phase fine_phase;

typedef struct {
    ig_conv_shape s;
    const ig_kernels *kernels;
    const float *fine, *coarse, *weight;
    const ig_made_images *made; /* the fine images, which then lie in scratch; or NULL */
    void (*product)(const ig_product *p);
    int64_t panel; /* columns of its matrix that lie together */
    ig_epilogue end;
    float *out;
    bool add;       /* to the weights' gradient */
    float *packed;  /* weights */
    float *partial; /* the sum of each chunk of the weights' gradient */
    float *scratch; /* for each worker `padded` floats and, if it is made, an image */
    int64_t padded, scratch_size;
    int64_t bands;                   /* of an image */
    fine_phase *phases;              /* stride^2 */
    int64_t lead_rows, lead_columns; /* of the coarse image padded for them */
    int64_t chunks;
} conv_work;

/* For results of so many channels. */
static conv_work start(ig_conv_shape s, int64_t channels) {
    const ig_kernels *kernels = ig_kernels_get();
    bool few = channels < FEW_CHANNELS;
    return (conv_work){.s = s,
                       .kernels = kernels,
                       .product = few ? kernels->dots : kernels->product,
                       .panel = few ? 1 : kernels->panel};
}

static bool take_scratch(ig_tape *tape, conv_work *w, int64_t padded) {
    int64_t image = w->made ? w->s.h * w->s.w * w->s.c : 0;
    w->padded = ig_ceil_div(padded, IG_LINE) * IG_LINE;
    w->scratch_size = w->padded + ig_ceil_div(image, IG_LINE) * IG_LINE;
    w->scratch = ig_tape_floats(tape, ig_threads() * w->scratch_size);
    return w->scratch;
}

static float *scratch_of(const conv_work *w, int worker) {
    return w->scratch + worker * w->scratch_size;
}

static float *made_image(const conv_work *w, int worker) {
    return scratch_of(w, worker) + w->padded;
}

/* Rows first..first+rows-1 of an image (h w c) and columns left..left+columns-1 into dst, zero
   where the image has none. */
static void copy_padded(const float *image, int64_t h, int64_t w, int64_t c, int64_t first,
                        int64_t rows, int64_t left, int64_t columns, float *dst) {
    int64_t before = ig_min(ig_max(-left, 0), columns);
    int64_t end = ig_max(ig_min(w - left, columns), before);
    for (int64_t r = first; r < first + rows; r++, dst += columns * c) {
        bool is_inside = r >= 0 && r < h;
        int64_t from = is_inside ? before : 0, to = is_inside ? end : 0;
        memset(dst, 0, (size_t)(from * c) * sizeof(float));
        if (to > from)
            memcpy(dst + from * c, image + (r * w + left + from) * c,
                   (size_t)((to - from) * c) * sizeof(float));
        memset(dst + to * c, 0, (size_t)((columns - to) * c) * sizeof(float));
    }
}

/* The same rows, from column -pad on, of a fine image: where they lie, or padded in `copy`; their
   columns. */
typedef struct {
    const float *x;
    int64_t columns;
} image_rows;

static image_rows rows_of(const ig_conv_shape *s, const float *image, int64_t first, int64_t rows,
                          int64_t columns, float *copy) {
    if (s->pad == 0) return (image_rows){image + first * s->w * s->c, s->w};
    copy_padded(image, s->h, s->w, s->c, first - s->pad, rows, -s->pad, columns, copy);
    return (image_rows){copy, columns};
}

/* A convolution of single pixels takes each image for one row of them, if there are images for all
   threads. */
static ig_conv_shape in_rows(const ig_conv_shape *s) {
    ig_conv_shape out = *s;
    if (s->kh > 1 || s->kw > 1 || s->stride > 1 || s->pad > 0 || s->n < ig_threads()) return out;
    out.w = out.wo = s->h * s->w;
    out.h = out.ho = 1;
    return out;
}

/* ---- fine to coarse ---- */

/* Columns that a padded row of the fine image needs. */
static int64_t fine_columns(const ig_conv_shape *s) {
    return (s->wo - 1) * s->stride + s->kw;
}

static int64_t fine_rows(const ig_conv_shape *s, int64_t coarse_rows) {
    return (coarse_rows - 1) * s->stride + s->kh;
}

static void pack_to_coarse(void *work, int64_t panel, int worker) {
    (void)worker;
    conv_work *w = work;
    int64_t taps = w->s.kh * w->s.kw * w->s.c;
    w->kernels->pack(panel, taps, w->s.k, w->weight, 1, taps, w->packed);
}

/* Few outputs take the weights as they are. */
static bool pack_weights(ig_tape *tape, conv_work *w, const ig_tensor *weight) {
    const ig_conv_shape *s = &w->s;
    ig_layout layout = {.pack = pack_to_coarse, .kernels = w->kernels};
    int64_t size = ig_packed_size(w->kernels, s->kh * s->kw * s->c, s->k);
    if (w->panel == 1) w->packed = weight->x;
    return w->packed ||
           ig_packed_make(tape, weight, layout, size, ig_panels(w->kernels, s->k), w, &w->packed);
}

static void coarse_band(void *work, int64_t chunk, int worker) {
    const conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t image = chunk / w->bands, first = chunk % w->bands * BAND;
    int64_t rows = ig_min(BAND, s->ho - first);
    image_rows band = rows_of(s, w->fine + image * s->h * s->w * s->c, first * s->stride,
                              fine_rows(s, rows), fine_columns(s), scratch_of(w, worker));
    bool asks = s->pad == 0 && !w->made && s->kh == s->stride; /* for memory that is read once */
    for (int64_t r = 0; r < rows; r++) {
        int64_t place = (image * s->ho + first + r) * s->wo * s->k;
        int64_t row = s->stride * band.columns * s->c;
        const float *a = band.x + r * row;
        const ig_soon soon[2] = {ig_behind(asks ? a : NULL, row)};
        w->product(&(ig_product){
            .m = s->wo,
            .n = s->k,
            .a = a,
            .a_stride = s->stride * s->c,
            .taps = s->kh,
            .tap_stride = band.columns * s->c,
            .length = s->kw * s->c,
            .b = w->packed,
            .c = w->out + place,
            .c_stride = s->k,
            .end = ig_epilogue_at(w->end, place),
            .soon = soon,
        });
    }
}

/* All bands of an image that is made. */
static void coarse_made(void *work, int64_t image, int worker) {
    conv_work w = *(const conv_work *)work;
    float *fine = made_image(&w, worker);
    w.made->make(w.made->of, image, fine);
    int64_t place = image * w.s.ho * w.s.wo * w.s.k;
    w.fine = fine;
    w.end = ig_epilogue_at(w.end, place);
    w.out += place;
    for (int64_t band = 0; band < w.bands; band++) coarse_band(&w, band, worker);
}

bool ig_conv_to_coarse(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const ig_made_images *made, const ig_tensor *weight, const ig_epilogue *end,
                       float *coarse) {
    ig_winograd_form form = ig_winograd_choose(s, false);
    if (form) return ig_winograd_to_coarse(tape, s, form, fine, made, weight, end, coarse);
    conv_work w = start(in_rows(s), s->k);
    w.fine = fine;
    w.made = made;
    w.weight = weight->x;
    w.end = *end;
    w.out = coarse;
    w.bands = ig_ceil_div(w.s.ho, BAND);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!pack_weights(tape, &w, weight) ||
        !take_scratch(tape, &w,
                      s->pad ? fine_rows(s, ig_min(BAND, s->ho)) * fine_columns(s) * s->c : 0))
        return false;
    if (made) ig_parallel(s->n, coarse_made, &w);
    else ig_parallel(s->n * w.bands, coarse_band, &w);
    ig_arena_release(tape->arena, mark);
    return true;
}

/* ---- coarse to fine, by phases ----
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
struct fine_phase {
    axis_phase y, x;
    int64_t packed, row, column;
};

static int64_t packed_columns(const conv_work *w) {
    return ig_ceil_div(w->s.c, w->panel) * w->panel;
}

/* Finds the phases, and the floats of their packed weights. */
static bool find_phases(ig_tape *tape, conv_work *w, int64_t *packed) {
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
    conv_work *w = work;
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
static void fine_row(const conv_work *w, int64_t image, int64_t i, int64_t first, int64_t phase,
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
    const conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t image = chunk / w->bands, first = chunk % w->bands * BAND;
    int64_t rows = ig_min(BAND, ig_ceil_div(s->h, s->stride) - first);
    int64_t columns = span(s->kw, ig_ceil_div(s->w, s->stride), s);
    float *padded = scratch_of(w, worker);
    copy_padded(w->coarse + image * s->ho * s->wo * s->k, s->ho, s->wo, s->k, first - w->lead_rows,
                span(s->kh, rows, s), -w->lead_columns, columns, padded);
    for (int64_t i = first; i < first + rows; i++)
        for (int64_t phase = 0; phase < s->stride * s->stride; phase++)
            fine_row(w, image, i, first, phase, padded, columns);
}

static bool pack_phases(ig_tape *tape, conv_work *w, const ig_tensor *weight) {
    int64_t phases = w->s.stride * w->s.stride, packed;
    ig_layout layout = {pack_phase, w->kernels, {w->s.stride, w->s.pad}};
    return find_phases(tape, w, &packed) &&
           ig_packed_make(tape, weight, layout, packed, phases, w, &w->packed);
}

/* ---- coarse to fine where taps do not overlap: each coarse pixel makes its own fine ones ---- */

static bool is_without_overlap(const ig_conv_shape *s) {
    return s->pad == 0 && s->kh == s->stride && s->kw == s->stride && s->h == s->ho * s->stride &&
           s->w == s->wo * s->stride;
}

/* Weights of one row of taps as a matrix k x (kw c): panels of the first, then of the next. */
static void pack_tap_rows(void *work, int64_t piece, int worker) {
    (void)worker;
    conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t n = s->kw * s->c, panels = ig_panels(w->kernels, n), ky = piece / panels;
    w->kernels->pack(piece % panels, s->k, n, w->weight + ky * n, s->kh * n, 1,
                     w->packed + ky * ig_packed_size(w->kernels, s->k, n));
}

/* The fine rows that some coarse rows make, of pixels that follow one another. */
static void fine_patches(void *work, int64_t chunk, int worker) {
    (void)worker;
    const conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t image = chunk / w->bands, first = chunk % w->bands * BAND, n = s->kw * s->c;
    for (int64_t i = first; i < ig_min(first + BAND, s->ho); i++)
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
static bool repeat_bias(ig_tape *tape, conv_work *w) {
    const ig_conv_shape *s = &w->s;
    if (!w->end.bias) return true;
    float *all = ig_tape_floats(tape, s->kw * s->c);
    for (int64_t i = 0; all && i < s->kw * s->c; i++) all[i] = w->end.bias[i % s->c];
    w->end.bias = all;
    return all;
}

static bool make_patches(ig_tape *tape, conv_work *w, const ig_tensor *weight) {
    const ig_conv_shape *s = &w->s;
    int64_t n = s->kw * s->c, pieces = s->kh * ig_panels(w->kernels, n);
    ig_layout layout = {.pack = pack_tap_rows, .kernels = w->kernels};
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    w->bands = ig_ceil_div(s->ho, BAND);
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
    conv_work w = *(const conv_work *)work;
    w.coarse += image * w.s.ho * w.s.wo * w.s.k;
    w.out = made_image(&w, worker);
    for (int64_t band = 0; band < w.bands; band++) fine_band(&w, band, worker);
    w.made->take(w.made->of, image, w.out, NULL);
}

bool ig_conv_to_fine(ig_tape *tape, const ig_conv_shape *s, const float *coarse,
                     const ig_tensor *weight, const ig_epilogue *end, float *fine,
                     const ig_made_images *made) {
    ig_winograd_form form = ig_winograd_choose(s, false);
    if (form) return ig_winograd_to_fine(tape, s, form, coarse, weight, end, fine, made);
    conv_work w = start(in_rows(s), s->c);
    w.made = made;
    int64_t high = ig_ceil_div(w.s.h, s->stride), wide = ig_ceil_div(w.s.w, s->stride);
    w.coarse = coarse;
    w.weight = weight->x;
    w.end = *end;
    w.out = fine;
    w.bands = ig_ceil_div(high, BAND);
    if (is_without_overlap(&w.s) && w.panel > 1 && !made) return make_patches(tape, &w, weight);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!pack_phases(tape, &w, weight) ||
        !take_scratch(tape, &w, span(s->kh, ig_min(BAND, high), s) * span(s->kw, wide, s) * s->k))
        return false;
    if (made) ig_parallel(s->n, fine_taken, &w);
    else ig_parallel(s->n * w.bands, fine_band, &w);
    ig_arena_release(tape->arena, mark);
    return true;
}

/* ---- the weights' gradient ---- */

/* Few coarse channels would waste lanes: then those of the fine image fill them. */
static bool has_few_coarse(const ig_conv_shape *s) {
    return s->k < FEW_CHANNELS && s->k < s->kw * s->c;
}

/* A matrix that comes in runs of rows, one for each row of the coarse image. */
typedef struct {
    const float *x;
    int64_t run, stride, columns;
} runs;

/* sum = or += the products of an image with row ky of taps, a matrix (kw c) x k, or k x (kw c) of
   few coarse channels.  soon: see ask_next */
static void add_taps(const conv_work *w, image_rows image, int64_t ky, const float *coarse,
                     float *sum, bool add, const ig_soon *soon) {
    const ig_conv_shape *s = &w->s;
    int64_t row = image.columns * s->c;
    runs fine = {image.x + ky * row, s->stride * row, s->stride * s->c, s->kw * s->c};
    runs other = {coarse, s->wo * s->k, s->k, s->k};
    runs a = has_few_coarse(s) ? other : fine, b = has_few_coarse(s) ? fine : other;
    w->kernels->outer(&(ig_outer){
        .m = a.columns,
        .n = b.columns,
        .rows = s->ho,
        .count = s->wo,
        .a = a.x,
        .a_row = a.run,
        .a_stride = a.stride,
        .b = b.x,
        .b_row = b.run,
        .b_stride = b.stride,
        .c = sum,
        .c_stride = b.columns,
        .add = add,
        .soon = soon,
    });
}

/* Each row ky of taps asks for its share of the images that lie behind both sides'.  fine: NULL
   where they are made */
static void ask_next(const ig_conv_shape *s, const float *fine, const float *coarse, int64_t ky,
                     ig_soon soon[2]) {
    int64_t fine_size = s->h * s->w * s->c, coarse_size = s->ho * s->wo * s->k;
    soon[0] = ig_behind(fine, fine_size);
    soon[1] = ig_behind(coarse, coarse_size);
    for (int i = 0; i < 2; i++) {
        soon[i].size /= s->kh;
        if (soon[i].x) soon[i].x += ky * soon[i].size;
    }
}

/* One chunk's sum, the matrices of all rows of taps. */
static void weight_chunk(void *work, int64_t chunk, int worker) {
    const conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t columns = fine_columns(s), rows = fine_rows(s, s->ho), size = s->kw * s->c * s->k;
    float *padded = scratch_of(w, worker), *sum = w->partial + chunk * s->kh * size;
    int64_t first = chunk * s->n / w->chunks, end = (chunk + 1) * s->n / w->chunks;
    for (int64_t image = first; image < end; image++) {
        const float *fine = w->made ? made_image(w, worker) : w->fine + image * s->h * s->w * s->c;
        const float *coarse = w->coarse + image * s->ho * s->wo * s->k;
        if (w->made) w->made->make(w->made->of, image, made_image(w, worker));
        image_rows all = rows_of(s, fine, 0, rows, columns, padded);
        for (int64_t ky = 0; ky < s->kh; ky++) {
            ig_soon soon[2] = {0};
            if (image + 1 < end) ask_next(s, w->made ? NULL : fine, coarse, ky, soon);
            add_taps(w, all, ky, coarse, sum + ky * size, image > first, soon);
        }
    }
}

/* The gradients of one row of the chunks' matrices, gw = or += their sums in the chunks' order */
static void reduce_weights(void *work, int64_t row, int worker) {
    const conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    bool few = has_few_coarse(s);
    int64_t width = s->kw * s->c, taps = s->kh * width, n = few ? width : s->k;
    float *sum = scratch_of(w, worker);
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t c = 0; c < w->chunks; c++) {
        const float *part = w->partial + c * taps * s->k + row * n;
        for (int64_t i = 0; i < n; i++) sum[i] += part[i];
    }
    /* a row is one of taps, of all coarse channels; or of few of them one, of the taps in a row */
    float *gw = w->out + (few ? row % s->k * taps + row / s->k * width : row);
    int64_t apart = few ? 1 : taps;
    for (int64_t i = 0; i < n; i++) ig_write(&gw[i * apart], sum[i], w->add);
}

bool ig_conv_to_weight(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const ig_made_images *made, const float *coarse, float *gw, bool add) {
    ig_winograd_form form = ig_winograd_choose(s, false);
    if (form) return ig_winograd_to_weight(tape, s, form, fine, made, coarse, NULL, gw, add);
    conv_work w = {.s = in_rows(s), .kernels = ig_kernels_get(), .fine = fine, .coarse = coarse};
    w.made = made;
    w.out = gw;
    w.add = add;
    w.chunks = ig_min(s->n, WEIGHT_CHUNKS);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    int64_t partial = w.chunks * s->kh * s->kw * s->c * s->k;
    w.partial = ig_tape_floats(tape, partial);
    int64_t rows = s->kh * (has_few_coarse(s) ? s->k : s->kw * s->c);
    int64_t image = s->pad ? fine_rows(s, s->ho) * fine_columns(s) * s->c : 0;
    int64_t row = s->kw * s->c * s->k;
    if (!w.partial || !take_scratch(tape, &w, ig_max(image, row))) return false;
    ig_parallel(w.chunks, weight_chunk, &w);
    ig_parallel(rows, reduce_weights, &w);
    ig_arena_release(tape->arena, mark);
    return true;
}
