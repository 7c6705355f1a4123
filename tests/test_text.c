/* Numbers as text: what parses and what does not, round trips, locales with a decimal comma. */
#include "check.h"

#include <locale.h>
#include <math.h>

#include "core/json.h"
#include "core/rng.h"
#include "core/text.h"

static void test_parse_int(void **state) {
    (void)state;
    int64_t value = 7;
    assert_true(ig_parse_int("0", &value) && value == 0);
    assert_true(ig_parse_int("-12", &value) && value == -12);
    assert_true(ig_parse_int("+12", &value) && value == 12);
    assert_true(ig_parse_int("9223372036854775807", &value) && value == INT64_MAX);
    assert_true(ig_parse_int("-9223372036854775808", &value) && value == INT64_MIN);
    const char *bad[] = {"",    " 1",   "1 ", "1.5", "0x10",  "1e3",
                         "--1", "+",    "-",  "1-2", "1_000", "9223372036854775808",
                         "abc", "\t-1", "1\n"};
    value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ig_parse_int(bad[i], &value) || value != 7) fail_msg("\"%s\" was taken", bad[i]);
}

static void test_parse_real(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0.5", 0.5},  {"-0.25", -0.25},      {"+3", 3}, {"1e-3", 1e-3},
                {"2E5", 2e5},  {".5", 0.5},           {"1.", 1}, {"1e-400", 0},
                {"1e+2", 1e2}, {"4.9e-324", 4.9e-324}};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!ig_parse_real(good[i].text, &value) || value != good[i].value)
            fail_msg("\"%s\" gave %g", good[i].text, value);
    const char *bad[] = {"",   " 1", "1 ", "0,5",   "nan",    "inf",   "-inf", "infinity", "0x1p3",
                         "1e", "e5", ".",  "1e999", "-1e999", "1.2.3", "abc",  "\t1",      "1\n"};
    value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ig_parse_real(bad[i], &value) || value != 7) fail_msg("\"%s\" was taken", bad[i]);
}

static void expect_text(double value, const char *expected) {
    char text[32];
    ig_real_text(value, text, sizeof text);
    assert_string_equal(text, expected);
}

static void test_real_text(void **state) {
    (void)state;
    expect_text(0.001, "0.001");
    expect_text(1e-5, "1e-05");
    expect_text(0.1, "0.1");
    expect_text(60000, "60000");
    expect_text(-3, "-3");
    expect_text(0, "0");
    expect_text(1e300, "1e+300");
    expect_text(1.0 / 3, "0.3333333333333333");
    expect_text(0.1 + 0.2, "0.30000000000000004");
    expect_text(123456.5, "123456.5");
    expect_text(INFINITY, "inf");
    char small[4];
    ig_real_text(0.12345, small, sizeof small);
    assert_string_equal(small, "0.1");
}

/* Doubles of all exponents read back as the same bits. */
static void test_round_trip(void **state) {
    (void)state;
    float u[2];
    for (uint32_t i = 0; i < 3000; i++) {
        ig_rng_uniform(ig_rng_at(1, IG_STREAM_DATA, 0), i, u, 2);
        double value = ldexp(1 + (double)u[0] + (double)u[1] * 0x1p-25, (int)(i % 2040) - 1020);
        char text[32];
        ig_real_text(value, text, sizeof text);
        double back = 0;
        if (!ig_parse_real(text, &back) || memcmp(&back, &value, sizeof value))
            fail_msg("%.17g became \"%s\"", value, text);
    }
}

/* Turkish writes 0,5, and its small I has no dot. The locale is made here, since few machines have
   it. */
static void test_locale(void **state) {
    char command[2 * IG_PATH_MAX];
    snprintf(command, sizeof command,
             "localedef -i tr_TR -f UTF-8 --no-archive '%s' >/dev/null 2>&1",
             path_in(state, "tr_TR.UTF-8"));
    int made = system(command) == 0;
    setenv("LOCPATH", *state, 1);
    if (!made || !setlocale(LC_ALL, "tr_TR.UTF-8")) {
        print_message("no Turkish locale could be made with localedef\n");
        skip();
    }
    char text[32];
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* the locale is what we think it is */
    test_parse_real(state);
    test_real_text(state);
    test_round_trip(state);
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* and we left it alone */
    setlocale(LC_ALL, "C");
}

static void test_copy(void **state) {
    (void)state;
    char from[] = "abc";
    char *copy = ig_copy_text(from);
    from[0] = 'x';
    assert_string_equal(copy, "abc");
    free(copy);
}

/* What a file calls a thing neither moves the cursor nor makes a second line; letters stay. */
static void test_messages_are_harmless(void **state) {
    (void)state;
    ig_err err = {IG_OK, ""};
    ig_fail(&err, IG_EFORMAT, "%s", "a\x1b[2J\nb\x7f \xc2\x9b \xc3\x9b \xc2\xa9");
    assert_string_equal(err.message, "a?[2J?b? ?? \xc3\x9b \xc2\xa9");
}

static void expect_json(const char *text, const char *expected) {
    json_t *json = ig_json_string(text);
    assert_string_equal(json_string_value(json), expected);
    json_decref(json);
}

/* What is no UTF-8 stays readable in JSON; letters beside it stay. */
static void test_json_of_any_bytes(void **state) {
    (void)state;
    expect_json("", "");
    expect_json("b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_json("a\xff", "a?");
    expect_json("\xfe\xc3\xa9\xff.", "?\xc3\xa9?.");
    expect_json("\xe2\x82", "??");                  /* cut off */
    expect_json("\xc0\xaf \xed\xa0\x80", "?? ???"); /* overlong; half of a pair */
}

/* The end of a message, the reason, stays; a letter is not cut in two. */
static void test_long_messages(void **state) {
    (void)state;
    static char path[5001];
    ig_err err = {IG_OK, ""};
    for (int shift = 0; shift < 2; shift++) {
        memset(path, 'a', sizeof path - 1);
        for (size_t i = (size_t)shift; i + 2 < sizeof path; i += 2) memcpy(path + i, "\xc3\x9f", 2);
        for (size_t n = 0; n < sizeof path; n++) {
            size_t most = sizeof err.message - 1;
            ig_fail(&err, IG_EIO, "%s: is gone: make it", path + sizeof path - 1 - n);
            size_t length = strlen(err.message), whole = n + strlen(": is gone: make it");
            assert_true(whole <= most ? length == whole : length <= most && length + 3 > most);
            assert_string_equal(err.message + length - 18, ": is gone: make it");
            assert_int_equal(strstr(err.message, "...") != NULL, whole > most);
            const char *end = strstr(err.message, "...");
            if (end) assert_true(((unsigned char)end[3] & 0xc0) != 0x80);
            if (end) assert_true((unsigned char)end[-1] != 0xc3);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_int),
        cmocka_unit_test(test_parse_real),
        cmocka_unit_test(test_real_text),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test_setup_teardown(test_locale, make_test_folder, remove_test_folder),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_messages_are_harmless),
        cmocka_unit_test(test_json_of_any_bytes),
        cmocka_unit_test(test_long_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
