/* Clips in memory: names, values, tags, titles and ids by their rules. */
#include "clip.h"
#include "error.h"

#include <string.h>

static Clip *new_clip(void) {
    uint8_t hash[CLIP_HASH] = {0x0F, 0x3C, 0xFF};
    return clip_new(hash);
}

static void an_id_is_the_beginning_of_the_hash(void) {
    g_autoptr(Clip) clip = new_clip();
    g_assert_cmpstr(clip->id, ==, "0f3cff0000000000");
}

static void ids_have_4_to_64_hex_digits(void) {
    char lower[2 * CLIP_HASH + 1];
    g_assert_true(clip_id_parse("0F3c", lower));
    g_assert_cmpstr(lower, ==, "0f3c");
    g_autofree char *longest = g_strnfill(64, 'A'), *longer = g_strnfill(65, 'a');
    g_assert_true(clip_id_parse(longest, lower));
    g_assert_false(clip_id_parse(longer, lower));
    g_assert_false(clip_id_parse("0f3", lower));
    g_assert_false(clip_id_parse("0f3g1", lower));
    g_assert_false(clip_id_parse("", lower));
}

static void values_are_utf8_and_stripped(void) {
    g_autoptr(Clip) clip = new_clip();
    g_assert_true(clip_set_field(clip, "title", "\t a\xff b \n", SOURCE_FILE, NULL));
    g_assert_cmpstr(clip_field(clip, "title"), ==, "a\xEF\xBF\xBD b");
    g_assert_true(clip_set_field(clip, "title", "  ", SOURCE_FILE, NULL));
    g_assert_null(clip_field(clip, "title"));
}

static void long_values_are_cut_between_characters(void) {
    g_autoptr(Clip) clip = new_clip();
    GString *text = g_string_new("x");
    while (text->len < CLIP_MAX_VALUE + 10) g_string_append(text, "\xC3\xA4");
    g_assert_true(clip_set_field(clip, "d", text->str, SOURCE_FILE, NULL));
    g_assert_cmpuint(strlen(clip_field(clip, "d")), ==, CLIP_MAX_VALUE - 1);
    g_assert_true(g_utf8_validate(clip_field(clip, "d"), -1, NULL));
    memset(text->str, 0xff, text->len); /* each becomes three bytes */
    g_assert_true(clip_set_field(clip, "d", text->str, SOURCE_FILE, NULL));
    g_assert_cmpuint(strlen(clip_field(clip, "d")), <=, CLIP_MAX_VALUE);
    g_assert_true(g_utf8_validate(clip_field(clip, "d"), -1, NULL));
    g_string_free(text, TRUE);
}

static void names_follow_their_rule(void) {
    g_autoptr(Clip) clip = new_clip();
    g_autofree char *longest = g_strnfill(CLIP_MAX_NAME, 'a');
    g_autofree char *longer = g_strnfill(CLIP_MAX_NAME + 1, 'a');
    const char *good[] = {"a", "_x", "Key.of-1", longest}, *bad[] = {"", "1a", "a b", "\xC3\xA4"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(clip_set_field(clip, good[i], "v", SOURCE_USER, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(clip_set_field(clip, bad[i], "v", SOURCE_USER, &error));
        g_assert_error(error, EARSHOT_ERROR, ERR_USAGE);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(clip_set_field(clip, longer, "v", SOURCE_USER, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
}

static void fields_are_in_order_and_each_there_once(void) {
    g_autoptr(Clip) clip = new_clip();
    clip_set_field(clip, "b", "2", SOURCE_USER, NULL);
    clip_set_field(clip, "B", "1", SOURCE_FILE, NULL);
    clip_set_field(clip, "a", "3", SOURCE_META, NULL);
    clip_set_field(clip, "b", "4", SOURCE_FILE, NULL);
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < clip->fields->len; i++) {
        const Field *field = clip->fields->pdata[i];
        g_string_append_printf(all, "%s%d=%s ", field->name, field->source, field->value);
    }
    g_assert_cmpstr(all->str, ==, "a1=3 B0=4 b2=2 ");
    g_assert_cmpstr(clip_field(clip, "B"), ==, "2");
}

static void a_clip_has_at_most_so_many_fields(void) {
    g_autoptr(Clip) clip = new_clip();
    for (int i = 0; i < CLIP_MAX_FIELDS; i++) {
        g_autofree char *name = g_strdup_printf("f%d", i);
        g_assert_true(clip_set_field(clip, name, "v", SOURCE_META, NULL));
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(clip_set_field(clip, "more", "v", SOURCE_META, &error));
    g_assert_error(error, EARSHOT_ERROR, ERR_LIMIT);
    g_assert_true(clip_set_field(clip, "f7", "w", SOURCE_META, NULL));
}

static void tags_are_parted_and_each_there_once(void) {
    g_autoptr(Clip) clip = new_clip();
    clip_add_tag(clip, " rain;Wind ;; RAIN");
    clip_add_tag(clip, "");
    clip_add_tag(clip, "wind");
    g_assert_cmpuint(clip->tags->len, ==, 2);
    g_assert_cmpstr(clip->tags->pdata[0], ==, "rain");
    g_assert_cmpstr(clip->tags->pdata[1], ==, "Wind");
    for (int i = 0; i < 2 * CLIP_MAX_TAGS; i++) {
        g_autofree char *tag = g_strdup_printf("t%d", i);
        clip_add_tag(clip, tag);
    }
    g_assert_cmpuint(clip->tags->len, ==, CLIP_MAX_TAGS);
}

static void a_title_is_the_field_or_the_name(void) {
    static const struct {
        const char *path, *title;
    } table[] = {{"/x/Rain on roof.wav", "Rain on roof"},
                 {"/x/.hidden", ".hidden"},
                 {"/x/a.b.c", "a.b"},
                 {"noslash", "noslash"},
                 {"/x/a\nb.wav", "a\xEF\xBF\xBD"
                                 "b"}};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(Clip) clip = new_clip();
        FileStamp stamp = {0};
        g_assert_cmpstr(clip_title(clip), ==, "");
        g_assert_cmpstr(clip_path(clip), ==, "");
        clip_add_path(clip, table[i].path, &stamp);
        clip_add_path(clip, "/later", &stamp);
        g_assert_cmpstr(clip_title(clip), ==, table[i].title);
        g_assert_cmpstr(clip_path(clip), ==, table[i].path);
        clip_set_field(clip, "title", "T", SOURCE_FILE, NULL);
        g_assert_cmpstr(clip_title(clip), ==, "T");
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/clip/" #name, name)
    ADD(an_id_is_the_beginning_of_the_hash);
    ADD(ids_have_4_to_64_hex_digits);
    ADD(values_are_utf8_and_stripped);
    ADD(long_values_are_cut_between_characters);
    ADD(names_follow_their_rule);
    ADD(fields_are_in_order_and_each_there_once);
    ADD(a_clip_has_at_most_so_many_fields);
    ADD(tags_are_parted_and_each_there_once);
    ADD(a_title_is_the_field_or_the_name);
    return g_test_run();
}
