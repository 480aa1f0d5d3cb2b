# make fuzz            each target of tests/fuzz for FUZZ_SECONDS under clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer; new
#                      inputs gather in build/fuzz/corpus.  FUZZ=NAME: one of them.  Installs clang, its runtime and libomp-dev where they are missing.
FUZZ_B       := build/fuzz
FUZZ_SECONDS ?= 60
FUZZ_ALL     := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ         ?= $(FUZZ_ALL)
FUZZ_FLAGS   := -std=c11 -D_GNU_SOURCE -g -O1 -march=native -fno-omit-frame-pointer -fopenmp -Isrc -Ikernels -Ibuild/fuzz $(INCLUDE) -Wno-everything
# What reads files and texts is watched; the rest (random numbers, kernels) comes as gcc made it, and two files that clang 14 cannot compile
# (_Float16), which read nothing.
FUZZ_OBJ     := $(patsubst %,$(FUZZ_B)/%.o,$(filter-out src/llm/decoder_cache.c src/llm/quantize.c,\
                $(filter src/base/% src/data/% src/text/% src/llm/%,$(SOURCES))) tests/fuzz/fuzz.c)

.SECONDARY: $(FUZZ_OBJ) $(patsubst %,$(FUZZ_B)/tests/fuzz/fuzz_%.c.o,$(FUZZ_ALL))
.PHONY: fuzz fuzz-deps
fuzz-deps:
	@tools/install-deps.sh fuzz
fuzz: fuzz-deps
	@$(MAKE) --no-print-directory fuzz-run
.PHONY: fuzz-run
fuzz-run: $(patsubst %,$(FUZZ_B)/%,$(FUZZ))
	@for name in $(FUZZ); do \
	    mkdir -p $(FUZZ_B)/corpus/$$name; echo "== $$name: $(FUZZ_SECONDS) s"; \
	    OMP_NUM_THREADS=1 $(FUZZ_B)/$$name -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
	        -artifact_prefix=$(FUZZ_B)/$$name- $(FUZZ_B)/corpus/$$name tests/fuzz/corpus/$$name >$(FUZZ_B)/$$name.log 2>&1 \
	        && { grep -E 'number_of_executed_units|new_units_added' $(FUZZ_B)/$$name.log; echo "clean"; } \
	        || { tail -40 $(FUZZ_B)/$$name.log; exit 1; }; done
$(FUZZ_B)/%.c.o: %.c | $(B)/build_info.h
	@mkdir -p $(@D)
	@cp -f $(B)/*.h $(FUZZ_B)/ 2>/dev/null; true
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@
$(FUZZ_B)/%: $(FUZZ_B)/tests/fuzz/fuzz_%.c.o $(FUZZ_OBJ) $(B)/librecfuse.a
	clang -fopenmp -fsanitize=fuzzer,address,undefined $^ $(LIBS) -o $@

# What was found so far, in make test: the targets without a fuzzer.
FUZZ_REPLAY := $(patsubst %,$(B)/tests/fuzz/replay_%,$(FUZZ_ALL))
$(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/fuzz_%.c.o $(B)/tests/fuzz/fuzz.c.o $(B)/tests/fuzz/replay.c.o $(B)/librecfuse.a
	$(CC) $(LDFLAGS) $^ $(LIBS) -o $@
test-build: $(FUZZ_REPLAY)
