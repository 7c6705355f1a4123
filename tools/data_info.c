/* imgen data list, imgen data info */
#include <stdio.h>
#include <string.h>

#include "datasets/dataset.h"
#include "datasets/idx.h"
#include "datasets/known.h"
#include "tools/args.h"
#include "tools/data.h"
#include "tools/terminal.h"

/* ---- list ---- */

static ig_status list_known(const ig_known_set *known, ig_err *err) {
    char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX];
    int count = 0, at = 0;
    IG_TRY(ig_known_folders(known, folders, &count, err));
    while (at < count && !ig_is_folder(folders[at])) at++;
    printf("%-17s %s\n%-17s ", known->name, known->help, "");
    if (at < count) printf("in %s\n", folders[at]);
    else printf("not here: %s\n", known->advice);
    return IG_OK;
}

ig_status ig_data_list(int argc, char **argv, ig_err *err) {
    const ig_arg args[] = {{0}};
    const ig_command_line line = {
        "imgen data list", "Lists the data sets known by name, and where they are.", args, 0, 0};
    int count;
    bool helped;
    IG_TRY(ig_args_parse(&line, argc, argv, NULL, &count, &helped, err));
    if (helped) return IG_OK;
    printf("%-17s handwritten-looking digits, 60,000 + 10,000, 28x28, with their factors\n",
           "digits");
    printf("%-17s drawn by imgen: always here\n", "");
    for (const ig_known_set *known = ig_known_sets; known->name; known++)
        IG_TRY(list_known(known, err));
    printf("%-17s a folder of IDX files, a folder of PNG files (a sub-folder for each class),\n"
           "%-17s or a .npy array (N,H,W)\n",
           "any path", "");
    return IG_OK;
}

/* ---- info ---- */

static void print_classes(ig_dataset *set) {
    const ig_dataset_info *info = ig_dataset_describe(set);
    int64_t images[2][IG_MAX_CLASSES] = {0};
    for (int split = 0; split < 2; split++)
        for (int64_t i = 0; i < info->count[split]; i++)
            images[split][ig_dataset_label(set, (ig_split)split, (uint32_t)i)]++;
    printf("classes  %d\n", info->classes);
    printf("         %3s %-16s %9s %9s\n", "", "", "training", "test");
    for (int c = 0; c < info->classes; c++) {
        printf("         %3d ", c);
        ig_print_harmless(info->class_names[c], 16);
        printf(" %9lld %9lld\n", (long long)images[IG_TRAIN][c], (long long)images[IG_TEST][c]);
    }
}

/* Least and largest value of each factor in the test split. */
static void print_factors(ig_dataset *set) {
    const ig_dataset_info *info = ig_dataset_describe(set);
    float least[IG_MAX_FACTORS], most[IG_MAX_FACTORS], factors[IG_MAX_FACTORS];
    ig_dataset_factors(set, IG_TEST, 0, least);
    memcpy(most, least, sizeof most);
    for (int64_t i = 1; i < info->count[IG_TEST]; i++) {
        ig_dataset_factors(set, IG_TEST, (uint32_t)i, factors);
        for (int f = 0; f < info->factors; f++) {
            if (factors[f] < least[f]) least[f] = factors[f];
            if (factors[f] > most[f]) most[f] = factors[f];
        }
    }
    printf("factors  %d\n", info->factors);
    for (int f = 0; f < info->factors; f++)
        printf("             %-16s %9.2f to %.2f\n", info->factor_names[f], (double)least[f],
               (double)most[f]);
}

/* Compares a file with the sum we know; *wrong counts those that differ. */
static ig_status print_sum(const char *path, const ig_known_file *file, int *wrong, ig_err *err) {
    char sum[IG_SHA256_TEXT];
    const char *slash = strrchr(path, '/'), *state = "no sum is known";
    if (file->sha256) {
        IG_TRY(ig_idx_sha256(path, strstr(file->name, "idx3") ? 3 : 1, sum, err));
        bool same = !strcmp(sum, file->sha256);
        state = same ? "right" : "NOT what is known by this name";
        *wrong += !same;
    }
    printf("             %-32s %s\n", slash ? slash + 1 : path, state);
    return IG_OK;
}

static ig_status print_sums(const ig_dataset_info *info, ig_err *err) {
    const ig_known_set *known = ig_known_find(info->name);
    int found = 0, wrong = 0;
    for (const ig_known_file *file = known ? known->files : NULL; file && file->name; file++) {
        char path[IG_PATH_MAX];
        if (!ig_idx_find(path, info->source, file->name)) continue;
        if (!found++) printf("files    SHA-256 of the unpacked content\n");
        IG_TRY(print_sum(path, file, &wrong, err));
    }
    if (!wrong) return IG_OK;
    return ig_fail(err, IG_EFORMAT, "%s: %d file%s not those of %s: %s", info->source, wrong,
                   wrong == 1 ? " is" : "s are", info->name, known->advice);
}

static ig_status print_info(ig_dataset *set, ig_err *err) {
    const ig_dataset_info *info = ig_dataset_describe(set);
    printf("name     ");
    ig_print_harmless(info->name, 0);
    printf("\nfrom     ");
    ig_print_harmless(info->source, 0);
    printf("\nimages   %lld for training, %lld for tests, %dx%d\n",
           (long long)info->count[IG_TRAIN], (long long)info->count[IG_TEST], info->width,
           info->height);
    if (info->classes) print_classes(set);
    else printf("classes  none: the images have no labels\n");
    if (info->factors) print_factors(set);
    return print_sums(info, err);
}

ig_status ig_data_info(int argc, char **argv, ig_err *err) {
    int64_t resize = 0;
    bool resize_given;
    const ig_arg args[] = {{"resize", 0, IG_ARG_INT, &resize, "SIDE",
                            "make the pictures of a PNG folder this size", IG_MIN_SIDE, IG_MAX_SIDE,
                            NULL, &resize_given},
                           {0}};
    const ig_command_line line = {"imgen data info NAME",
                                  "Tells the sizes, classes and factors of a data set, and checks "
                                  "its files.",
                                  args, 1, 1};
    const char *name;
    int count;
    bool helped;
    IG_TRY(ig_args_parse(&line, argc, argv, &name, &count, &helped, err));
    if (helped) return IG_OK;
    ig_dataset *set;
    IG_TRY(ig_dataset_open(&set, name, (int)resize, err));
    ig_status status = print_info(set, err);
    ig_dataset_close(set);
    return status;
}
