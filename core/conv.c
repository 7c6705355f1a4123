/* Convolutions from the fine image to the coarse one, on the packed matrix product. Images are not
   unfolded: a row of outputs reads its image, padded if need be, in kh runs of kw c floats, which
   lie one after another in memory. */
#include "core/conv_work.h"
#include "core/packed.h"
#include "core/thread.h"
#include "core/whole.h"
#include "core/winograd.h"

static void pack_to_coarse(void *work, int64_t panel, int worker) {
    (void)worker;
    ig_conv_work *w = work;
    int64_t taps = w->s.kh * w->s.kw * w->s.c;
    w->kernels->pack(panel, taps, w->s.k, w->weight, 1, taps, w->packed);
}

/* Few outputs take the weights as they are. */
static bool pack_weights(ig_tape *tape, ig_conv_work *w, const ig_tensor *weight) {
    const ig_conv_shape *s = &w->s;
    ig_layout layout = {.pack = pack_to_coarse, .kernels = w->kernels};
    int64_t size = ig_packed_size(w->kernels, s->kh * s->kw * s->c, s->k);
    if (w->panel == 1) w->packed = weight->x;
    return w->packed ||
           ig_packed_make(tape, weight, layout, size, ig_panels(w->kernels, s->k), w, &w->packed);
}

static void coarse_band(void *work, int64_t chunk, int worker) {
    const ig_conv_work *w = work;
    const ig_conv_shape *s = &w->s;
    int64_t image = chunk / w->bands, first = chunk % w->bands * IG_CONV_BAND;
    int64_t rows = ig_min(IG_CONV_BAND, s->ho - first);
    ig_conv_rows band = ig_conv_padded_rows(s, w->fine + image * s->h * s->w * s->c,
                                            first * s->stride, ig_conv_fine_rows(s, rows),
                                            ig_conv_fine_columns(s), ig_conv_scratch(w, worker));
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
    ig_conv_work w = *(const ig_conv_work *)work;
    float *fine = ig_conv_made_image(&w, worker);
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
    ig_conv_work w = ig_conv_start(ig_conv_in_rows(s), s->k);
    w.fine = fine;
    w.made = made;
    w.weight = weight->x;
    w.end = *end;
    w.out = coarse;
    w.bands = ig_ceil_div(w.s.ho, IG_CONV_BAND);
    int64_t rows = ig_conv_fine_rows(s, ig_min(IG_CONV_BAND, s->ho));
    int64_t padded = s->pad ? rows * ig_conv_fine_columns(s) * s->c : 0;
    ig_arena_mark mark = ig_arena_get_mark(tape->arena);
    if (!pack_weights(tape, &w, weight) || !ig_conv_take_scratch(tape, &w, padded)) return false;
    if (made) ig_parallel(s->n, coarse_made, &w);
    else ig_parallel(s->n * w.bands, coarse_band, &w);
    ig_arena_release(tape->arena, mark);
    return true;
}
