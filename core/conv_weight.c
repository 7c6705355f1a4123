/* The weights' gradient of convolutions: sums over chunks of images. */
#include <string.h>

#include "core/conv_work.h"
#include "core/thread.h"
#include "core/whole.h"
#include "core/winograd.h"

enum { WEIGHT_CHUNKS = 16 }; /* images are summed into the gradient in this many chunks */

/* Few coarse channels would waste lanes: then those of the fine image fill them. */
static bool has_few_coarse(const ig_conv_shape *s) {
    return s->k < IG_CONV_FEW_CHANNELS && s->k < s->kw * s->c;
}

/* A matrix that comes in runs of rows, one for each row of the coarse image. */
typedef struct {
    const float *x;
    int64_t run, stride, columns;
} runs;

/* sum = or += the products of an image with row ky of taps, a matrix (kw c) x k, or k x (kw c) of
   few coarse channels.  soon: see ask_next */
static void add_taps(const ig_conv_work *w, ig_conv_rows image, int64_t ky, const float *coarse,
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
    const ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t columns = ig_conv_fine_columns(s), rows = ig_conv_fine_rows(s, s->ho),
            size = s->kw * s->c * s->k;
    float *padded = ig_conv_scratch(w, worker), *sum = w->partial + chunk * s->kh * size;
    int64_t first = chunk * s->n / w->chunks, end = (chunk + 1) * s->n / w->chunks;
    for (int64_t image = first; image < end; image++) {
        const float *fine =
            w->made ? ig_conv_made_image(w, worker) : w->fine + image * s->h * s->w * s->c;
        const float *coarse = w->coarse + image * s->ho * s->wo * s->k;
        if (w->made) w->made->make(w->made->of, image, ig_conv_made_image(w, worker));
        if (w->sums->bias) ig_bias_of_image(w->sums->bias, image);
        ig_conv_rows all = ig_conv_padded_rows(s, fine, 0, rows, columns, padded);
        for (int64_t ky = 0; ky < s->kh; ky++) {
            ig_soon soon[2] = {0};
            if (image + 1 < end) ask_next(s, w->made ? NULL : fine, coarse, ky, soon);
            add_taps(w, all, ky, coarse, sum + ky * size, image > first, soon);
        }
    }
}

/* The gradients of one row of the chunks' matrices, gw = or += their sums in the chunks' order */
static void reduce_weights(void *work, int64_t row, int worker) {
    const ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    bool few = has_few_coarse(s);
    int64_t width = s->kw * s->c, taps = s->kh * width, n = few ? width : s->k;
    float *sum = ig_conv_scratch(w, worker);
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int64_t c = 0; c < w->chunks; c++) {
        const float *part = w->partial + c * taps * s->k + row * n;
        for (int64_t i = 0; i < n; i++) sum[i] += part[i];
    }
    /* a row is one of taps, of all coarse channels; or of few of them one, of the taps in a row */
    float *gw = w->sums->gw + (few ? row % s->k * taps + row / s->k * width : row);
    int64_t apart = few ? 1 : taps;
    for (int64_t i = 0; i < n; i++) ig_write(&gw[i * apart], sum[i], w->sums->add);
}

bool ig_conv_to_weight(ig_tape *tape, const ig_conv_shape *s, const float *fine,
                       const ig_made_images *made, const float *coarse, const ig_conv_sums *sums) {
    ig_winograd_form form = ig_winograd_choose(s, false);
    if (form) return ig_winograd_to_weight(tape, s, form, fine, made, coarse, NULL, sums);
    ig_conv_work w = {
        .s = ig_conv_in_rows(s), .kernels = ig_kernels_get(), .fine = fine, .coarse = coarse};
    w.made = made;
    w.sums = sums;
    w.chunks = ig_min(s->n, WEIGHT_CHUNKS);
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    int64_t partial = w.chunks * s->kh * s->kw * s->c * s->k;
    w.partial = ig_tape_floats(tape, partial);
    int64_t rows = s->kh * (has_few_coarse(s) ? s->k : s->kw * s->c);
    int64_t image = s->pad ? ig_conv_fine_rows(s, s->ho) * ig_conv_fine_columns(s) * s->c : 0;
    int64_t row = s->kw * s->c * s->k;
    if (!w.partial || !ig_conv_take_scratch(tape, &w, ig_max(image, row))) return false;
    ig_parallel(w.chunks, weight_chunk, &w);
    ig_parallel(rows, reduce_weights, &w);
    ig_arena_release(tape->arena, mark);
    return true;
}
