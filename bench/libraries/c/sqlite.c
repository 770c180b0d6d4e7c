/* SPDX-License-Identifier: MIT */
/* Tables in memory, by the integer build of SQLite: inserts, an index, joins, sorting, updates, a
 * transaction that is taken back, and the check of everything. */
#include <sqlite3.h>
#include <time.h>

#include "harness.h"

/* What its integer build asks for and does not run. */
int sqlite3IsOverflow(int64_t number) {
  (void)number;
  return 0;
}
struct tm* gmtime(const time_t* at) {
  (void)at;
  bench_failed("gmtime");
}
size_t strftime(char* to, size_t room, const char* format, const struct tm* at) {
  (void)to, (void)room, (void)at;
  bench_failed(format);
}

/* A file system without files: all is in memory. */
static int open_none(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}
static int same_name(sqlite3_vfs* vfs, const char* name, int room, char* out) {
  (void)vfs;
  strncpy(out, name, (size_t)room);
  return SQLITE_OK;
}
static int randomness(sqlite3_vfs* vfs, int size, char* out) {
  (void)vfs;
  memset(out, 7, (size_t)size);
  return size;
}
static int no_time(sqlite3_vfs* vfs, sqlite3_int64* out) {
  (void)vfs;
  *out = 0;
  return SQLITE_OK;
}
static sqlite3_vfs files = {.iVersion = 2,
                            .szOsFile = sizeof(sqlite3_file),
                            .mxPathname = 64,
                            .zName = "none",
                            .xOpen = open_none,
                            .xFullPathname = same_name,
                            .xRandomness = randomness,
                            .xCurrentTimeInt64 = no_time};

int sqlite3_os_init(void) { return sqlite3_vfs_register(&files, 1); }
int sqlite3_os_end(void) { return SQLITE_OK; }

static int64_t number(sqlite3* db, const char* query) {
  sqlite3_stmt* statement = NULL;
  CHECK(sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK);
  CHECK(sqlite3_step(statement) == SQLITE_ROW);
  int64_t found = sqlite3_column_int64(statement, 0);
  CHECK(sqlite3_finalize(statement) == SQLITE_OK);
  return found;
}

int main(void) {
  enum { ROWS = 120 };
  sqlite3* db = NULL;
  CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db,
                     "create table a(id integer primary key, n integer, t text);"
                     "create table b(id integer primary key, a integer, u text);"
                     "create index i on a(n); begin;",
                     NULL, NULL, NULL) == SQLITE_OK);
  sqlite3_stmt* insert = NULL;
  CHECK(sqlite3_prepare_v2(db, "insert into a values(?, ?, ?)", -1, &insert, NULL) == SQLITE_OK);
  for (int i = 0; i < ROWS; ++i) {
    char text[40];
    bench_text(text, sizeof text);
    sqlite3_bind_int(insert, 1, i);
    sqlite3_bind_int(insert, 2, (i * 37) % ROWS);
    sqlite3_bind_text(insert, 3, text, sizeof text, SQLITE_TRANSIENT);
    CHECK(sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK);
  }
  CHECK(sqlite3_finalize(insert) == SQLITE_OK);
  CHECK(sqlite3_exec(db,
                     "commit; insert into b select id + 1000, n, upper(t) from a;"
                     "update a set n = n + 1 where id % 3 = 0; begin; delete from b; rollback;"
                     "delete from b where u like '%GRANULE%' and id % 2;",
                     NULL, NULL, NULL) == SQLITE_OK);
  CHECK(number(db, "select count(*) from a") == ROWS);
  CHECK(number(db, "select sum(n) from a") == ROWS * (ROWS - 1) / 2 + ROWS / 3);
  CHECK(number(db, "select count(*) from a join b on b.a = a.n where length(u) = 40") > ROWS / 4);
  CHECK(number(db, "select count(*) from (select distinct t from a order by t desc)") > 1);
  sqlite3_stmt* check = NULL;
  CHECK(sqlite3_prepare_v2(db, "pragma integrity_check", -1, &check, NULL) == SQLITE_OK);
  CHECK(sqlite3_step(check) == SQLITE_ROW);
  CHECK(strcmp((const char*)sqlite3_column_text(check, 0), "ok") == 0);
  CHECK(sqlite3_finalize(check) == SQLITE_OK && sqlite3_close(db) == SQLITE_OK);
  return 0;
}
