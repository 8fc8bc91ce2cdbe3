/* A few threads that work through one loop together, again and again: for passes over arrays that
 * are too short to start threads for. Workers spin for a moment between two loops and then sleep.
 *
 * What a loop computes must not depend on who does which item, nor on how many threads there are:
 * then results are the same bytes whatever the team.
 *
 * Owner: whoever made it. Thread: one caller at a time, who is one of the team. Plain C, so that
 * `nn` can use it too. */
#pragma once

#define TEAM_MOST 256

typedef struct Team Team;

/* 1 ≤ threads ≤ TEAM_MOST, the caller's counted. Threads that cannot be made are done without. */
Team *team_new(int threads);
void team_free(Team *team);

/* 1 for no team (NULL). */
int team_threads(const Team *team);

/* `thread` is below team_threads: room that each thread has for itself can be found by it. */
typedef void (*TeamTask)(void *context, int item, int thread);

/* task(context, 0 … items − 1, …), each once; returns when all are done. */
void team_run(Team *team, int items, TeamTask task, void *context);
