#include "tools/train_judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "sample/source.h"
#include "tools/find_judge.h"

enum { IMAGES = 200, FEW_STEPS = 10 };

ig_status ig_train_judge_open(ig_judge **judge, const ig_model *model, const ig_dataset *data,
                              ig_err *err) {
    *judge = NULL;
    return ig_has_prior(model) ? ig_known_judge(judge, data, err) : IG_OK;
}

/* asked: a class an image, or NULL.  logits: IMAGES classes */
static void count_classes(const float *logits, const int *asked, ig_judgement *out) {
    int counts[IG_MAX_CLASSES] = {0}, hits = 0;
    for (int i = 0; i < IMAGES; i++) {
        int class = ig_judge_choice(logits + i * out->classes, out->classes);
        counts[class]++;
        hits += asked && asked[i] == class;
    }
    for (int k = 0; k < out->classes; k++) out->covered += 5 * out->classes * counts[k] >= IMAGES;
    out->images = IMAGES;
    out->asked = asked;
    out->hit = (double)hits / IMAGES;
}

ig_status ig_train_judge(ig_judge *judge, ig_instance *instance, uint64_t seed,
                         ig_judgement *judgement, ig_err *err) {
    const ig_judge_info *info = ig_judge_describe(judge);
    ig_draw few = {.solver = ig_solver_default()};
    few.solver.steps = FEW_STEPS;
    ig_source source = {.instance = instance, .how = &few};
    int labels[IMAGES], classes = ig_instance_classes(instance);
    for (int i = 0; i < IMAGES; i++) labels[i] = classes ? i % classes : 0;
    const int *asked = classes ? labels : NULL;
    float *images = malloc((size_t)(IMAGES * info->height * info->width) * sizeof(float));
    float *logits = malloc((size_t)(IMAGES * info->classes) * sizeof(float));
    ig_status status = images && logits ? IG_OK : ig_fail_memory(err, "judged images");
    if (status == IG_OK)
        status =
            ig_source_draw_images(&source, IG_PRIOR_NORMAL, ig_rng_at(seed, IG_STREAM_SAMPLE, 0),
                                  IMAGES, asked, images, err);
    if (status == IG_OK) status = ig_judge_classify(judge, images, IMAGES, logits, err);
    *judgement = (ig_judgement){.classes = info->classes};
    if (status == IG_OK) count_classes(logits, asked, judgement);
    free(images);
    free(logits);
    return status;
}

bool ig_train_judge_advice(const ig_judgement *j, char *text, size_t size) {
    if (!j->images || j->covered == j->classes) return false;
    snprintf(text, size,
             "only %d of %d classes are among %lld images of the model: if that stays so, it has "
             "collapsed; try a lower --lr or another --seed",
             j->covered, j->classes, (long long)j->images);
    return true;
}
