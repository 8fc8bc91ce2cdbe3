/* Two sounds at once, and the caption of both: partners and joined captions are chosen before
 * training, so that a frozen text tower reads them once and no step makes a text. See
 * train_private.h. */
#include "train_private.h"

#include <string.h>

/* "A dog barks." and "Rain falls": "A dog barks and rain falls". Names that begin with two capitals
 * stay as they are. */
static char *joined_caption(const char *first, const char *second) {
    g_autofree char *a = g_strdup(first);
    g_autofree char *b = g_strdup(second);
    while (g_str_has_suffix(a, ".")) a[strlen(a) - 1] = '\0';
    if (g_ascii_isupper(b[0]) && !g_ascii_isupper(b[1])) b[0] = g_ascii_tolower(b[0]);
    return g_strconcat(a, " and ", b, NULL);
}

static int draw_text(const TrainClip *clip, Random *random) {
    return clip->texts[random_below(random, clip->text_count)];
}

static bool join(Train *train, int number, GError **error) {
    TrainClip *clip = &g_array_index(train->clips, TrainClip, number);
    Random random = train_random(train->options, 0, DRAW_PARTNERS, number);
    for (int tried = 0; tried < 4 * JOINS && clip->joins < JOINS; tried++) {
        int other = random_below(&random, (int)train->clips->len);
        const TrainClip *partner = &g_array_index(train->clips, TrainClip, other);
        int a = draw_text(clip, &random), b = draw_text(partner, &random);
        if (a == b || other == number || (clip->class >= 0 && clip->class == partner->class))
            continue;
        g_autofree char *caption =
            joined_caption(text_bank_text(train->texts, a), text_bank_text(train->texts, b));
        int text = text_bank_add(train->texts, caption, error);
        if (text < 0) return false;
        clip->join[clip->joins++] = (TrainJoin){other, a, b, text};
    }
    return true;
}

bool train_joins_open(Train *train, GError **error) {
    if (train->loss != LOSS_PAIRS || !train->audio_trained || train->options->recipe.join <= 0)
        return true;
    for (guint i = 0; i < train->clips->len; i++)
        if (!join(train, (int)i, error)) return false;
    return true;
}

void train_joins_draw(const Train *train, Random *random, double strength, Example *example) {
    const TrainClip *clip = &g_array_index(train->clips, TrainClip, example->clip);
    if (!clip->joins || random_unit(random) >= train->options->recipe.join * strength) return;
    example->join = &clip->join[random_below(random, clip->joins)];
    example->other = example->join->clip;
}
