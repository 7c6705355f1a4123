#include "tools/mirrors.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    const char *urls[4];
} table[] = {
    {"mnist",
     {"https://ossci-datasets.s3.amazonaws.com/mnist",
      "https://storage.googleapis.com/cvdf-datasets/mnist"}},
    {"fashion-mnist",
     {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
      "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"}},
    {"kmnist",
     {"https://codh.rois.ac.jp/kmnist/dataset/kmnist",
      "http://codh.rois.ac.jp/kmnist/dataset/kmnist"}},
};

const char *const *ig_mirrors(const char *name) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(table[i].name, name)) return table[i].urls;
    return NULL;
}
