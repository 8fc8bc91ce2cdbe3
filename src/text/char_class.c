/* The class of a code point: the last entry of the table that begins at it or before it. */
#include "char_class.h"

CharClass char_class(gunichar c) {
    uint32_t wanted = c << 2 | 3;
    int low = 0, high = char_class_count;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (char_class_starts[middle] <= wanted)
            low = middle;
        else
            high = middle;
    }
    return char_class_starts[low] & 3;
}
