/* File names as words: people name sounds without blanks. */
#pragma once

/* "DogBark_01-take2.wav" → "dog bark 01 take 2": parted where the case or the kind of character
 * changes, in lower case, without the ending of a sound's file. May be empty. Caller frees. */
char *name_words(const char *name);
