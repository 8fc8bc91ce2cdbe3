/* Sentences out of keywords: the keyword-to-caption augmentation of LAION-CLAP (arXiv 2211.06687,
 * section 3.3), by templates in place of a language model. */
#pragma once

#define SENTENCES 8

/* Sentence `which` of SENTENCES about `keywords`; 0 is the keywords themselves, 1 the sentence that
 * zero-shot classification uses. Caller frees. */
char *sentence_of(int which, const char *keywords);
