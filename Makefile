# recfuse: `make run` and `make test` do everything from a fresh machine; plain `make` only builds (no network).
#
#   make                  build/recfuse                  make lint     clang-format, clang-tidy, cppcheck
#   make run              set up, run the quickstart     make bench    each hot path against its limit and peers
#   make test             set up, run every test         make clean    remove build/
#   make check            the kernels as 32 fibers a team, with mutants (docs/kernels.md); check-all: under every sanitizer
#   make PORTABLE=1       a program for other machines too (AVX2 or AVX-512, chosen at its start), in build/portable
#   make CUDA=1           the kernels for NVIDIA GPUs too, in build/cuda
#   make gpu-emulate      their PTX on the CPU; gpu-check: on a GPU; cuda-report: registers, spills, occupancy (docs/kernels.md)
#   make fuzz             the readers of files under libFuzzer, 60 s each (tests/fuzz/fuzz.mk)
#   SAN=address|undefined|thread   a build with that sanitizer, in build/<SAN>
SHELL := /bin/bash
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SUFFIXES:

VARIANT := $(or $(SAN),$(if $(CUDA),cuda),$(if $(PORTABLE),portable),release)
B       := build/$(VARIANT)
CC      := gcc

PACKAGES := hdf5-serial gsl openblas libutf8proc friso libsodium yaml-0.1 jansson zlib libdeflate libisal
# GSL without its own cblas: OpenBLAS has those symbols.
LIBS     := $(filter-out -lgslcblas,$(shell pkg-config --libs $(PACKAGES) 2>/dev/null)) -lcsv -lstemmer -lm -lpthread
INCLUDE  := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
OPT      := $(if $(SAN),-O1 -fno-omit-frame-pointer -fsanitize=$(SAN),-O3)
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings
# For this machine; or, PORTABLE, for any with AVX2, and the kernels a second time for AVX-512 with VNNI (kernels/instructions.h).
MACHINE  := $(if $(PORTABLE),-march=x86-64-v3 -Wno-psabi,-march=native)
AVX512   := -march=x86-64-v4 -mavx512vnni -mamx-tile -mamx-int8 -mprefer-vector-width=512
# -std=c11 would turn FMA contraction off; the sums' order is fixed by the source either way.
CFLAGS   := -std=c11 -D_GNU_SOURCE -g $(OPT) $(MACHINE) -ffp-contract=fast -fno-math-errno -fno-trapping-math \
            -fopenmp $(WARN) -Isrc -Ikernels -I$(B) $(INCLUDE)
LDFLAGS  := -fopenmp $(if $(SAN),-fsanitize=$(SAN))

SOURCES  := $(filter-out $(if $(CUDA),,src/backend/cuda%.c),$(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c)))
KERNELS  := $(sort $(wildcard kernels/*.cu)) kernels/kernels.c kernels/buffers.c
LIB_OBJ  := $(patsubst %,$(B)/%.o,$(filter-out src/main.c,$(SOURCES)) $(KERNELS)) \
            $(if $(PORTABLE),$(patsubst %,$(B)/%.avx512.o,$(filter %.cu,$(KERNELS))))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TESTS    := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))
TEST_LIB := $(patsubst %,$(B)/%.o,$(wildcard tests/*.c))
BENCHES  := $(patsubst bench/%.c,$(B)/bench/%,$(sort $(wildcard bench/*.c)))
ALL_C    := $(SOURCES) $(KERNELS) $(wildcard src/*.h src/*/*.h src/*/*/*.h kernels/*.h tests/*.[ch] tests/*/*.[ch] bench/*.[ch])

.PHONY: build all run test check-deps lint format bench clean install test-build data-run data-test

build: build/recfuse
all: build test-build $(BENCHES)

build/recfuse: $(B)/recfuse
	@ln -sfn $(VARIANT)/recfuse $@
$(B)/recfuse: $(B)/src/main.c.o $(B)/librecfuse.a
	$(CC) $(LDFLAGS) $(filter %.o %.a,$^) $(LIBS) -o $@
$(B)/librecfuse.a: $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/%.c.o: %.c | check-deps $(B)/build_info.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(B)/%.cu.o: %.cu | check-deps $(B)/build_info.h
	@mkdir -p $(@D)
	$(CC) -x c $(CFLAGS) -Wno-unknown-pragmas -MMD -MP -c $< -o $@

# The second set of kernels: launchers with other names.
$(B)/kernels/kernels.c.o: CFLAGS += $(if $(PORTABLE),-DKERNELS_AVX512)
$(B)/avx512_names.h: kernels/list.h
	@mkdir -p $(@D)
	@sed -nE 's/^KERNEL\((\w+),.*/#define \1_cpu \1_cpu_avx512/p' $< > $@
$(B)/%.cu.avx512.o: %.cu $(B)/avx512_names.h | check-deps $(B)/build_info.h
	@mkdir -p $(@D)
	$(CC) -x c $(filter-out $(MACHINE),$(CFLAGS)) $(AVX512) -include $(B)/avx512_names.h -Wno-unknown-pragmas -MMD -MP -c $< -o $@

# The gnuplot recipes as C strings, so that an installed program carries them.
$(B)/plot_recipes.h: $(wildcard plots/*.gp)
	@mkdir -p $(@D)
	@for f in $^; do n=$$(basename $$f .gp); printf 'static const char PLOT_RECIPE_%s[] =\n' $$n; \
	   sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$$/\\n"/' $$f; echo '    ;'; done > $@
$(patsubst %,$(B)/%.o,src/report/plot.c src/experiment/simulation.c $(wildcard src/report/figure_*.c)): $(B)/plot_recipes.h

# The lists of stop words, sorted by bytes, likewise.
$(B)/stop_words.h: $(wildcard src/text/stopwords/*.txt)
	@mkdir -p $(@D)
	@for f in $^; do printf 'static const char *const stop_words_%s[] = {\n' $$(basename $$f .txt); \
	   sed -e '/^#/d' -e '/^$$/d' $$f | LC_ALL=C sort -u | sed -e 's/.*/    "&",/'; echo '};'; done > $@
$(B)/src/text/stops.c.o: $(B)/stop_words.h

# The prompts for language models, likewise.
$(B)/prompts.h: $(wildcard prompts/*.txt)
	@mkdir -p $(@D)
	@{ echo 'static const struct { const char *name, *text; } prompts_shipped[] = {'; \
	   for f in $^; do echo "{\"$$(basename $$f .txt)\","; \
	   sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$$/\\n"/' $$f; echo '},'; done; echo '};'; } > $@
$(B)/src/fusion/prompt.c.o: $(B)/prompts.h

# What a record says of the program; rewritten only when it changes.
$(B)/build_info.h: FORCE
	@mkdir -p $(@D)
	@{ echo '#define BUILD_COMPILER "$(shell $(CC) --version | head -n 1)"'; \
	   echo '#define BUILD_FLAGS "$(OPT) $(MACHINE) -ffp-contract=fast -fopenmp"'; \
	   echo '#define BUILD_COMMIT "$(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)"'; } > $@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@; rm -f $@.tmp
FORCE:

check-deps:
	@pkg-config --exists $(PACKAGES) || { echo "missing libraries: run tools/install-deps.sh (it says what it installs)"; exit 1; }

$(B)/tests/%: $(B)/tests/%.c.o $(TEST_LIB) $(B)/librecfuse.a
	$(CC) $(LDFLAGS) $^ $(LIBS) -lcmocka -o $@
$(B)/bench/%: $(B)/bench/%.c.o $(B)/librecfuse.a
	$(CC) $(LDFLAGS) $^ $(LIBS) -o $@
test-build: $(TESTS) check-build

# The two main commands. Set-up runs first, in its own make, since the lines above ask pkg-config.
run:
	tools/install-deps.sh
	$(MAKE) build
	$(MAKE) data-run
	build/recfuse run experiments/quickstart/experiment.yaml

test:
	tools/install-deps.sh
	$(MAKE) build test-build
	$(MAKE) data-test
	tools/run-tests.sh $(B)

data-run:
	tools/setup-data.sh run
data-test:
	tools/setup-data.sh test

bench: build $(BENCHES)
	tools/run-bench.sh $(B)

# clang 14 knows _Float16 only where the processor multiplies it; as a type to store it has __fp16 everywhere.
lint:
	@echo clang-format; clang-format --dry-run --Werror $(filter-out kernels/team.h,$(ALL_C))
	@echo cppcheck; cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	    --suppress=missingIncludeSystem '-Djson_object_foreach(o,k,v)=for((k)="",(v)=0;(k);)' -Isrc -Ikernels $(SOURCES)
	@echo clang-tidy; printf '%s\n' $(SOURCES) | xargs -P 2 -n 8 sh -c 'clang-tidy --quiet "$$@" -- $(CFLAGS) -D_Float16=__fp16 2>/dev/null' sh
format:
	clang-format -i $(filter-out kernels/team.h,$(ALL_C))

PREFIX := /usr/local
install: build
	install -D $(B)/recfuse $(DESTDIR)$(PREFIX)/bin/recfuse

clean:
	rm -rf build

include tests/check/check.mk
include tests/gpu/gpu.mk
include tests/fuzz/fuzz.mk

ifdef CUDA
CFLAGS += $(CUDA_CFLAGS)
LIBS   += $(CUDA_LIBS)
$(B)/librecfuse.a: $(CUDA_KERNELS)
build: cuda-report
endif

-include $(shell find $(B) -name '*.d' 2>/dev/null)
