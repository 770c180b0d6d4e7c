/* Four threads use one connection of SQLite, which locks, and one of their own each. SQLite's
 * header is in a package that is not needed otherwise: what is used of it is declared here. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct sqlite3 sqlite3;
extern int sqlite3_open_v2(const char*, sqlite3**, int flags, const char* vfs);
extern int sqlite3_exec(sqlite3*, const char*, int (*)(void*, int, char**, char**), void*, char**);
extern const char* sqlite3_errmsg(sqlite3*);
extern int sqlite3_close(sqlite3*);
enum { kReadWrite = 2, kCreate = 4, kFullMutex = 0x10000, kThreads = 4, kRows = 12 };

static sqlite3* common;

static sqlite3* opened(void) {
  sqlite3* made = NULL;
  if (sqlite3_open_v2(":memory:", &made, kReadWrite | kCreate | kFullMutex, NULL) != 0) exit(2);
  return made;
}

static int added(void* sum, int columns, char** values, char** names) {
  (void)columns, (void)names;
  *(long*)sum += values[0] == NULL ? 0 : atol(values[0]);
  return 0;
}

static void run(sqlite3* where, const char* statement, long* sum) {
  if (sqlite3_exec(where, statement, added, sum, NULL) == 0) return;
  fprintf(stderr, "%s: %s\n", statement, sqlite3_errmsg(where));
  exit(1);
}

static void* work(void* argument) {
  const long thread = (long)argument;
  sqlite3* own = opened();
  long seen = 0;
  run(own, "create table goods (id integer primary key, price int)", &seen);
  for (long i = 0; i < kRows; ++i) {
    char statement[128];
    snprintf(statement, sizeof statement, "insert into goods values (%ld, %ld)", thread * kRows + i,
             i * i + thread);
    run(common, statement, &seen);
    run(own, statement, &seen);
    if (i % 4 == 3) run(common, "update goods set price = price + 1 where id % 2", &(long){0});
  }
  run(own, "select sum(price) from goods", &seen);
  sqlite3_close(own);
  return (void*)seen;
}

static int round_of_threads(void) {
  common = opened();
  long rows = 0, sums = 0;
  run(common, "create table goods (id integer primary key, price int)", &rows);
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, work, (void*)i) != 0) return 3;
  for (int i = 0; i < kThreads; ++i) {
    void* seen = NULL;
    pthread_join(threads[i], &seen);
    sums += (long)seen;
  }
  run(common, "select count(*) from goods", &rows);
  long even = 0;
  run(common, "select sum(price) from goods where id % 2 = 0", &even);
  run(common, "pragma integrity_check", &even);
  printf("%ld rows, %ld of the threads' own, %ld of the others\n", rows, sums, even);
  return sqlite3_close(common);
}

int main(int argc, char** argv) {
  int status = 0;
  for (int rounds = argc > 1 ? atoi(argv[1]) : 1; rounds > 0 && status == 0; --rounds)
    status = round_of_threads();
  return status;
}
