/* Letter, number, white space or none of them: the classes that the split pattern of RoBERTa knows.
 *
 * Not GLib's and not PCRE2's answer, which change with their version of Unicode, but a table
 * recorded from the reference over all code points (tools/make_char_classes.py). */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef enum { CHAR_OTHER, CHAR_LETTER, CHAR_NUMBER, CHAR_SPACE } CharClass;

/* The class of any code point; unassigned ones are CHAR_OTHER. */
CharClass char_class(gunichar c);

/* The generated table: (first code point << 2) | class, ascending, beginning with code point 0. */
extern const uint32_t char_class_starts[];
extern const int char_class_count;
