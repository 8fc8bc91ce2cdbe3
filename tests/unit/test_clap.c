/* The face of the model: the same bytes whoever asks and when, no allocation in a pass, towers that
 * answer the same to everything are noticed. */
#include "clap.h"
#include "count_mallocs.h"
#include "files.h"
#include "safetensors.h"

#include <math.h>
#include <string.h>

#define MELS    4
#define TEXTS   6
#define INPUTS  (MELS + 1 + TEXTS) /* mels, one longer clip, texts */
#define THREADS 8
#define MOST    64 /* dimensions of the tiny models are fewer */

static char *model_dir(const char *name) {
    return g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "models", name, NULL);
}

static Clap *open_model(const char *name) {
    g_autofree char *dir = model_dir(name);
    g_autoptr(GError) error = NULL;
    Clap *clap = clap_open(dir, &error);
    g_assert_no_error(error);
    return clap;
}

/* ---- inputs, numbered ---- */

/* Mels of input `which`: one, or the four of a longer clip. Caller frees. */
static float *make_mels(const ClapConfig *config, int which, int mels) {
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)which);
    size_t size = (size_t)mels * clap_config_frames(config) * config->audio.num_mel_bins;
    float *mel = g_new(float, size);
    for (size_t i = 0; i < size; i++) mel[i] = (float)g_rand_double_range(rand, -100, 10);
    return mel;
}

static int make_ids(const ClapConfig *config, int which, int32_t *ids) {
    int count = MIN(2 + which * 15, CLAP_MAX_TOKENS);
    for (int i = 0; i < count; i++)
        ids[i] = (which * 131 + i * 7) % (config->text.vocab_size - 3) + 3;
    return count;
}

static void embed(ClapRun *const runs[], const ClapConfig *config, int input, float *out) {
    int32_t ids[CLAP_MAX_TOKENS];
    if (input >= MELS + 1) {
        int count = make_ids(config, input - MELS - 1, ids);
        clap_embed_tokens(runs[CLAP_TEXT], ids, count, out);
        return;
    }
    bool longer = input == MELS && config->audio.enable_fusion;
    g_autofree float *mels = make_mels(config, input, longer ? 4 : 1);
    if (longer)
        clap_embed_mels(runs[CLAP_AUDIO], mels, out);
    else
        clap_embed_mel(runs[CLAP_AUDIO], mels, out);
}

/* ---- the same bytes ---- */

typedef struct {
    Clap *clap;
    int first;
    float out[INPUTS][MOST];
} Job;

/* All inputs, beginning with number `first`: each thread in another order. */
static void *work(void *data) {
    Job *job = data;
    g_autoptr(ClapRun) audio = clap_run_new(job->clap, CLAP_AUDIO, NULL);
    g_autoptr(ClapRun) text = clap_run_new(job->clap, CLAP_TEXT, NULL);
    ClapRun *const runs[] = {[CLAP_AUDIO] = audio, [CLAP_TEXT] = text};
    for (int i = 0; i < INPUTS; i++) {
        int input = (job->first + i * 5) % INPUTS; /* 5 and 11 have no common divisor */
        embed(runs, clap_config(job->clap), input, job->out[input]);
    }
    return NULL;
}

/* A fresh run for each input. */
static void embed_alone(Clap *clap, float out[INPUTS][MOST]) {
    for (int i = 0; i < INPUTS; i++) {
        g_autoptr(ClapRun) audio = clap_run_new(clap, CLAP_AUDIO, NULL);
        g_autoptr(ClapRun) text = clap_run_new(clap, CLAP_TEXT, NULL);
        embed((ClapRun *[]){[CLAP_AUDIO] = audio, [CLAP_TEXT] = text}, clap_config(clap), i,
              out[i]);
    }
}

static void one_input_gives_the_same_bytes_by_any_thread_in_any_order(const void *model) {
    g_autoptr(Clap) alone = open_model(model), shared = open_model(model);
    static float wanted[INPUTS][MOST];
    static Job jobs[THREADS];
    GThread *threads[THREADS];
    int dim = clap_dim(alone);
    embed_alone(alone, wanted);
    for (int i = 0; i < THREADS; i++) { /* the first runs of `shared`: packing is theirs */
        jobs[i] = (Job){.clap = shared, .first = i};
        threads[i] = g_thread_new("embed", work, &jobs[i]);
    }
    for (int i = 0; i < THREADS; i++) g_thread_join(threads[i]);
    for (int i = 0; i < THREADS; i++)
        for (int input = 0; input < INPUTS; input++)
            g_assert_cmpmem(jobs[i].out[input], dim * sizeof(float), wanted[input],
                            dim * sizeof(float));
}

static void settled_weights_give_the_same_bytes(void) {
    g_autoptr(Clap) plain = open_model("unfused"), settled = open_model("unfused");
    static float wanted[INPUTS][MOST], got[INPUTS][MOST];
    clap_settle(settled);
    embed_alone(plain, wanted);
    embed_alone(settled, got);
    g_assert_cmpmem(got, sizeof got, wanted, sizeof wanted);
}

static void different_inputs_give_different_unit_vectors(void) {
    g_autoptr(Clap) clap = open_model("fused");
    static float out[INPUTS][MOST];
    int dim = clap_dim(clap);
    embed_alone(clap, out);
    for (int a = 0; a < INPUTS; a++) {
        double length = 0;
        for (int i = 0; i < dim; i++) length += (double)out[a][i] * out[a][i];
        g_assert_cmpfloat_with_epsilon(length, 1, 1e-6);
        for (int b = 0; b < a; b++) g_assert_true(memcmp(out[a], out[b], dim * sizeof(float)) != 0);
    }
}

/* ---- no allocation ---- */

typedef struct {
    Clap *clap;
    int allocations; /* of the passes, runs and inputs being there */
} Counted;

/* The first passes of a worker's thread. */
static void *count_passes(void *data) {
    Counted *job = data;
    g_autoptr(ClapRun) audio = clap_run_new(job->clap, CLAP_AUDIO, NULL);
    g_autoptr(ClapRun) text = clap_run_new(job->clap, CLAP_TEXT, NULL);
    const ClapConfig *config = clap_config(job->clap);
    g_autofree float *mels = make_mels(config, 1, 4);
    float out[MOST];
    int32_t ids[CLAP_MAX_TOKENS];
    int count = make_ids(config, TEXTS - 1, ids);

    count_begin();
    clap_embed_mel(audio, mels, out);
    if (config->audio.enable_fusion) clap_embed_mels(audio, mels, out);
    clap_embed_tokens(text, ids, count, out);
    job->allocations = count_end();
    return NULL;
}

static void a_pass_never_allocates(const void *model) {
    g_autoptr(Clap) clap = open_model(model);
    Counted job = {.clap = clap, .allocations = -1};
    g_thread_join(g_thread_new("passes", count_passes, &job));
    g_assert_cmpint(job.allocations, ==, 0);
}

static void allocations_are_counted(void) {
    count_begin();
    void *volatile block = g_malloc(100);
    g_free(block);
    g_assert_cmpint(count_end(), ==, 1);
}

/* ---- the self-check ---- */

typedef void (*Breaker)(const char *name, float *values, size_t count);

static void zero_text_pooler(const char *name, float *values, size_t count) {
    if (strcmp(name, "text_model.pooler.dense.weight") == 0)
        memset(values, 0, count * sizeof *values);
}

static void zero_audio_norm(const char *name, float *values, size_t count) {
    if (strcmp(name, "audio_model.audio_encoder.norm.weight") == 0)
        memset(values, 0, count * sizeof *values);
}

static void spoil_audio_bias(const char *name, float *values, size_t count) {
    if (strcmp(name, "audio_projection.linear2.bias") == 0) values[0] = NAN;
}

static void copy_config(const char *from, const char *to) {
    static const char *const files[] = {"config.json", "preprocessor_config.json"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *source = g_build_filename(from, files[i], NULL);
        g_autofree char *target = g_build_filename(to, files[i], NULL);
        g_autofree char *text = NULL;
        gsize length;
        g_assert_true(g_file_get_contents(source, &text, &length, NULL));
        g_assert_true(g_file_set_contents(target, text, (gssize)length, NULL));
    }
}

/* A copy of the tiny model "unfused" with tensors changed by `breaker`, in a new directory. */
static char *broken_model(Breaker breaker) {
    g_autofree char *from = model_dir("unfused");
    g_autofree char *source = g_build_filename(from, "model.safetensors", NULL);
    char *dir = files_dir();
    g_autofree char *target = g_build_filename(dir, "model.safetensors", NULL);
    copy_config(from, dir);
    g_autoptr(Safetensors) st = safetensors_open(source, NULL);
    g_autofree Tensor *tensors = g_new(Tensor, safetensors_count(st));
    g_autoptr(GPtrArray) copies = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < safetensors_count(st); i++) {
        tensors[i] = *safetensors_at(st, i);
        tensors[i].data = g_memdup2(tensors[i].data, tensors[i].bytes);
        g_ptr_array_add(copies, (void *)tensors[i].data);
        breaker(tensors[i].name, (float *)tensors[i].data, tensors[i].bytes / sizeof(float));
    }
    g_assert_true(safetensors_write(target, tensors, safetensors_count(st), NULL, NULL));
    return dir;
}

static char *check(Clap *clap, ClapTower tower) {
    static const int32_t a[] = {0, 20, 2}, b[] = {0, 33, 41, 2}, c[] = {0, 7, 9, 50, 2};
    g_autoptr(ClapRun) run = clap_run_new(clap, tower, NULL);
    if (tower == CLAP_AUDIO) return clap_check_audio(run);
    return clap_check_text(run, (const int32_t *const[]){a, b, c}, (const int[]){3, 4, 5}, 3);
}

/* What the check says of a model broken by `breaker`. */
static char *check_broken(Breaker breaker, ClapTower tower) {
    char *dir = broken_model(breaker);
    g_autoptr(Clap) clap = clap_open(dir, NULL);
    char *fault = check(clap, tower);
    files_remove(dir);
    return fault;
}

static void a_working_model_passes_the_check(void) {
    g_autoptr(Clap) clap = open_model("unfused");
    g_assert_null(check(clap, CLAP_AUDIO));
    g_assert_null(check(clap, CLAP_TEXT));
}

static void towers_that_answer_the_same_to_everything_are_noticed(void) {
    g_autofree char *text = check_broken(zero_text_pooler, CLAP_TEXT);
    g_assert_true(strstr(text, "text tower answers nearly the same") != NULL);
    g_autofree char *audio = check_broken(zero_audio_norm, CLAP_AUDIO);
    g_assert_true(strstr(audio, "audio tower answers nearly the same") != NULL);
    g_assert_null(check_broken(zero_audio_norm, CLAP_TEXT));
}

static void vectors_that_are_no_numbers_are_noticed(void) {
    g_autofree char *audio = check_broken(spoil_audio_bias, CLAP_AUDIO);
    g_assert_true(strstr(audio, "not numbers") != NULL);
}

/* ---- what a model says of itself ---- */

static void the_hash_is_that_of_the_weight_file(void) {
    g_autoptr(Clap) clap = open_model("window");
    g_autofree char *dir = model_dir("window");
    g_autofree char *path = g_build_filename(dir, "model.safetensors", NULL);
    g_autofree char *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    g_autofree char *wanted =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, length);
    g_assert_cmpstr(clap_weights_sha256(clap), ==, wanted);
    g_assert_cmpstr(clap_type_name(clap), ==, "f32");
}

static void a_missing_tensor_is_named(void) {
    g_autofree char *from = model_dir("unfused");
    char *dir = broken_model(zero_text_pooler);
    g_autofree char *target = g_build_filename(dir, "model.safetensors", NULL);
    g_autofree char *source = g_build_filename(from, "model.safetensors", NULL);
    g_autoptr(Safetensors) st = safetensors_open(source, NULL);
    Tensor only = *safetensors_find(st, "logit_scale_a");
    g_assert_true(safetensors_write(target, &only, 1, NULL, NULL));
    g_autoptr(GError) error = NULL;
    g_assert_null(clap_open(dir, &error));
    g_assert_true(strstr(error->message, "audio_model.audio_encoder.batch_norm.weight") != NULL);
    files_remove(dir);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/clap/same_bytes/fused", "fused",
                         one_input_gives_the_same_bytes_by_any_thread_in_any_order);
    g_test_add_data_func("/clap/same_bytes/padded", "padded",
                         one_input_gives_the_same_bytes_by_any_thread_in_any_order);
    g_test_add_func("/clap/settled_weights_give_the_same_bytes",
                    settled_weights_give_the_same_bytes);
    g_test_add_func("/clap/different_inputs_give_different_unit_vectors",
                    different_inputs_give_different_unit_vectors);
    g_test_add_func("/clap/allocations_are_counted", allocations_are_counted);
    g_test_add_data_func("/clap/a_pass_never_allocates/fused", "fused", a_pass_never_allocates);
    g_test_add_data_func("/clap/a_pass_never_allocates/unfused", "unfused", a_pass_never_allocates);
    g_test_add_func("/clap/a_working_model_passes_the_check", a_working_model_passes_the_check);
    g_test_add_func("/clap/towers_that_answer_the_same_to_everything_are_noticed",
                    towers_that_answer_the_same_to_everything_are_noticed);
    g_test_add_func("/clap/vectors_that_are_no_numbers_are_noticed",
                    vectors_that_are_no_numbers_are_noticed);
    g_test_add_func("/clap/the_hash_is_that_of_the_weight_file",
                    the_hash_is_that_of_the_weight_file);
    g_test_add_func("/clap/a_missing_tensor_is_named", a_missing_tensor_is_named);
    return g_test_run();
}
