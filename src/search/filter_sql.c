/* A filter's tree → SQL over the tables that schema.sql tells of, every value bound.
 *
 * What a clip has once is compared in its row; what it has many of, or perhaps not at all, is a set
 * of clips, which SQLite takes from an index once instead of asking for every clip. `!=` is the
 * complement of `=`, so that a clip without the field fits. */
#include "filter.h"

#include <string.h>

#define ANY_CLIP "c.number IN (SELECT clip FROM "

#define GROUP 64 /* values of a list; SQLite's trees are at most 1000 deep */

typedef struct {
    GString *sql;
    StoreWhere *where;
} Writer;

typedef struct {
    const char *field;
    const char *set;    /* the set of clips up to the comparison, or "" */
    const char *exact;  /* what is compared with =, folded on the other side as well */
    const char *folded; /* what is given to matches() */
} TextField;

/* What clips are shown by: the title that was said, else the oldest file's name without its ending.
 */
#define SHOWN_TITLES                                                                               \
    "(SELECT clip, value, folded FROM value WHERE name = 'title' UNION ALL "                       \
    "SELECT clip, stem(name), fold(stem(name)) FROM path WHERE number IN "                         \
    "(SELECT min(number) FROM path GROUP BY clip) AND clip NOT IN "                                \
    "(SELECT clip FROM value WHERE name = 'title')) WHERE "

static const TextField text_fields[] = {
    {"id", "", "c.id", "c.id"},
    {"title", ANY_CLIP SHOWN_TITLES, "folded", "value"},
    {"tag", ANY_CLIP "tag WHERE ", "folded", "tag"},
    {"name", ANY_CLIP "path WHERE ", "fold(name)", "name"},
    {"folder", ANY_CLIP "path WHERE ", "fold(folder)", "folder"},
    {"path", ANY_CLIP "path WHERE ", "fold(folder || '/' || name)", "folder || '/' || name"},
};

static const struct {
    const char *field, *column;
} columns[] = {
    {"duration", "c.duration"},
    {"rate", "c.rate"},
    {"channels", "c.channels"},
    {"windows", "c.windows"},
};

static const char *const compare[] = {[OP_EQ] = "=", [OP_NE] = "=",  [OP_LT] = "<", [OP_LE] = "<=",
                                      [OP_GT] = ">", [OP_GE] = ">=", [OP_IN] = "="};

static void put_number(Writer *writer, double number) {
    g_string_append_c(writer->sql, '?');
    store_where_bind_number(writer->where, number);
}

static void put_text(Writer *writer, const char *function, const char *text) {
    g_string_append_printf(writer->sql, "%s(?)", function);
    store_where_bind_text(writer->where, text);
}

static void put_text_test(Writer *writer, const TextField *field, FilterOp op,
                          const FilterValue *value) {
    if (op == OP_LIKE) {
        g_string_append_printf(writer->sql, "matches(%s, ?)", field->folded);
        store_where_bind_text(writer->where, value->text);
        return;
    }
    g_string_append_printf(writer->sql, "%s %s ", field->exact, compare[op]);
    put_text(writer, "fold", value->text);
}

/* What users and files said, as a number where the value is one. */
static void put_said_test(Writer *writer, FilterOp op, const FilterValue *value) {
    const TextField said = {NULL, NULL, "folded", "value"};
    if (!value->is_number || op == OP_LIKE) {
        put_text_test(writer, &said, op, value);
        return;
    }
    g_string_append_printf(writer->sql, "number %s ", compare[op]);
    put_number(writer, value->number);
}

/* A time names a span; what lies in it is equal to it. */
static void put_time_test(Writer *writer, FilterOp op, const FilterValue *value) {
    int64_t from = 0, to = 0;
    filter_time(value->text, &from, &to);
    const char *sign = op == OP_GT ? ">=" : op == OP_LE ? "<" : compare[op];
    if (op == OP_LT || op == OP_GE || op == OP_GT || op == OP_LE) {
        g_string_append_printf(writer->sql, "c.added %s ", sign);
        put_number(writer, (double)(op == OP_LT || op == OP_GE ? from : to));
        return;
    }
    g_string_append(writer->sql, "c.added >= ");
    put_number(writer, (double)from);
    g_string_append(writer->sql, " AND c.added < ");
    put_number(writer, (double)to);
}

static const char *column_of(const char *field) {
    for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
        if (!strcmp(field, columns[i].field)) return columns[i].column;
    return NULL;
}

static const TextField *text_field_of(const char *field) {
    for (gsize i = 0; i < G_N_ELEMENTS(text_fields); i++)
        if (!strcmp(field, text_fields[i].field)) return &text_fields[i];
    return NULL;
}

/* One value's test: a condition on c, or an open set of clips and its condition. */
static void put_value_test(Writer *writer, const FilterNode *test, const FilterValue *value) {
    const TextField *text = text_field_of(test->field);
    const char *column = column_of(test->field);
    if (column) {
        g_string_append_printf(writer->sql, "%s %s ", column, compare[test->op]);
        put_number(writer, value->number);
    } else if (!strcmp(test->field, "added")) {
        put_time_test(writer, test->op, value);
    } else if (text) {
        put_text_test(writer, text, test->op, value);
    } else {
        put_said_test(writer, test->op, value);
    }
}

static const char *open_set(Writer *writer, const char *field) {
    const TextField *text = text_field_of(field);
    if (text) {
        g_string_append(writer->sql, text->set);
        return *text->set ? ")" : "";
    }
    if (column_of(field) || !strcmp(field, "added")) return "";
    g_string_append(writer->sql, ANY_CLIP "value WHERE name = ? AND ");
    store_where_bind_text(writer->where, field);
    return ")";
}

static void put_test(Writer *writer, const FilterNode *test) {
    g_string_append(writer->sql, test->op == OP_NE ? "NOT (" : "(");
    const char *close = open_set(writer, test->field);
    for (guint i = 0; i < test->values->len; i++) {
        g_string_append(writer->sql, i == 0 ? "((" : i % GROUP ? " OR " : ") OR (");
        put_value_test(writer, test, test->values->pdata[i]);
    }
    g_string_append_printf(writer->sql, "))%s)", close);
}

static void put_node(Writer *writer, const FilterNode *node);

/* A chain of one kind stays flat: SQLite's parser has room for 100 open brackets and operators, of
 * which FILTER_MAX_DEPTH levels take five each. */
static void put_operand(Writer *writer, const FilterNode *node, FilterKind parent) {
    bool bracket = node->kind != parent && (node->kind == FILTER_AND || node->kind == FILTER_OR);
    if (bracket) g_string_append_c(writer->sql, '(');
    put_node(writer, node);
    if (bracket) g_string_append_c(writer->sql, ')');
}

static void put_node(Writer *writer, const FilterNode *node) {
    if (node->kind == FILTER_TEST) {
        put_test(writer, node);
    } else if (node->kind == FILTER_NOT) {
        g_string_append(writer->sql, "NOT ");
        put_operand(writer, node->left, FILTER_NOT);
    } else {
        put_operand(writer, node->left, node->kind);
        g_string_append(writer->sql, node->kind == FILTER_AND ? " AND " : " OR ");
        put_operand(writer, node->right, node->kind);
    }
}

StoreWhere *filter_where(const Filter *filter) {
    Writer writer = {.sql = g_string_new(NULL), .where = store_where_new("")};
    g_string_append_c(writer.sql, '(');
    put_node(&writer, filter->root);
    g_string_append_c(writer.sql, ')');
    g_free(writer.where->sql);
    writer.where->sql = g_string_free(writer.sql, FALSE);
    return writer.where;
}
