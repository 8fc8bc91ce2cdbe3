/* Merging with a linked list of symbols and a binary heap of the pairs that could merge.
 *
 * A heap entry is one number, (rank, place, merged id) from high bits to low, so that the smallest
 * is the next merge to do. Entries are not removed when a neighbour changes; they are recognised as
 * stale when they come up: the pair now at that place does not merge to that id. */
#include "bpe_merge.h"

#include <stdbool.h>

typedef struct {
    int32_t id;         /* -1: taken in by the symbol at its left */
    int32_t prev, next; /* -1: none */
} Symbol;

#define ID_MASK (((uint64_t)1 << BPE_ID_BITS) - 1)

/* Both fit a pointer, so the table allocates nothing per entry. */
G_STATIC_ASSERT(sizeof(gpointer) >= sizeof(uint64_t));

static gpointer pair_key(int32_t left, int32_t right) {
    return (gpointer)((uint64_t)left << BPE_ID_BITS | (uint64_t)right);
}

static guint pair_hash(gconstpointer key) {
    return (uint64_t)key * 0x9E3779B97F4A7C15u >> 32;
}

GHashTable *bpe_merges_new(void) {
    return g_hash_table_new(pair_hash, NULL);
}

void bpe_merges_add(GHashTable *merges, int32_t left, int32_t right, uint32_t rank,
                    int32_t merged) {
    uint64_t value = (uint64_t)(rank + 1) << BPE_ID_BITS | (uint64_t)merged; /* never NULL */
    g_hash_table_insert(merges, pair_key(left, right), (gpointer)value);
}

void bpe_scratch_begin(BpeScratch *scratch) {
    scratch->symbols = g_array_new(FALSE, FALSE, sizeof(Symbol));
    scratch->queue = g_array_new(FALSE, FALSE, sizeof(uint64_t));
}

void bpe_scratch_end(BpeScratch *scratch) {
    g_array_unref(scratch->symbols);
    g_array_unref(scratch->queue);
}

static void queue_push(GArray *queue, uint64_t entry) {
    g_array_append_val(queue, entry);
    uint64_t *heap = (uint64_t *)queue->data;
    guint at = queue->len - 1;
    for (; at > 0 && heap[(at - 1) / 2] > entry; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = entry;
}

static uint64_t queue_pop(GArray *queue) {
    uint64_t *heap = (uint64_t *)queue->data, top = heap[0];
    guint n = queue->len - 1, at = 0;
    uint64_t moved = heap[n];
    for (guint child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= moved) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
    g_array_set_size(queue, n);
    return top;
}

/* The pair at `place` with its right neighbour, as the merge table has it; 0: it does not merge. */
static uint64_t pair_at(GHashTable *merges, const Symbol *symbols, int32_t place) {
    if (place < 0 || symbols[place].id < 0 || symbols[place].next < 0) return 0;
    gpointer key = pair_key(symbols[place].id, symbols[symbols[place].next].id);
    return (uint64_t)g_hash_table_lookup(merges, key);
}

static void offer(GHashTable *merges, const Symbol *symbols, int32_t place, GArray *queue) {
    uint64_t pair = pair_at(merges, symbols, place);
    if (!pair) return;
    uint64_t rank = pair >> BPE_ID_BITS, id = pair & ID_MASK;
    queue_push(queue, (rank << BPE_ID_BITS | (uint64_t)place) << BPE_ID_BITS | id);
}

/* The symbol at `place` becomes `id` and takes in its right neighbour. */
static void take_in(Symbol *symbols, int32_t place, int32_t id) {
    Symbol *left = &symbols[place], *right = &symbols[left->next];
    left->id = id;
    left->next = right->next;
    right->id = -1;
    if (left->next >= 0) symbols[left->next].prev = place;
}

static Symbol *link_symbols(GArray *array, const int32_t *ids, int n) {
    g_array_set_size(array, n);
    Symbol *symbols = (Symbol *)array->data;
    for (int i = 0; i < n; i++) symbols[i] = (Symbol){ids[i], i - 1, i + 1 < n ? i + 1 : -1};
    return symbols;
}

int bpe_merge_word(GHashTable *merges, int32_t *ids, int n, BpeScratch *scratch) {
    GArray *queue = scratch->queue;
    Symbol *symbols = link_symbols(scratch->symbols, ids, n);
    for (int i = 0; i < n; i++) offer(merges, symbols, i, queue);
    while (queue->len > 0) {
        uint64_t entry = queue_pop(queue);
        int32_t id = entry & ID_MASK, place = entry >> BPE_ID_BITS & ID_MASK;
        uint64_t pair = pair_at(merges, symbols, place);
        if (!pair || (int32_t)(pair & ID_MASK) != id) continue;
        take_in(symbols, place, id);
        offer(merges, symbols, symbols[place].prev, queue);
        offer(merges, symbols, place, queue);
    }
    int count = 0;
    for (int i = 0; i >= 0; i = symbols[i].next) ids[count++] = symbols[i].id;
    return count;
}
