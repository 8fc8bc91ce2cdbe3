/* How sure hits are: by their cosine; without a vector by words.
 *
 * By words it is the share of what was asked for that is said of the clip. Words weigh as much as
 * the best BM25 that each has among all candidates, which grows with its rarity; one that no
 * candidate has weighs as the heaviest of the others. */
#include "search_private.h"

#include "error.h"
#include "store_words.h"

#include <math.h>

#define MOST_WORDS 32 /* of a query; those after them are not looked at */

bool search_complete(Search *search, Found *found, GError **error) {
    const BackendOps *ops = search->backend->ops;
    const float *query = search->query->vector;
    if (query && found->best.cosine < -1.5 &&
        !ops->best_windows(search->backend, query, &found->best.clip, 1, &found->best, error))
        return false;
    if (found->vector || found->best.cosine < -1.5) return true;
    GError *gone = NULL;
    found->vector = g_new(float, search->dim);
    if (ops->row(search->backend, &found->best, found->vector, &gone)) return true;
    g_clear_pointer(&found->vector, g_free);
    if (g_error_matches(gone, EARSHOT_ERROR, ERR_NOT_FOUND)) {
        g_error_free(gone); /* removed in the meantime */
        return true;
    }
    g_propagate_error(error, gone);
    return false;
}

static void take_scale(Search *search) {
    const float *query = search->query->vector;
    g_autofree float *sample = g_new(float, MATCH_SAMPLE);
    int count = search->backend->ops->sample(search->backend, query, MATCH_SAMPLE, sample);
    search->scale =
        match_scale(search->background, query, search->query->kind == INDEX_TEXT, sample, count);
    search->has_scale = true;
}

/* -- by words -- */

/* Runs of letters and digits. */
static char **split_words(const char *text) {
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    int count = 0;
    while (*text && count < MOST_WORDS) {
        const char *start = text;
        while (*text && g_unichar_isalnum(g_utf8_get_char(text))) text = g_utf8_next_char(text);
        if (text > start) {
            g_autofree char *word = g_strndup(start, (gsize)(text - start));
            g_strv_builder_add(words, word);
            count++;
        } else {
            text = g_utf8_next_char(text);
        }
    }
    return g_strv_builder_end(words);
}

/* Which of the clips have the word → has[]; returns the best BM25. */
static bool look_for(Search *search, const char *word, const uint64_t *clips, int count, bool *has,
                     double *best, GError **error) {
    g_autofree double *columns = g_new0(double, (gsize)MAX(count, 1) * STORE_WORD_COLUMNS);
    if (!search->backend->ops->score_words(search->backend, word, clips, count, columns, error))
        return false;
    *best = 0;
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int c = 0; c < STORE_WORD_COLUMNS; c++) sum += columns[i * STORE_WORD_COLUMNS + c];
        has[i] = sum > 0;
        *best = fmax(*best, sum);
    }
    return true;
}

/* Of all candidates at once: weights need them all. */
static bool match_words(Search *search, GError **error) {
    const int count = (int)search->found->len;
    Found *all = (Found *)search->found->data;
    g_auto(GStrv) words = split_words(search->query->words);
    const int len = (int)g_strv_length(words);
    g_autofree uint64_t *clips = g_new(uint64_t, count);
    g_autofree bool *has = g_new0(bool, (gsize)count *(gsize)MAX(len, 1));
    g_autofree double *weights = g_new0(double, len + 1);
    double heaviest = 0, sum = 0;
    for (int i = 0; i < count; i++) clips[i] = all[i].best.clip;
    for (int w = 0; w < len; w++) {
        if (!look_for(search, words[w], clips, count, has + (gsize)w * (gsize)count, &weights[w],
                      error))
            return false;
        heaviest = fmax(heaviest, weights[w]);
    }
    for (int w = 0; w < len; w++) sum += weights[w] = weights[w] > 0 ? weights[w] : heaviest;
    for (int i = 0; i < count; i++) {
        all[i].match = 0;
        for (int w = 0; w < len; w++)
            if (has[(gsize)w * (gsize)count + (gsize)i]) all[i].match += weights[w] / sum;
        all[i].match = fmin(all[i].match, 1); /* a sum of shares, rounded */
    }
    return true;
}

bool search_match(Search *search, Found *found, GError **error) {
    if (!isnan(found->match)) return true;
    if (!search->query->vector) return match_words(search, error);
    if (!search_complete(search, found, error)) return false;
    if (!search->has_scale) take_scale(search);
    bool known = found->best.cosine > -1.5;
    found->match = known ? match_value(&search->scale, found->best.cosine, found->vector) : 0;
    return true;
}
