/* The tables of a library, version 1. Embedded at build time; store_migrate.c runs it on an empty database. Its pages
 * are of 4096 bytes, the last 8 of each a checksum (store_vfs.c): other programs can read it, but what they write is
 * taken for damage.
 *
 * What the layers above may build SQL on (filters: alias c of table clip):
 *
 *     clip      a sound's content. number is never used twice; id is the first 16 hex digits of hash; its windows are
 *               first_window … first_window + windows - 1 (0 and 0: none). added: microseconds since 1970.
 *     path      where a clip lies: path as bytes, absolute; name and folder are the same made printable UTF-8, without
 *               and with everything before the last '/'. Times in nanoseconds. The oldest path has the least number.
 *     value     what counts of the fields of a clip, one row a field; none for a field without a value, none for tags.
 *               name compares without case. folded = fold(value); number: the value as one, NULL when it reads as none.
 *     tag       the tags that count, in their order; folded = fold(tag).
 *
 * SQL functions that every connection has: fold(text), the text with case folded, in NFKC, for `folded = fold(?)`;
 * matches(text, pattern): pattern fits anywhere in the text, '*' any bytes, '?' one character, case folded; stem(name), a
 * file's name without its ending.
 *
 * The rest is the store's own. said: who said what (source 0 file, 1 label file, 2 user; value NULL: "there is none";
 * tags as a list parted by ';'); value and tag follow from it. window: rows of a clip run one by one; clip has no
 * foreign key, for it would want an index over all windows. words: what BM25 reads, rowid = clip; word_length: lengths of
 * its columns as Lucene's one-byte codes, 8 bytes a clip, 256 clips a row; word_total: for each column clips that
 * have it and the sum of their lengths. removal: ranges of windows that went, for derived indexes. */

CREATE TABLE clip (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         BLOB NOT NULL UNIQUE,
    id           TEXT NOT NULL UNIQUE,
    duration     REAL NOT NULL,
    rate         INTEGER NOT NULL,
    channels     INTEGER NOT NULL,
    added        INTEGER NOT NULL,
    first_window INTEGER NOT NULL,
    windows      INTEGER NOT NULL
);

-- Apart from clip, so that a scan for a filter does not read it.
CREATE TABLE clip_vector (
    clip   INTEGER PRIMARY KEY REFERENCES clip ON DELETE CASCADE,
    vector BLOB NOT NULL -- [dim] halves
);

CREATE TABLE path (
    number INTEGER PRIMARY KEY,
    path   BLOB NOT NULL UNIQUE,
    clip   INTEGER NOT NULL REFERENCES clip ON DELETE CASCADE,
    name   TEXT NOT NULL,
    folder TEXT NOT NULL,
    size   INTEGER NOT NULL,
    mtime  INTEGER NOT NULL,
    ctime  INTEGER NOT NULL
);
CREATE INDEX path_clip ON path (clip);

CREATE TABLE window (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    clip   INTEGER NOT NULL,
    start  REAL NOT NULL, -- seconds
    end    REAL NOT NULL,
    vector BLOB NOT NULL  -- [dim] halves
);

CREATE TABLE said (
    clip   INTEGER NOT NULL REFERENCES clip ON DELETE CASCADE,
    name   TEXT NOT NULL COLLATE NOCASE,
    source INTEGER NOT NULL,
    value  TEXT,
    PRIMARY KEY (clip, name, source)
) WITHOUT ROWID;

CREATE TABLE value (
    clip   INTEGER NOT NULL REFERENCES clip ON DELETE CASCADE,
    name   TEXT NOT NULL COLLATE NOCASE,
    value  TEXT NOT NULL,
    folded TEXT NOT NULL,
    number REAL,
    PRIMARY KEY (clip, name)
) WITHOUT ROWID;
CREATE INDEX value_folded ON value (name, folded);

CREATE TABLE tag (
    clip     INTEGER NOT NULL REFERENCES clip ON DELETE CASCADE,
    position INTEGER NOT NULL,
    tag      TEXT NOT NULL,
    folded   TEXT NOT NULL,
    PRIMARY KEY (clip, position)
) WITHOUT ROWID;
CREATE INDEX tag_folded ON tag (folded);

CREATE TABLE failure (
    path  BLOB PRIMARY KEY,
    size  INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    why   TEXT NOT NULL,
    at    INTEGER NOT NULL -- microseconds since 1970
) WITHOUT ROWID;

CREATE TABLE removal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    first  INTEGER NOT NULL,
    count  INTEGER NOT NULL
);

CREATE TABLE model (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    name   TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    dim    INTEGER NOT NULL,
    window REAL NOT NULL,
    hop    REAL NOT NULL
);

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (
    title, tags, description, artist, album, genre, name, folders,
    columnsize = 0, tokenize = 'porter unicode61 remove_diacritics 2'
);
-- A row of a page's worth must fit into a page; store_words_clear says so again.
INSERT INTO words (words, rank) VALUES ('pgsz', 4000);

CREATE TABLE word_length (
    block INTEGER PRIMARY KEY, -- clip number / 256
    codes BLOB NOT NULL
);

CREATE TABLE word_total (
    "column" INTEGER PRIMARY KEY,
    clips    INTEGER NOT NULL,
    words    INTEGER NOT NULL
);
INSERT INTO word_total VALUES (0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0), (6, 0, 0), (7, 0, 0);
