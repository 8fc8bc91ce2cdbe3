#!/usr/bin/env python3
"""Writes src/text/char_class_table.c: what the reference tokenizer takes for letter, number and white space.

The split pattern of GPT-2 and RoBERTa speaks of \\p{L}, \\p{N} and \\s. Their meaning depends on the regex engine and
on its version of Unicode, so the reference itself is asked, code point by code point: a character that stays in one
word with "a" is a letter, with "1" a number, with "!" anything else, and one that stays with none is white space.

    pip install tokenizers && python3 tools/make_char_classes.py
"""
import pathlib
import subprocess

import tokenizers

OUT = pathlib.Path(__file__).resolve().parent.parent / "src/text/char_class_table.c"
HEAD = """/* Written by tools/make_char_classes.py from tokenizers {version}: do not edit.
 *
 * Where the class changes: (first code point << 2) | CharClass, ascending. */
#include "char_class.h"

const uint32_t char_class_starts[] = {{
"""


def class_of(split, char):
    for number, neighbour in ((1, "a"), (2, "1"), (0, "!")):
        if len(split.pre_tokenize_str(neighbour + char)) == 1:
            return number
    return 3


def main():
    split = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    starts, last = [], None
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        number = class_of(split, chr(point))
        if number != last:
            starts.append(point << 2 | number)
            last = number
    rows = "".join(f"    {start:#x},\n" for start in starts)
    tail = "};\n\nconst int char_class_count = G_N_ELEMENTS(char_class_starts);\n"
    OUT.write_text(HEAD.format(version=tokenizers.__version__) + rows + tail)
    subprocess.run(["clang-format", "-i", OUT], check=True)


if __name__ == "__main__":
    main()
