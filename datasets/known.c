#include "datasets/known.h"

#include <stdlib.h>
#include <string.h>

#define DEBIAN_FOLDER "/usr/share/datasets/fashion-mnist"

static const char *const digit_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const garment_names[] = {"T-shirt", "trouser",   "pullover", "dress",
                                            "coat",    "sandal",    "shirt",    "sneaker",
                                            "bag",     "ankle boot"};
static const char *const kana_names[] = {"o",  "ki", "su", "tsu", "na",
                                         "ha", "ma", "ya", "re",  "wo"};

const ig_known_set ig_known_sets[] = {
    {"mnist",
     "handwritten digits, 60,000 + 10,000, 28x28 (LeCun, Cortes, Burges)",
     "run `imgen data get mnist`",
     10,
     digit_names,
     {{"train-images-idx3-ubyte",
       "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
      {"train-labels-idx1-ubyte",
       "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
      {"t10k-images-idx3-ubyte",
       "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
      {"t10k-labels-idx1-ubyte",
       "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}}},
    {"fashion-mnist",
     "articles of clothing, 60,000 + 10,000, 28x28 (Xiao, Rasul, Vollgraf)",
     "run `imgen data get fashion-mnist`, or install Debian's package dataset-fashion-mnist",
     10,
     garment_names,
     {{"train-images-idx3-ubyte",
       "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
      {"train-labels-idx1-ubyte",
       "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
      {"t10k-images-idx3-ubyte",
       "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
      {"t10k-labels-idx1-ubyte",
       "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}}},
    {"kmnist",
     "cursive hiragana, 60,000 + 10,000, 28x28 (Clanuwat and others)",
     "run `imgen data get kmnist`",
     10,
     kana_names,
     {{"train-images-idx3-ubyte", NULL},
      {"train-labels-idx1-ubyte", NULL},
      {"t10k-images-idx3-ubyte", NULL},
      {"t10k-labels-idx1-ubyte", NULL}}},
    {"binarized-mnist",
     "static binary MNIST, 50,000 + 10,000 + 10,000, no labels (Larochelle, Murray)",
     "docs/data.md tells how to make it",
     0,
     NULL,
     {{"train-images-idx3-ubyte",
       "a999cb6820da36cd1db53b37219e2102d46ee90a09c4605d2dde3f42982083c5"},
      {"valid-images-idx3-ubyte",
       "3674963962249f9e6c98688a82838893fd1317fafef7db687e2f7617c68c34f0"},
      {"test-images-idx3-ubyte",
       "37d754f315cacab0b57b8b9602eb6394f1d59524ab5da6f2812616df722a8a1a"}}},
    {0},
};

const ig_known_set *ig_known_find(const char *name) {
    for (const ig_known_set *known = ig_known_sets; known->name; known++)
        if (!strcmp(known->name, name)) return known;
    return NULL;
}

/* $variable/middle/name, unless the variable is not set. */
static ig_status add_folder(char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX], int *count,
                            const char *variable, const char *middle, const char *name,
                            ig_err *err) {
    const char *root = getenv(variable);
    if (!root || !*root) return IG_OK;
    char folder[IG_PATH_MAX];
    IG_TRY(ig_path_join(folder, root, middle, err));
    IG_TRY(ig_path_join(folders[*count], folder, name, err));
    ++*count;
    return IG_OK;
}

ig_status ig_known_folders(const ig_known_set *known, char folders[IG_KNOWN_FOLDERS][IG_PATH_MAX],
                           int *count, ig_err *err) {
    *count = 0;
    IG_TRY(add_folder(folders, count, "IMGEN_DATA", "", known->name, err));
    const char *xdg = getenv("XDG_DATA_HOME");
    if (xdg && *xdg) IG_TRY(add_folder(folders, count, "XDG_DATA_HOME", "imgen", known->name, err));
    else IG_TRY(add_folder(folders, count, "HOME", ".local/share/imgen", known->name, err));
    if (!strcmp(known->name, "fashion-mnist")) strcpy(folders[(*count)++], DEBIAN_FOLDER);
    return IG_OK;
}
