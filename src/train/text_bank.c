/* See text_bank.h. */
#include "text_bank.h"

#include <string.h>

#define AT_ONCE 128 /* texts that go through the tower together */

typedef struct {
    char *text;
    int32_t *ids;
    int count;
} Text;

struct TextBank {
    const Bpe *bpe;
    int most, hidden;
    GArray *texts;       /* of Text */
    GHashTable *numbers; /* text → number + 1 */
    float *features;     /* [texts][hidden], or NULL */
};

static void text_clear(void *data) {
    g_free(((Text *)data)->text);
    g_free(((Text *)data)->ids);
}

TextBank *text_bank_new(const Bpe *bpe, int most) {
    TextBank *bank = g_new0(TextBank, 1);
    *bank = (TextBank){.bpe = bpe, .most = most};
    bank->texts = g_array_new(FALSE, TRUE, sizeof(Text));
    g_array_set_clear_func(bank->texts, text_clear);
    bank->numbers = g_hash_table_new(g_str_hash, g_str_equal);
    return bank;
}

void text_bank_free(TextBank *bank) {
    if (!bank) return;
    g_hash_table_destroy(bank->numbers);
    g_array_unref(bank->texts);
    g_free(bank->features);
    g_free(bank);
}

int text_bank_add(TextBank *bank, const char *text, GError **error) {
    int known = GPOINTER_TO_INT(g_hash_table_lookup(bank->numbers, text));
    if (known) return known - 1;
    Text added = {0};
    added.ids = bpe_encode(bank->bpe, text, -1, bank->most, &added.count, NULL, error);
    if (!added.ids) return -1;
    added.text = g_strdup(text);
    g_array_append_val(bank->texts, added);
    g_hash_table_insert(bank->numbers, added.text, GINT_TO_POINTER((int)bank->texts->len));
    return (int)bank->texts->len - 1;
}

int text_bank_count(const TextBank *bank) {
    return (int)bank->texts->len;
}

const char *text_bank_text(const TextBank *bank, int text) {
    return g_array_index(bank->texts, Text, text).text;
}

const int32_t *text_bank_ids(const TextBank *bank, int text, int *count) {
    const Text *kept = &g_array_index(bank->texts, Text, text);
    *count = kept->count;
    return kept->ids;
}

static Node *through_tower(const TextBank *bank, const ClapGraph *clap, Graph *g, const int *texts,
                           int count) {
    int *counts = graph_keep(g, sizeof *counts * count), tokens = 0;
    for (int i = 0; i < count; i++) {
        counts[i] = g_array_index(bank->texts, Text, texts[i]).count;
        tokens += counts[i];
    }
    int32_t *ids = graph_keep(g, sizeof *ids * tokens), *at = ids;
    for (int i = 0; i < count; at += counts[i++])
        memcpy(at, g_array_index(bank->texts, Text, texts[i]).ids, sizeof *ids * counts[i]);
    return clap_graph_text(clap, g, ids, counts, count);
}

void text_bank_freeze(TextBank *bank, const ClapGraph *clap, Graph *g) {
    int count = (int)bank->texts->len;
    bank->hidden = clap_graph_config(clap)->text.hidden_size;
    float *features = g_new(float, (gsize)count *(gsize)bank->hidden);
    for (int first = 0; first < count; first += AT_ONCE) {
        int some = MIN(AT_ONCE, count - first), texts[AT_ONCE];
        for (int i = 0; i < some; i++) texts[i] = first + i;
        graph_begin(g, false);
        Node *node = through_tower(bank, clap, g, texts, some);
        memcpy(features + (gsize)first * bank->hidden, node->x,
               sizeof(float) * (gsize)some * (gsize)bank->hidden);
    }
    g_free(bank->features);
    bank->features = features;
}

Node *text_bank_node(const TextBank *bank, const ClapGraph *clap, Graph *g, const int *texts,
                     int count) {
    if (!bank->features) return through_tower(bank, clap, g, texts, count);
    float *rows = graph_keep(g, sizeof *rows * (gsize)count * (gsize)bank->hidden);
    for (int i = 0; i < count; i++)
        memcpy(rows + (gsize)i * bank->hidden, bank->features + (gsize)texts[i] * bank->hidden,
               sizeof *rows * (gsize)bank->hidden);
    return graph_input(g, count, bank->hidden, rows);
}
