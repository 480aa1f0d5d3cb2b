/*
 * machine.h - what a record says of the program and the machine, and the clocks of a cell.
 */
#ifndef EXPERIMENT_MACHINE_H
#define EXPERIMENT_MACHINE_H
#include <jansson.h>

/* {commit, compiler, flags, instructions, libraries: {hdf5, gsl, ...}, cpu, cores, memory_mib}; NULL: out of memory.
 * The caller gives it back by json_decref(). */
json_t *machine_describe(void);

/* The instruction set that this build computes with ("avx512", "avx2", "baseline") and OpenBLAS's kernels
 * ("SkylakeX"), as "avx512/SkylakeX": other instructions may give other last bits, so it is part of a cell's key. */
const char *machine_instructions(void);

/* Seconds of the wall and of all the process's threads, from any fixed point. */
struct clocks {
    double wall, cpu;
};
struct clocks clocks_now(void);

/* Starts a new measurement of the largest resident set, and reads it, in MiB. */
void machine_reset_peak(void);
double machine_peak_mib(void);

/* "2026-11-24T15:20:00Z" */
void machine_time(char out[32]);

#endif
