/* Label files as people have them: their own CSV and JSON Lines, and those of three data sets. */
#include "meta.h"

#include "error.h"
#include "files.h"

static Meta *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    Meta *meta = meta_parse("/data/labels.csv", text, strlen(text), &error);
    g_assert_no_error(error);
    return meta;
}

/* "name=value name=value tags=a;b" of the row that is this file's; "-" when none is. */
static char *said_of(Meta *meta, const char *path) {
    const MetaRow *row = meta_find(meta, path);
    if (!row) return g_strdup("-");
    GString *said = g_string_new(NULL);
    for (int i = 0; i < row->count; i++) {
        g_assert_cmpint(row->fields[i].source, ==, SOURCE_META);
        g_string_append_printf(said, "%s=%s ", row->fields[i].name, row->fields[i].value);
    }
    g_string_append_printf(said, "tags=%s", row->tags ? row->tags : "");
    return g_string_free(said, FALSE);
}

static void expect(Meta *meta, const char *path, const char *said) {
    g_autofree char *got = said_of(meta, path);
    g_assert_cmpstr(got, ==, said);
}

static void columns_become_fields_and_tags(void) {
    g_autoptr(Meta) meta = parse("path,Title,tags,Recorded By\n"
                                 "a.wav,Ein Hund,\"dog; bark ;dog\",Ann\n"
                                 "sub/b.wav,,\"rain, wind\",\n");
    expect(meta, "/data/a.wav", "title=Ein Hund recorded_by=Ann tags=dog;bark");
    expect(meta, "/data/sub/b.wav", "tags=rain;wind");
    expect(meta, "/data/c.wav", "-");
}

static void names_the_library_knows_are_kept_apart(void) {
    g_autoptr(Meta) meta = parse("ID,path,name,Duration\n7,a.wav,Rex,3\n");
    expect(meta, "/data/a.wav", "_id=7 _name=Rex _duration=3 tags=");
    g_autoptr(Meta) exported = parse("id,path,title,tags,duration,windows,added,mood\n"
                                     "0f3c,a.wav,Rex,dog,3,1,2026-01-31,loud\n");
    expect(exported, "/data/a.wav", "title=Rex mood=loud tags=dog");
}

static void esc50_is_read_as_it_is(void) {
    g_autoptr(Meta) meta = parse("filename,fold,target,category,esc10,src_file,take\n"
                                 "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
                                 "1-100038-A-14.wav,1,14,chirping_birds,False,100038,A\n");
    meta_see(meta, "/data/audio/1-100038-A-14.wav");
    expect(meta, "/data/audio/1-100038-A-14.wav",
           "fold=1 target=14 esc10=False src_file=100038 take=A tags=chirping birds");
}

static void urbansound8k_is_read_as_it_is(void) {
    g_autoptr(Meta) meta = parse("slice_file_name,fsID,start,end,salience,fold,classID,class\n"
                                 "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n");
    expect(meta, "/data/fold5/100032-3-0-0.wav",
           "fsid=100032 start=0.0 end=0.317551 salience=1 fold=5 classid=3 tags=dog bark");
}

static void fsd50k_is_read_as_it_is(void) {
    g_autoptr(Meta) meta =
        parse("fname,labels,mids,split\n"
              "64760,\"Electric_guitar,Guitar,Music\",\"/m/02sgy,/m/0342h\",train\n");
    expect(meta, "/data/FSD50K.dev_audio/64760.wav",
           "mids=/m/02sgy,/m/0342h split=train tags=Electric guitar;Guitar;Music");
}

static void json_lines_are_read(void) {
    g_autoptr(Meta) meta =
        parse("{\"file\":\"a.wav\",\"tags\":[\"dog\",\"bark, loud\"],\"year\":1999,"
              "\"level\":-3.5,\"none\":null,\"ok\":true}\n\n"
              "{\"path\":\"b.wav\",\"file\":\"x\",\"label\":\"big_cat\"}\n");
    expect(meta, "/data/a.wav", "year=1999 level=-3.5 ok=true tags=dog;bark, loud");
    expect(meta, "/data/b.wav", "file=x tags=big cat");
}

static void rows_are_found_from_the_roots_too(void) {
    g_autoptr(Meta) meta = parse("path,x\nin/a.wav,1\n/abs/b.wav,2\n../up/c.wav,3\n");
    meta_add_root(meta, "/music");
    expect(meta, "/music/in/a.wav", "x=1 tags=");
    expect(meta, "/data/in/a.wav", "x=1 tags=");
    expect(meta, "/abs/b.wav", "x=2 tags=");
    expect(meta, "/up/c.wav", "x=3 tags=");
}

static void a_name_that_two_files_have_is_neithers(void) {
    g_autoptr(Meta) meta = parse("path,x\na.wav,1\nb.wav,2\n");
    meta_see(meta, "/m/1/a.wav"), meta_see(meta, "/m/2/a.wav"), meta_see(meta, "/m/b.wav");
    expect(meta, "/m/1/a.wav", "-");
    expect(meta, "/m/2/a.wav", "-");
    expect(meta, "/m/b.wav", "x=2 tags=");
    expect(meta, "/data/a.wav", "x=1 tags=");
}

static void a_name_that_two_rows_have_is_neithers(void) {
    g_autoptr(Meta) meta = parse("path,x\n1/a.wav,1\n2/a.wav,2\n");
    expect(meta, "/m/a.wav", "-");
    expect(meta, "/data/2/a.wav", "x=2 tags=");
}

static void rows_of_one_file_are_joined(void) {
    g_autoptr(Meta) meta = parse("path,tag,x\na.wav,one,1\na.wav,two,2\na.wav,one,\n");
    g_assert_cmpint(meta_rows(meta), ==, 1);
    expect(meta, "/data/a.wav", "x=2 tags=one;two");
}

static void unused_rows_are_counted(void) {
    g_autoptr(Meta) meta = parse("path,x\na.wav,1\nb.wav,2\nc.wav,3\n");
    g_assert_cmpint(meta_unused(meta), ==, 3);
    expect(meta, "/data/b.wav", "x=2 tags=");
    expect(meta, "/data/b.wav", "x=2 tags=");
    g_assert_cmpint(meta_unused(meta), ==, 2);
}

static void paths_are_bytes(void) {
    g_autoptr(Meta) meta = parse("path,x\n\xFF.wav,1\n");
    expect(meta, "/data/\xFF.wav", "x=1 tags=");
}

static void names_of_columns_become_names_of_fields(void) {
    g_autoptr(Meta) meta = parse("path,,Größe, 1st ,a-b.c\na.wav,no,1,2,3\n");
    expect(meta, "/data/a.wav", "gr____e=1 _1st=2 a-b.c=3 tags=");
}

static void what_is_wrong_is_said_with_its_line(void) {
    static const struct {
        const char *text, *pattern;
    } cases[] = {
        {"", "l.csv: the file is empty"},
        {"title,x\n1,2\n", "l.csv: the first line must name a column \"path\" or \"file\""},
        {"path,x\na,1,2\n", "l.csv:2: has 3 fields, but the header has 2"},
        {"path,x\n,1\n", "l.csv:2: names no file"},
        {"path,x\n\"a,1\n", "l.csv:2: a quote is not closed"},
        {"{\"path\":\"a\"}\n{\"x\":1}\n", "l.csv:2: names no file"},
        {"{\"path\":\"a\"}\n[1]\n", "l.csv:2: is not a JSON object"},
        {"{\"path\":\"a\"\n", "l.csv:1: *"},
        {"\xFF\xFEp\0a\0", "l.csv: is UTF-16; it must be UTF-8"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(meta_parse("l.csv", cases[i].text, strlen(cases[i].text), &error));
        files_expect_error(&error, cases[i].pattern);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/meta/columns_become_fields_and_tags", columns_become_fields_and_tags);
    g_test_add_func("/meta/names_the_library_knows_are_kept_apart",
                    names_the_library_knows_are_kept_apart);
    g_test_add_func("/meta/esc50_is_read_as_it_is", esc50_is_read_as_it_is);
    g_test_add_func("/meta/urbansound8k_is_read_as_it_is", urbansound8k_is_read_as_it_is);
    g_test_add_func("/meta/fsd50k_is_read_as_it_is", fsd50k_is_read_as_it_is);
    g_test_add_func("/meta/json_lines_are_read", json_lines_are_read);
    g_test_add_func("/meta/rows_are_found_from_the_roots_too", rows_are_found_from_the_roots_too);
    g_test_add_func("/meta/a_name_that_two_files_have_is_neithers",
                    a_name_that_two_files_have_is_neithers);
    g_test_add_func("/meta/a_name_that_two_rows_have_is_neithers",
                    a_name_that_two_rows_have_is_neithers);
    g_test_add_func("/meta/rows_of_one_file_are_joined", rows_of_one_file_are_joined);
    g_test_add_func("/meta/unused_rows_are_counted", unused_rows_are_counted);
    g_test_add_func("/meta/paths_are_bytes", paths_are_bytes);
    g_test_add_func("/meta/names_of_columns_become_names_of_fields",
                    names_of_columns_become_names_of_fields);
    g_test_add_func("/meta/what_is_wrong_is_said_with_its_line",
                    what_is_wrong_is_said_with_its_line);
    return g_test_run();
}
