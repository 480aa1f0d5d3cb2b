/*
 * team_ops.cu - the collectives of a team of one warp; see team_ops.h.  (Its MUTANTs stand there.)
 */
#include "team.h"

#include "team_ops.h"

TEAM_KERNEL(team_ops, struct team_ops, team_ops_row(a, row, t))
