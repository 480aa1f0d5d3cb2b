/*
 * team_ops_block.cu - the collectives of a team of four warps, a block; see team_ops.h.
 */
#define TEAM_WARPS 4
#include "team.h"

#include "team_ops.h"

TEAM_KERNEL(team_ops_block, struct team_ops, team_ops_row(a, row + MUTANT(team_ops_block_outside, 1, 0), t))
