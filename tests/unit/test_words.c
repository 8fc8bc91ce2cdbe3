/* Names as words. */
#include "store_words.h"

static void names_are_split_as_people_read_them(void) {
    static const struct {
        const char *name, *words;
    } table[] = {
        {"DogBark_01-take2", "dog bark 01 take 2"},
        {"DogBark_01-take2.WAV", "dog bark 01 take 2"},
        {"HTTPServer.v2.flac", "http server v 2"},
        {"rain", "rain"},
        {"", ""},
        {"___", ""},
        {".wav", "wav"},
        {"44kHz", "44 k hz"},
        {"\xC3\x84pfelBaum", "\xC3\xA4pfel baum"},
        {"e\xCC\x81"
         "cole",
         "e\xCC\x81"
         "cole"},
        {"a\xff"
         "b",
         "a b"},
        {"\xE9\x9B\xA8\xE9\x9F\xB3"
         "01",
         "\xE9\x9B\xA8\xE9\x9F\xB3 01"},
        {"notes.txt", "notes txt"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *words = store_split_name(table[i].name);
        g_assert_cmpstr(words, ==, table[i].words);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/words/" #name, name)
    ADD(names_are_split_as_people_read_them);
    return g_test_run();
}
