/* What is right, wrong, and neither, among the pairs of a batch. */
#include "train_private.h"

enum { DOG, WOLF, RAIN, HOWL, CLIPS };
enum { BARK, A_WOLF, RAINING, HOWLING, BARK_AND_RAIN };

/* Dog and wolf have one label, rain and howl have none. */
static const TrainClip clips[CLIPS] = {{.class = 0}, {.class = 0}, {.class = -1}, {.class = -1}};

static const TrainJoin dog_and_rain = {RAIN, BARK, RAINING, BARK_AND_RAIN};

#define ALONE(clip)                                                                                \
    { clip, -1, 1, NULL }
#define DOG_AND_RAIN                                                                               \
    { DOG, RAIN, 0.6, &dog_and_rain }
#define BATCH 4

/* wanted[i][j]: '+' right, '-' wrong, '.' left out. */
static void expect(const Example *examples, const int *texts, const char *const wanted[BATCH]) {
    TrainOptions options = {.batch = BATCH};
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(TrainClip));
    g_array_append_vals(all, clips, CLIPS);
    Train train = {.options = &options, .clips = all};
    float target[BATCH][BATCH];
    bool left_out[BATCH][BATCH];
    train_pair_targets(&train, examples, texts, target[0], left_out[0]);
    for (int i = 0; i < BATCH; i++) {
        int right = 0;
        for (int j = 0; j < BATCH; j++) right += wanted[i][j] == '+';
        for (int j = 0; j < BATCH; j++) {
            float share = wanted[i][j] == '+' ? 1.0f / (float)right : 0;
            g_assert_cmpfloat_with_epsilon(target[i][j], share, 1e-7);
            g_assert_cmpint(left_out[i][j], ==, wanted[i][j] == '.');
        }
    }
}

static void one_label_or_one_caption_is_right(void) {
    static const Example examples[BATCH] = {ALONE(DOG), ALONE(WOLF), ALONE(RAIN), ALONE(HOWL)};
    static const int labels[BATCH] = {BARK, A_WOLF, RAINING, HOWLING};
    expect(examples, labels, (const char *const[]){"++--", "++--", "--+-", "---+"});
    static const int captions[BATCH] = {BARK, HOWLING, RAINING, HOWLING};
    expect(examples, captions, (const char *const[]){"++--", "++-+", "--+-", "-+-+"});
}

static void the_caption_of_one_of_two_counts_neither_way(void) {
    static const Example examples[BATCH] = {DOG_AND_RAIN, ALONE(WOLF), ALONE(RAIN), ALONE(HOWL)};
    static const int texts[BATCH] = {BARK_AND_RAIN, A_WOLF, RAINING, HOWLING};
    expect(examples, texts, (const char *const[]){"+..-", ".+--", ".-+-", "---+"});
}

/* The howl has no label, and the caption that a part of the mixture has. */
static void so_it_does_where_captions_alone_are_equal(void) {
    static const Example examples[BATCH] = {DOG_AND_RAIN, ALONE(HOWL), ALONE(HOWL), DOG_AND_RAIN};
    static const int texts[BATCH] = {BARK_AND_RAIN, RAINING, HOWLING, BARK_AND_RAIN};
    expect(examples, texts, (const char *const[]){"+.-+", ".++.", "-++-", "+.-+"});
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pair_targets/one_label_or_one_caption_is_right",
                    one_label_or_one_caption_is_right);
    g_test_add_func("/pair_targets/the_caption_of_one_of_two_counts_neither_way",
                    the_caption_of_one_of_two_counts_neither_way);
    g_test_add_func("/pair_targets/so_it_does_where_captions_alone_are_equal",
                    so_it_does_where_captions_alone_are_equal);
    return g_test_run();
}
