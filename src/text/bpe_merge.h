/* The merges of a vocabulary and the merging of one word.
 *
 * A word of n bytes takes O(n log n), so a line of 200 KB without a blank is no trap. The table is
 * read-only once filled; scratch belongs to one caller at a time. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define BPE_ID_BITS 20 /* an id, and a place in a word, fit this many bits */

/* Sennrich's merge table: (left id, right id) → (rank, merged id). g_hash_table_unref frees it. */
GHashTable *bpe_merges_new(void);

/* A pair that comes twice takes the later rank, as in the reference. rank ≤ 1 << BPE_ID_BITS. */
void bpe_merges_add(GHashTable *merges, int32_t left, int32_t right, uint32_t rank, int32_t merged);

/* Working memory of bpe_merge_word, kept from word to word. */
typedef struct {
    GArray *symbols, *queue;
} BpeScratch;

void bpe_scratch_begin(BpeScratch *scratch);
void bpe_scratch_end(BpeScratch *scratch);

/* Merges ids[n] in place, lowest rank first, leftmost first among equals; how many ids remain. */
int bpe_merge_word(GHashTable *merges, int32_t *ids, int n, BpeScratch *scratch);
