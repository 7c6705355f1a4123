#include "evaluate/weights.h"

/* IG_JUDGES: the folder of the files, a string that the build defines. */
#define EMBED(name, file)                                                                          \
    extern const unsigned char ig_weights_##name[] __attribute__((visibility("hidden")));          \
    extern const unsigned char ig_weights_##name##_end[] __attribute__((visibility("hidden")));    \
    __asm__(".pushsection .rodata\n"                                                               \
            ".globl ig_weights_" #name ", ig_weights_" #name "_end\n"                              \
            ".hidden ig_weights_" #name ", ig_weights_" #name "_end\n"                             \
            "ig_weights_" #name ": .incbin \"" IG_JUDGES "/" file "\"\n"                           \
            "ig_weights_" #name "_end: .byte 0\n"                                                  \
            ".popsection\n")

EMBED(mnist, "mnist.safetensors");
EMBED(fashion_mnist, "fashion-mnist.safetensors");
EMBED(digits, "digits.safetensors");

const ig_weights ig_judge_weights[] = {
    {"mnist", ig_weights_mnist, ig_weights_mnist_end},
    {"fashion-mnist", ig_weights_fashion_mnist, ig_weights_fashion_mnist_end},
    {"digits", ig_weights_digits, ig_weights_digits_end},
    {0},
};
