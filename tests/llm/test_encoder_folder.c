/*
 * test_encoder_folder.c - every folder that is no encoder: the right status, one clear sentence, no crash.
 */
#include "tiny_bert.h"

#include <unistd.h>

static struct arena *arena;
static struct tiny tiny;
static const struct backend *two;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    assert_ok(backend_open("cpu", 2, &two));
    tiny_make(&tiny, arena, 5, 40);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define REFUSED(at, status, ...) test_fails(encoder_open(at, two, &e), status, __VA_ARGS__, NULL)

static void folders_that_are_none(void **state)
{
    (void)state;
    struct encoder *e = NULL;
    char *other = test_folder();
    REFUSED(test_path(other, "minilm"), STATUS_UNAVAILABLE, "minilm", "run tools/get-models.sh minilm");
    REFUSED(test_path(other, "x"), STATUS_UNAVAILABLE, "no such folder", "tools/get-models.sh");
    REFUSED(other, STATUS_UNAVAILABLE, "no model.safetensors", "tools/get-models.sh");
    test_write(test_path(other, "file"), "text");
    REFUSED(test_path(other, "file"), STATUS_DATA, "a model is a folder");
    tiny_write(&tiny, other);
    assert_int_equal(unlink(test_path(other, "vocab.txt")), 0);
    REFUSED(other, STATUS_DATA, "vocab.txt", "missing", "tools/get-models.sh");
    tiny_write(&tiny, other);
    assert_int_equal(unlink(test_path(other, "config.json")), 0);
    REFUSED(other, STATUS_DATA, "config.json", "missing", "tools/get-models.sh");
    test_folder_remove(other);
}

/* config.json with `from` replaced by `to`. */
static void edit_config(const char *other, const char *from, const char *to)
{
    char *bytes;
    size_t n;
    tiny_write_config(&tiny, other);
    assert_ok(read_whole_file(test_path(other, "config.json"), 1 << 20, arena, &bytes, &n));
    const char *place = strstr(bytes, from);
    assert_non_null(place);
    test_write(test_path(other, "config.json"),
               arena_printf(arena, "%.*s%s%s", (int)(place - bytes), bytes, to, place + strlen(from)));
}

static void bad_configs_and_vocabularies(void **state)
{
    (void)state;
    struct encoder *e = NULL;
    char *other = test_folder();
    tiny_write(&tiny, other);
    static const struct {
        const char *from, *to, *word;
    } cases[] = {{"{", "[", "not JSON"},
                 {"\"hidden_size\": 96", "\"hidden_size\": 96.5", "hidden_size"},
                 {"\"hidden_size\": 96", "\"hidden_size\": 95", "hidden_size 95 over 3 heads"},
                 {"\"hidden_size\": 96", "\"hidden_size\": 192", "shape that config.json asks for"},
                 {"\"hidden_size\": 96,", "", "hidden_size is missing"},
                 {"\"bert\"", "\"roberta\"", "'roberta'"},
                 {"\"gelu\"", "\"relu\"", "'relu'"},
                 {"\"gelu\"", "7", "hidden_act"},
                 {"heads\": 3", "heads\": 0", "num_attention_heads is 0"},
                 {"heads\": 3", "heads\": -3", "num_attention_heads is -3"},
                 {"layers\": 2", "layers\": 3", "'encoder.layer.2.attention.self.query.weight' is missing"},
                 {"layers\": 2", "layers\": 2000000", "num_hidden_layers is 2000000"},
                 {"_size\": 80", "_size\": 96", "shape that config.json asks for"},
                 {"embeddings\": 40", "embeddings\": 1", "max_position_embeddings is 1"},
                 {"embeddings\": 40", "embeddings\": 41", "shape that config.json asks for"},
                 {"embeddings\": 40", "embeddings\": 40, \"vocab_size\": 9", "duplicate"},
                 {"1e-12", "0", "layer_norm_eps"},
                 {"1e-12", "\"small\"", "layer_norm_eps"},
                 {"1e-12", "NaN", "not JSON"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        edit_config(other, cases[i].from, cases[i].to);
        REFUSED(other, STATUS_DATA, cases[i].word);
    }
    test_write(test_path(other, "config.json"), "[]");
    REFUSED(other, STATUS_DATA, "config.json", "no JSON object");
    test_write(test_path(other, "config.json"), "");
    REFUSED(other, STATUS_DATA, "config.json", "not JSON");
    tiny_write_config(&tiny, other);
    tiny_write_vocabulary(other, TINY_VOCABULARY - 1);
    REFUSED(other, STATUS_DATA, "vocab.txt", "59 pieces", "vocab_size is 60");
    test_write(test_path(other, "vocab.txt"), "");
    REFUSED(other, STATUS_DATA, "vocab.txt", "[PAD]");
    tiny_write_vocabulary(other, TINY_VOCABULARY);
    edit_config(other, "\"vocab_size\": 60", "\"vocab_size\": 59");
    REFUSED(other, STATUS_DATA, "vocab.txt", "60 pieces", "vocab_size is 59");
    tiny_write_config(&tiny, other);
    assert_ok(encoder_open(other, two, &e));
    encoder_close(e);
    test_folder_remove(other);
}

static void bad_weights(void **state)
{
    (void)state;
    struct encoder *e = NULL;
    char *other = test_folder();
    const char *path = test_path(other, "model.safetensors");
    tiny_write(&tiny, other);
    for (size_t i = 0; i + 2 < tiny.n; i++) { /* each but the pooler's */
        tiny_write_weights(&tiny, other, "", tiny.tensor[i].name);
        REFUSED(other, STATUS_DATA, "model.safetensors", tiny.tensor[i].name, "is missing");
    }
    float *value = tiny_find(&tiny, "encoder.layer.%d.output.dense.bias", 1);
    const float kept = value[7];
    value[7] = NAN;
    tiny_write_weights(&tiny, other, "", NULL);
    REFUSED(other, STATUS_DATA, "'encoder.layer.1.output.dense.bias'", "not finite", "position 7");
    value[7] = kept;
    struct tiny_tensor *up = &tiny.tensor[0];
    while (strcmp(up->name, "encoder.layer.0.intermediate.dense.weight") != 0)
        up++;
    const uint64_t rows = up->cols, cols = up->rows;
    up->rows = rows, up->cols = cols; /* transposed */
    tiny_write_weights(&tiny, other, "", NULL);
    REFUSED(other, STATUS_DATA, "intermediate.dense.weight", "shape");
    up->rows = cols, up->cols = rows;
    tiny_write_weights(&tiny, other, "", NULL);
    assert_int_equal(truncate(path, 100000), 0);
    REFUSED(other, STATUS_DATA, "model.safetensors", "cut off");
    assert_int_equal(truncate(path, 0), 0);
    REFUSED(other, STATUS_DATA, "model.safetensors", "0 bytes");
    test_write(path, "version https://git-lfs.github.com/spec/v1\n");
    REFUSED(other, STATUS_DATA, "model.safetensors", "header's length");
    test_folder_remove(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(folders_that_are_none),
                                       cmocka_unit_test(bad_configs_and_vocabularies),
                                       cmocka_unit_test(bad_weights)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
