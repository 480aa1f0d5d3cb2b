/*
 * machine.c - the program, the machine, clocks.
 */
#include "experiment/machine.h"

#include <cblas.h>
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <utf8proc.h>
#include <yaml.h>
#include <zlib.h>

#include "build_info.h"
#include "instructions.h"

const char *machine_instructions(void)
{
    static char text[64];
    if (text[0] == '\0')
        snprintf(text, sizeof text, "%s/%s", kernels_instructions(), openblas_get_corename());
    return text;
}

/* The value after "KEY :" in a /proc file, or "" */
static void proc_value(const char *path, const char *key, char *out, size_t size)
{
    char line[512];
    FILE *file = fopen(path, "r");
    out[0] = '\0';
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *value = strchr(line, ':');
        if (value == NULL)
            continue;
        value += 1 + strspn(value + 1, " \t");
        snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    fclose(file);
}

static json_t *libraries(void)
{
    unsigned major = 0, minor = 0, release = 0;
    char hdf5[32];
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "hdf5", hdf5, "gsl", gsl_version, "openblas",
                     openblas_get_config(), "jansson", jansson_version_str(), "libsodium",
                     sodium_version_string(), "utf8proc", utf8proc_version(), "libyaml",
                     yaml_get_version_string(), "zlib", zlibVersion());
}

json_t *machine_describe(void)
{
    char cpu[256];
    proc_value("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:I}", "commit", BUILD_COMMIT, "compiler",
                     BUILD_COMPILER, "flags", BUILD_FLAGS, "instructions", machine_instructions(),
                     "libraries", libraries(), "cpu", cpu, "cores", (int)sysconf(_SC_NPROCESSORS_ONLN),
                     "memory_mib", (json_int_t)memory);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct clocks clocks_now(void)
{
    return (struct clocks){seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

void machine_reset_peak(void)
{
    FILE *file =
        fopen("/proc/self/clear_refs", "w"); /* 5: VmHWM = VmRSS; where refused the peak is the process's */
    if (file != NULL) {
        fputs("5\n", file);
        fclose(file);
    }
}

double machine_peak_mib(void)
{
    char text[64];
    double kib = 0;
    proc_value("/proc/self/status", "VmHWM", text, sizeof text);
    if (sscanf(text, "%lf", &kib) != 1) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        kib = (double)usage.ru_maxrss;
    }
    return kib / 1024.0;
}

void machine_time(char out[32])
{
    struct tm parts;
    const time_t now = time(NULL);
    gmtime_r(&now, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
