#include "tests/math_values.h"

#include "core/kernels/math.h"

#define FUNCTION(NAME, VALUE)                                                                      \
    static void NAME##_values(const float *from, float *to, int64_t n) {                           \
        for (int64_t i = 0; i < n; i += LANES) {                                                   \
            vec x = load_some(from + i, n - i);                                                    \
            store_some(to + i, VALUE, n - i);                                                      \
        }                                                                                          \
    }

INLINE vec sine_turn(vec u) {
    vec sine, cosine;
    vec_sincos_turn(u, &sine, &cosine);
    return sine;
}

INLINE vec cosine_turn(vec u) {
    vec sine, cosine;
    vec_sincos_turn(u, &sine, &cosine);
    return cosine;
}

FUNCTION(sqrt, vec_sqrt(x))
FUNCTION(exp, vec_exp(x))
FUNCTION(expm1, vec_expm1(x))
FUNCTION(log, vec_log(x))
FUNCTION(log1p, vec_log1p(x))
FUNCTION(tanh, vec_tanh(x))
FUNCTION(sigmoid, vec_sigmoid(x))
FUNCTION(softplus, vec_softplus(x))
FUNCTION(sine_turn, sine_turn(x))
FUNCTION(cosine_turn, cosine_turn(x))

math_function *const IG_KERNEL(math)[FUNCTIONS] = {
    [SQRT] = sqrt_values,           [EXP] = exp_values,
    [EXPM1] = expm1_values,         [LOG] = log_values,
    [LOG1P] = log1p_values,         [TANH] = tanh_values,
    [SIGMOID] = sigmoid_values,     [SOFTPLUS] = softplus_values,
    [SINE_TURN] = sine_turn_values, [COSINE_TURN] = cosine_turn_values,
};
