/* Finding clips by words: full text over what is said of them.
 *
 * Thread: that of the Store. */
#pragma once
#include "store_read.h"

typedef struct {
    int64_t clip;
    double score;
} StoreHit;

/* Of a clip's paths, those that came first give it words: another copy of a sound that has
 * thousands costs no more than the second. */
#define STORE_WORD_PATHS 32

/* The columns of words, in the order of `boosts`. */
#define STORE_WORD_COLUMNS 8
extern const char *const store_word_columns[STORE_WORD_COLUMNS];
extern const double store_word_boosts[STORE_WORD_COLUMNS];

/* BM25 as Lucene computes it (Robertson & Zaragoza 2009; Lucene's BM25Similarity with its one-byte
 * lengths; k1 1.2, b 0.75), summed over columns with their boosts, as multi_match's most_fields
 * does; any of the words will do. The best `most` clips of the whole library, the best first, equal
 * ones by number → an array of StoreHit. `text` is split and stemmed as the stored words are; no
 * syntax in it counts. */
GArray *store_search_words(Store *store, const char *text, const StoreWhere *where, int most,
                           GError **error);

/* Scores of given clips alone, for explanations: hits[i].clip → hits[i].score; and per column into
 * columns[count][STORE_WORD_COLUMNS] (may be NULL). */
bool store_score_words(Store *store, const char *text, StoreHit *hits, int count, double *columns,
                       GError **error);
