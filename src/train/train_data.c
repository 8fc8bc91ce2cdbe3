/* From manifests to clips, classes and texts, all numbered. Keywords become sentences here (as the
 * paper's keyword-to-caption augmentation has it): a label stands for itself and for sentences made
 * of it. See train_private.h. */
#include "error.h"
#include "file.h"
#include "sentences.h"
#include "train_private.h"

#include <math.h>
#include <string.h>

#define MAX_CAPTIONS   (64 << 20) /* bytes of a file of captions */
#define MOST_PER_CLASS 40         /* captions that may stand for a class */
#define MOST_SENTENCES 16384      /* whose similarities are kept */
#define MOST_CLASSES   8192       /* of --loss classes, whose likeness to each other is kept */
#define HELD_OUT       10         /* one clip in so many, where no --valid is given */
#define LEAST_HELD_OUT 40         /* clips from which some are held out */

/* ---- clips ---- */

static void clip_clear(void *data) {
    g_free(((TrainClip *)data)->texts);
}

static void class_clear(void *data) {
    TrainClass *class = data;
    g_free(class->name);
    g_free(class->texts);
    g_array_unref(class->clips);
}

/* The numbers of all sentences about `keywords`. */
static bool add_sentences(Train *train, const char *keywords, int *texts, GError **error) {
    for (int i = 0; i < SENTENCES; i++) {
        g_autofree char *text = sentence_of(i, keywords);
        texts[i] = text_bank_add(train->texts, text, error);
        if (texts[i] < 0) return false;
    }
    return true;
}

static int class_of(Train *train, GHashTable *known, const char *label, GError **error) {
    int number = GPOINTER_TO_INT(g_hash_table_lookup(known, label));
    if (number) return number - 1;
    TrainClass class = {.name = g_strdup(label), .templates = SENTENCES, .count = SENTENCES};
    class.texts = g_new(int, SENTENCES + MOST_PER_CLASS);
    class.clips = g_array_new(FALSE, FALSE, sizeof(int));
    bool well = add_sentences(train, label, class.texts, error);
    g_array_append_val(train->classes, class);
    g_hash_table_insert(known, class.name, GINT_TO_POINTER((int)train->classes->len));
    return well ? (int)train->classes->len - 1 : -1;
}

/* A clip's captions; without any, the sentences made of its label and of its keywords. */
static bool add_texts(Train *train, const ManifestClip *from, TrainClip *clip, GError **error) {
    int captions = (int)from->captions->len, keywords = captions ? 0 : (int)from->keywords->len;
    int own = !captions && clip->class >= 0 ? SENTENCES : 0;
    clip->texts = g_new(int, captions + own + keywords * SENTENCES);
    if (own)
        memcpy(clip->texts, g_array_index(train->classes, TrainClass, clip->class).texts,
               sizeof(int) * SENTENCES);
    clip->text_count = captions + own + keywords * SENTENCES;
    for (int i = 0; i < captions; i++) {
        clip->texts[i] = text_bank_add(train->texts, from->captions->pdata[i], error);
        if (clip->texts[i] < 0) return false;
    }
    for (int i = 0; i < keywords; i++)
        if (!add_sentences(train, from->keywords->pdata[i], clip->texts + own + i * SENTENCES,
                           error))
            return false;
    return true;
}

/* `held` (by path) are those that are not learnt from, from whichever manifest. */
static bool add_clips(Train *train, int number, GHashTable *labels, GHashTable *held,
                      GError **error) {
    TrainSource *source = &train->sources[number];
    GPtrArray *clips = source->manifest->clips;
    source->first = (int)train->clips->len;
    for (guint i = 0; i < clips->len; i++) {
        ManifestClip *from = clips->pdata[i];
        if (g_hash_table_contains(held, from->path)) continue;
        TrainClip clip = {.path = from->path, .class = -1, .source = number};
        if (from->label) clip.class = class_of(train, labels, from->label, error);
        if (from->label && clip.class < 0) return false;
        bool well = add_texts(train, from, &clip, error);
        int at = (int)train->clips->len;
        g_array_append_val(train->clips, clip);
        if (!well) return false;
        if (clip.class >= 0)
            g_array_append_val(g_array_index(train->classes, TrainClass, clip.class).clips, at);
    }
    source->count = (int)train->clips->len - source->first;
    return true;
}

/* ---- what is held out ---- */

/* The clips label by label, as the labels first appear; those without one come first. */
static GPtrArray *by_label(const Manifest *manifest) {
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    g_ptr_array_add(groups, g_ptr_array_new());
    for (guint i = 0; i < manifest->clips->len; i++) {
        ManifestClip *clip = manifest->clips->pdata[i];
        GPtrArray *group = clip->label ? g_hash_table_lookup(known, clip->label) : groups->pdata[0];
        if (!group) {
            group = g_ptr_array_new();
            g_ptr_array_add(groups, group);
            g_hash_table_insert(known, clip->label, group);
        }
        g_ptr_array_add(group, clip);
    }
    return groups;
}

/* Every tenth clip, label by label; never the only one of a label. */
static void hold_out(const Manifest *manifest, GPtrArray *held) {
    g_autoptr(GPtrArray) groups = by_label(manifest);
    int since = 0;
    for (guint g = 0; g < groups->len; g++) {
        GPtrArray *group = groups->pdata[g];
        for (guint i = 0; i < group->len && (g == 0 || group->len > 1); i++)
            if (++since % HELD_OUT == 0) g_ptr_array_add(held, group->pdata[i]);
    }
}

/* Sounds that are both learnt from and measured with tell nothing. */
static void warn_of_overlap(const Train *train, const Manifest *valid) {
    g_autoptr(GHashTable) learnt = g_hash_table_new(g_str_hash, g_str_equal);
    guint both = 0;
    for (guint i = 0; i < train->clips->len; i++)
        g_hash_table_add(learnt, g_array_index(train->clips, TrainClip, i).path);
    for (guint i = 0; i < valid->clips->len; i++)
        both += g_hash_table_contains(learnt, ((ManifestClip *)valid->clips->pdata[i])->path);
    if (both == 0) return;
    g_autofree char *line = g_strdup_printf("%s: %u of its %u sounds are learnt from as well",
                                            train->options->valid, both, valid->clips->len);
    train_warn(train, line);
}

/* ---- drawing ---- */

static void weigh_source(const Train *train, TrainSource *source) {
    int classes = (int)train->classes->len;
    source->weights = g_new0(double, MAX(classes, 1));
    source->members = g_new0(int *, MAX(classes, 1));
    source->sizes = g_new0(int, MAX(classes, 1));
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        const GArray *clips = g_array_index(train->classes, TrainClass, c).clips;
        source->members[c] = g_new(int, MAX(clips->len, 1));
        for (guint i = 0; i < clips->len; i++) {
            int clip = g_array_index(clips, int, i);
            if (clip >= source->first && clip < source->first + source->count)
                source->members[c][source->sizes[c]++] = clip;
        }
        int size = source->sizes[c];
        sum += size ? pow(size, train->options->recipe.balance) : 0;
        source->weights[c] = sum;
    }
}

/* ---- captions that name a class ---- */

/* A word without its ending, so that "barking" names "bark". Caller frees. */
static char *stem_of(const char *word) {
    static const char *const endings[] = {"ing", "ed", "es", "s", "e"};
    gsize len = strlen(word);
    for (gsize i = 0; len > 4 && i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(word, endings[i])) return g_strndup(word, len - strlen(endings[i]));
    return g_strdup(word);
}

static bool is_small(const char *word) {
    static const char *const small[] = {"a",    "an",      "the",  "in",   "on", "of",
                                        "with", "and",     "to",   "from", "at", "by",
                                        "hard", "through", "long", "sound"};
    for (gsize i = 0; i < G_N_ELEMENTS(small); i++)
        if (strcmp(word, small[i]) == 0) return true;
    return false;
}

/* Stems of the words of a text that mean something; a set. */
static GHashTable *stems_of(const char *text) {
    GHashTable *stems = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *lower = g_utf8_strdown(text, -1);
    g_auto(GStrv) words = g_strsplit_set(lower, " ,.;:!?()\"'-_/\t", -1);
    for (char **word = words; *word; word++)
        if (**word && !is_small(*word)) g_hash_table_add(stems, stem_of(*word));
    return stems;
}

static bool holds_all(GHashTable *stems, GHashTable *wanted) {
    GHashTableIter iter;
    void *stem;
    g_hash_table_iter_init(&iter, wanted);
    while (g_hash_table_iter_next(&iter, &stem, NULL))
        if (!g_hash_table_contains(stems, stem)) return false;
    return g_hash_table_size(wanted) > 0;
}

/* Captions are spread evenly over those that name the class. */
static bool add_named(Train *train, TrainClass *class, char **captions, GPtrArray *stems,
                      GError **error) {
    g_autoptr(GHashTable) wanted = stems_of(class->name);
    g_autoptr(GArray) naming = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < stems->len; i++)
        if (holds_all(stems->pdata[i], wanted)) g_array_append_val(naming, i);
    guint some = MIN(naming->len, MOST_PER_CLASS);
    for (guint i = 0; i < some; i++) {
        guint at = g_array_index(naming, guint, i * naming->len / some);
        int text = text_bank_add(train->texts, captions[at], error);
        if (text < 0) return false;
        class->texts[class->count++] = text;
    }
    return true;
}

static bool add_sentence(Train *train, const char *text, GError **error) {
    int number = text_bank_add(train->texts, text, error);
    if (number >= 0) g_array_append_val(train->sentences, number);
    return number >= 0;
}

static char **read_lines(const char *path, GError **error) {
    g_autoptr(GBytes) bytes = file_bytes(path, MAX_CAPTIONS, error);
    if (!bytes) return NULL;
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    g_autofree char *text = g_strndup(data ? data : "", len);
    if (!g_utf8_validate(text, (gssize)len, NULL)) {
        error_fail(error, ERR_FORMAT, "%s: is not UTF-8 text", path);
        return NULL;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GPtrArray *kept = g_ptr_array_new();
    for (char **line = lines; *line; line++) {
        char *caption = g_strstrip(g_strdup(*line));
        if (*caption)
            g_ptr_array_add(kept, caption);
        else
            g_free(caption);
    }
    g_ptr_array_add(kept, NULL);
    return (char **)g_ptr_array_free(kept, FALSE);
}

static bool read_captions(Train *train, GError **error) {
    const char *path = train->options->captions;
    if (!path) return true;
    g_auto(GStrv) captions = read_lines(path, error);
    if (!captions) return false;
    guint count = g_strv_length(captions);
    if (count == 0) return error_fail(error, ERR_FORMAT, "%s: holds no captions", path);
    g_autoptr(GPtrArray) stems = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
    for (guint i = 0; i < count; i++) g_ptr_array_add(stems, stems_of(captions[i]));
    for (guint c = 0; c < train->classes->len; c++)
        if (!add_named(train, &g_array_index(train->classes, TrainClass, c), captions, stems,
                       error))
            return false;
    guint some = MIN(count, MOST_SENTENCES);
    for (guint i = 0; i < some; i++)
        if (!add_sentence(train, captions[(guint64)i * count / some], error)) return false;
    return true;
}

/* ---- texts to distil: as they are, capitalised, with a full stop ---- */

static bool add_teacher_texts(Train *train, GError **error) {
    for (int i = 0; i < train->teacher->count; i++) {
        const char *text = train->teacher->keys[i];
        g_autofree char *first = g_utf8_substring(text, 0, 1);
        g_autofree char *upper = g_utf8_strup(first, -1);
        g_autofree char *capital = g_strconcat(upper, g_utf8_next_char(text), NULL);
        g_autofree char *stopped = g_strconcat(text, ".", NULL);
        g_autofree char *both = g_strconcat(capital, ".", NULL);
        const char *variants[] = {text, capital, stopped, both};
        for (gsize v = 0; v < G_N_ELEMENTS(variants); v++)
            if (!add_sentence(train, variants[v], error)) return false;
    }
    return true;
}

/* ---- all of it ---- */

static TrainLoss loss_of(const Train *train) {
    bool labels = true, captions = false;
    if (train->options->loss != LOSS_AUTO) return train->options->loss;
    for (int i = 0; i < train->source_count; i++) {
        labels &= manifest_has_labels(train->sources[i].manifest);
        captions |= manifest_has_captions(train->sources[i].manifest);
    }
    return labels && !captions ? LOSS_CLASSES : LOSS_PAIRS;
}

static bool read_sources(Train *train, GError **error) {
    const TrainOptions *o = train->options;
    train->source_count = o->data ? (int)g_strv_length(o->data) : 0;
    train->sources = g_new0(TrainSource, MAX(train->source_count, 1));
    double sum = 0;
    for (int i = 0; i < train->source_count; i++) {
        train->sources[i].manifest = manifest_read(o->data[i], o->file_words, error);
        if (!train->sources[i].manifest) return false;
    }
    for (int i = 0; i < train->source_count; i++) {
        double clips = train->sources[i].manifest->clips->len;
        sum += train->sources[i].share = o->shares ? o->shares[i] : clips;
    }
    for (int i = 0; i < train->source_count; i++) train->sources[i].share /= sum;
    train->loss = loss_of(train);
    for (int i = 0; i < train->source_count && train->loss == LOSS_CLASSES; i++)
        if (!manifest_has_labels(train->sources[i].manifest))
            return error_fail(error, ERR_USAGE, "%s: --loss classes wants a label for every sound",
                              o->data[i]);
    return true;
}

static bool check_enough(const Train *train, GError **error) {
    const char *path = train->options->data[0];
    for (int i = 0; i < train->source_count; i++)
        if (train->sources[i].count == 0)
            return error_fail(error, ERR_USAGE, "%s: all of its sounds are held out of %s",
                              train->options->data[i], path);
    if (train->loss == LOSS_CLASSES && train->classes->len > MOST_CLASSES)
        return error_fail(error, ERR_LIMIT, "%s: more than %d labels: --loss pairs", path,
                          MOST_CLASSES);
    if ((int)train->clips->len < train->options->batch)
        return error_fail(error, ERR_USAGE,
                          "%s: %u sounds to learn from are fewer than a batch of %d: --batch", path,
                          train->clips->len, train->options->batch);
    if (train->loss == LOSS_CLASSES && train->classes->len < 2)
        return error_fail(error, ERR_USAGE,
                          "%s: has a single class; there is nothing to tell apart", path);
    return true;
}

bool train_data_open(Train *train, GError **error) {
    train->clips = g_array_new(FALSE, TRUE, sizeof(TrainClip));
    train->classes = g_array_new(FALSE, TRUE, sizeof(TrainClass));
    train->sentences = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(train->clips, clip_clear);
    g_array_set_clear_func(train->classes, class_clear);
    train->texts = text_bank_new(train->bpe, clap_config_tokens(&train->config));
    if (train->distils) return add_teacher_texts(train, error);
    if (!read_sources(train, error)) return false;
    g_autoptr(GHashTable) labels = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) held = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(Manifest) valid = NULL;
    if (train->options->valid) {
        valid = manifest_read(train->options->valid, train->options->file_words, error);
        if (!valid) return false;
    } else {
        valid = g_new0(Manifest, 1);
        valid->clips = g_ptr_array_new();
        if (train->sources[0].manifest->clips->len >= LEAST_HELD_OUT)
            hold_out(train->sources[0].manifest, valid->clips);
        for (guint i = 0; i < valid->clips->len; i++)
            g_hash_table_add(held, ((ManifestClip *)valid->clips->pdata[i])->path);
    }
    for (int i = 0; i < train->source_count; i++)
        if (!add_clips(train, i, labels, held, error)) return false;
    if (train->options->valid) warn_of_overlap(train, valid);
    for (int i = 0; i < train->source_count; i++) weigh_source(train, &train->sources[i]);
    return check_enough(train, error) && read_captions(train, error) &&
           train_joins_open(train, error) && validation_open(train, valid, error);
}

void train_data_close(Train *train) {
    for (int i = 0; i < train->source_count; i++) {
        TrainSource *source = &train->sources[i];
        for (guint c = 0; source->members && c < train->classes->len; c++)
            g_free(source->members[c]);
        g_free(source->members);
        g_free(source->sizes);
        g_free(source->weights);
        manifest_free(source->manifest);
    }
    g_free(train->sources);
    if (train->clips) g_array_unref(train->clips);
    if (train->classes) g_array_unref(train->classes);
    if (train->sentences) g_array_unref(train->sentences);
    text_bank_free(train->texts);
}
