/* The comparison itself: it finds what is wrong, where, and says so; a recording that does not fit
 * is refused. */
#include "verify.h"

#include "files.h"
#include "safetensors.h"

#include <math.h>
#include <string.h>

typedef struct {
    Clap *clap;
    Safetensors *recording; /* of the tiny model "window" */
    char *folder, *path;    /* where a changed copy goes */
} Fixture;

static void set_up(Fixture *fixture, const void *unused) {
    g_autofree char *dir =
        g_build_filename(g_getenv("EARSHOT_SOURCE"), "tests", "ref", "models", "window", NULL);
    g_autofree char *recording = g_build_filename(dir, "reference.safetensors", NULL);
    fixture->folder = files_dir();
    fixture->clap = clap_open(dir, NULL);
    fixture->recording = safetensors_open(recording, NULL);
    fixture->path = g_build_filename(fixture->folder, "changed.safetensors", NULL);
    g_assert_true(fixture->clap && fixture->recording);
}

static void tear_down(Fixture *fixture, const void *unused) {
    files_remove(fixture->folder);
    g_free(fixture->path);
    safetensors_close(fixture->recording);
    clap_close(fixture->clap);
}

/* Writes the recording with tensor `name` changed: element `at` becomes `value`; at −1: it loses
 * its first dimension's last entry; `renamed` (or NULL) becomes its name. */
static void write_changed(Fixture *fixture, const char *name, int at, float value,
                          const char *renamed) {
    int count = safetensors_count(fixture->recording);
    g_autofree Tensor *tensors = g_new(Tensor, count);
    g_autofree float *copy = NULL;
    for (int i = 0; i < count; i++) {
        tensors[i] = *safetensors_at(fixture->recording, i);
        if (strcmp(tensors[i].name, name) != 0) continue;
        copy = g_memdup2(tensors[i].data, tensors[i].bytes);
        tensors[i].data = copy;
        if (at >= 0) copy[at] = value;
        if (at < 0) tensors[i].bytes -= tensors[i].bytes / tensors[i].shape[0]--;
        if (renamed) tensors[i].name = renamed;
    }
    g_assert_nonnull(copy);
    g_assert_true(safetensors_write(fixture->path, tensors, count, NULL, NULL));
}

/* The first line of complaint, or NULL. */
static char *complaint(Fixture *fixture) {
    VerifyResult *stages = NULL;
    int count = 0;
    g_autoptr(GError) error = NULL;
    verify_run(fixture->clap, fixture->path, &stages, &count, &error);
    g_assert_no_error(error);
    g_assert_cmpint(count, ==, safetensors_count(fixture->recording) - 6); /* all but the inputs */
    const VerifyResult *bad = verify_first_bad(stages, count);
    char *line = bad ? verify_line(bad) : NULL;
    verify_free(stages, count);
    return line;
}

static void the_first_stage_that_diverges_is_named_with_its_element(Fixture *fixture,
                                                                    const void *unused) {
    write_changed(fixture, "audio.stage0.block1#1", 5, 99, NULL);
    g_autofree char *line = complaint(fixture);
    g_assert_true(g_str_has_prefix(line, "audio.stage0.block1#1 [64][21]: "));
    g_assert_true(strstr(line, "element 5 is") && strstr(line, "recorded 99"));
}

static void a_difference_just_above_the_tolerance_counts(Fixture *fixture, const void *unused) {
    const Tensor *tensor = safetensors_find(fixture->recording, "text.pooled#2");
    const float *values = tensor->data;
    double scale = 0;
    for (size_t i = 0; i < tensor->bytes / sizeof(float); i++) scale = fmax(scale, fabs(values[i]));
    write_changed(fixture, "text.pooled#2", 3, values[3] + (float)(scale * 1.5e-5), NULL);
    g_autofree char *line = complaint(fixture);
    g_assert_true(line && strstr(line, "element 3 is"));
}

static void a_recorded_number_that_is_none_counts(Fixture *fixture, const void *unused) {
    write_changed(fixture, "audio.embedding#0", 0, NAN, NULL);
    g_autofree char *line = complaint(fixture);
    g_assert_true(line && strstr(line, "audio.embedding#0"));
}

static void a_recorded_stage_that_nothing_computes_counts(Fixture *fixture, const void *unused) {
    write_changed(fixture, "audio.stage0.block1#0", 0, 0, "audio.stage7.block1#0");
    g_autofree char *line = complaint(fixture);
    g_assert_cmpstr(line, ==,
                    "audio.stage7.block1#0: recorded, but no stage of this model gives such a "
                    "tensor");
}

static void check_refused(Fixture *fixture, const char *why) {
    VerifyResult *stages = NULL;
    int count = 0;
    g_autoptr(GError) error = NULL;
    g_assert_false(verify_run(fixture->clap, fixture->path, &stages, &count, &error));
    g_assert_true(strstr(error->message, why) != NULL);
}

static void mels_of_another_length_are_refused(Fixture *fixture, const void *unused) {
    write_changed(fixture, "audio.mel#0", -1, 0, NULL);
    check_refused(fixture, "audio.mel#0: not F32, or not the mels of one window");
}

static void ids_outside_the_vocabulary_are_refused(Fixture *fixture, const void *unused) {
    write_changed(fixture, "text.ids#2", 0, 1e9f, NULL); /* the low half of the first id */
    check_refused(fixture, "text.ids#2: a token id that is not in the vocabulary");
}

static void more_ids_than_the_model_reads_are_refused(Fixture *fixture, const void *unused) {
    int count = clap_config_tokens(clap_config(fixture->clap)) + 1;
    g_autofree int64_t *ids = g_new0(int64_t, count);
    Tensor tensor = {"text.ids#0", ST_I64, 2, {1, count}, ids, (size_t)count * sizeof *ids};
    g_assert_true(safetensors_write(fixture->path, &tensor, 1, NULL, NULL));
    check_refused(fixture, "text.ids#0: not token ids of type I64, at most as many");
}

static void four_mels_for_a_model_that_does_not_fuse_are_refused(Fixture *fixture,
                                                                 const void *unused) {
    write_changed(fixture, "audio.mel#0", 0, 0, "audio.mels#0");
    check_refused(fixture, "this model does not fuse mels");
}

static void a_recording_without_inputs_is_refused(Fixture *fixture, const void *unused) {
    Tensor only = *safetensors_find(fixture->recording, "text.pooled#2");
    g_assert_true(safetensors_write(fixture->path, &only, 1, NULL, NULL));
    check_refused(fixture, "holds no input");
}

#define ADD(test) g_test_add("/verify/" #test, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD(the_first_stage_that_diverges_is_named_with_its_element);
    ADD(a_difference_just_above_the_tolerance_counts);
    ADD(a_recorded_number_that_is_none_counts);
    ADD(a_recorded_stage_that_nothing_computes_counts);
    ADD(mels_of_another_length_are_refused);
    ADD(ids_outside_the_vocabulary_are_refused);
    ADD(more_ids_than_the_model_reads_are_refused);
    ADD(four_mels_for_a_model_that_does_not_fuse_are_refused);
    ADD(a_recording_without_inputs_is_refused);
    return g_test_run();
}
