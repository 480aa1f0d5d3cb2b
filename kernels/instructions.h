/*
 * instructions.h - which instructions the kernels on the CPU use.
 *
 * A program built for its own machine (`make`) has one set of kernels.  `make PORTABLE=1` compiles every kernel twice, for processors
 * with AVX2 and for those with AVX-512 and VNNI, from the same file, and kernels.c chooses when the program starts.
 */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

/* "avx512", "avx2", "neon" or "baseline".  RECFUSE_INSTRUCTIONS=avx2 in the environment keeps a portable program from AVX-512. */
const char *kernels_instructions(void);

#endif
