#include "core/kernels/kernels.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/whole.h"

/* What every CPU of the architecture runs. */
#if defined(__aarch64__)
#define BASELINE ig_neon_kernels
#else
#define BASELINE ig_generic_kernels
#endif

extern const ig_kernels BASELINE;
#if defined(__x86_64__)
extern const ig_kernels ig_avx2_kernels, ig_avx512_kernels;
#endif

static const ig_kernels *const all[] = {
    &BASELINE,
#if defined(__x86_64__)
    &ig_avx2_kernels,
    &ig_avx512_kernels,
#endif
    NULL,
};

static const ig_kernels *in_use;
static pthread_once_t once = PTHREAD_ONCE_INIT;

const ig_kernels *ig_kernels_at(int i) {
    return all[i];
}

bool ig_kernels_runs(const ig_kernels *kernels) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (kernels == &ig_avx2_kernels)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (kernels == &ig_avx512_kernels)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
    return kernels == &BASELINE;
}

static const ig_kernels *best(void) {
    const ig_kernels *found = all[0];
    for (int i = 0; all[i]; i++)
        if (ig_kernels_runs(all[i])) found = all[i];
    return found;
}

static const ig_kernels *find(const char *name) {
    for (int i = 0; all[i]; i++)
        if (!strcmp(all[i]->name, name)) return all[i];
    return NULL;
}

/* A wrong name is told by ig_kernels_use, which the command line calls first. */
static void choose(void) {
    const char *name = getenv("IMGEN_CPU");
    const ig_kernels *named = name && *name ? find(name) : NULL;
    in_use = named && ig_kernels_runs(named) ? named : best();
}

const ig_kernels *ig_kernels_get(void) {
    pthread_once(&once, choose);
    return in_use;
}

ig_status ig_kernels_use(const char *name, ig_err *err) {
    pthread_once(&once, choose);
    char names[128] = "";
    for (int i = 0; all[i]; i++) {
        size_t used = strlen(names);
        if (ig_kernels_runs(all[i]))
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", all[i]->name);
    }
    const ig_kernels *named = name && *name ? find(name) : best();
    if (!named || !ig_kernels_runs(named))
        return ig_fail(err, IG_EUSAGE, "IMGEN_CPU=%s: expected one of %s on this CPU", name, names);
    in_use = named;
    return IG_OK;
}

int64_t ig_panels(const ig_kernels *kernels, int64_t n) {
    return ig_ceil_div(n, kernels->panel);
}

int64_t ig_packed_size(const ig_kernels *kernels, int64_t rows, int64_t n) {
    return ig_panels(kernels, n) * kernels->panel * rows;
}
