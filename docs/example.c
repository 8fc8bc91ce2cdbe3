/* A whole program on libearshot: makes a library of a folder and asks it something.
 *
 *     cc example.c $(pkg-config --cflags --libs earshot) -o example
 *     ./example MODEL FOLDER "dog barking in the distance" */
#include <earshot.h>
#include <stdio.h>

static int fail(void) {
    fprintf(stderr, "example: %s\n", earshot_message());
    return 1;
}

int main(int count, char **args) {
    if (count != 4) return fprintf(stderr, "usage: example MODEL FOLDER QUERY\n"), 2;
    earshot_options options = EARSHOT_OPTIONS_INIT;
    options.library = "example.library";
    options.model = args[1];
    options.create = 1;

    earshot *e;
    if (earshot_open(&options, &e) != EARSHOT_OK) return fail();

    const char *folders[] = {args[2]};
    earshot_index_report report = EARSHOT_INDEX_REPORT_INIT;
    if (earshot_index(e, folders, 1, NULL, &report) != EARSHOT_OK) return fail();
    printf("%lld sounds added\n", (long long)report.added);

    earshot_hits *hits;
    if (earshot_search(e, args[3], NULL, &hits) != EARSHOT_OK) return fail();
    for (size_t i = 0; i < earshot_hits_count(hits); i++) {
        const earshot_hit *hit = earshot_hits_at(hits, i);
        printf("%3.0f %%  %5.1f s  %s\n", 100 * hit->match, hit->start, hit->path);
    }
    earshot_hits_free(hits);
    earshot_close(e);
    return 0;
}
