/* All texts of a training, each once, as token ids; and, where the text tower is frozen, what it
 * makes of each (the features that the projection takes), computed once.
 *
 * Owner: the caller. Thread: one at a time while texts are added; read-only after. */
#pragma once
#include "bpe.h"
#include "clap_graph.h"

typedef struct TextBank TextBank;

/* `bpe` is borrowed. Texts are cut at `most` tokens. */
TextBank *text_bank_new(const Bpe *bpe, int most);
void text_bank_free(TextBank *bank);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TextBank, text_bank_free)

/* The text's number, also when it is known already; −1 and an error when it cannot be encoded. */
int text_bank_add(TextBank *bank, const char *text, GError **error);
int text_bank_count(const TextBank *bank);
/* Its tokens, <s> and </s> included; the bank keeps them. */
const int32_t *text_bank_ids(const TextBank *bank, int text, int *count);
const char *text_bank_text(const TextBank *bank, int text);

/* Features of all texts added so far. */
void text_bank_freeze(TextBank *bank, const ClapGraph *clap, Graph *g);

/* texts[count] → [count][hidden]: from the frozen features, or through the text tower. */
Node *text_bank_node(const TextBank *bank, const ClapGraph *clap, Graph *g, const int *texts,
                     int count);
