# The checking build: kernels as 32 fibers a team (tests/check).  `make check` runs it without a sanitizer, `make check
# SAN=thread|address|undefined` under one, `make check-all` in all four.  Its objects: build/check-<SAN or plain>.
# (gcc cannot know that a lane's number is below the team's size: no -Wmaybe-uninitialized.)
CHECK_B       := build/check-$(or $(SAN),plain)
CHECK_FLAGS   := -std=c11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -ffp-contract=off -fno-math-errno -DTEAM_CHECK=32 \
                 $(if $(SAN),-DCHECK_SAN_$(SAN)) $(WARN) -Wno-unknown-pragmas -Wno-maybe-uninitialized -Ikernels
CHECK_SAN     := $(if $(SAN),-fsanitize=$(SAN))
CHECK_KERNELS := $(patsubst %,$(CHECK_B)/%.o,$(wildcard kernels/*.cu))
CHECK_OBJECTS := $(patsubst %,$(CHECK_B)/%.o,$(wildcard tests/check/*.c))

.PHONY: check check-all check-build
check-build: $(CHECK_B)/check
check: check-build
	tools/check.sh $(CHECK_B) $(SAN)
check-all:
	$(MAKE) check
	$(MAKE) check SAN=thread
	$(MAKE) check SAN=address
	$(MAKE) check SAN=undefined

$(CHECK_B)/check: $(CHECK_KERNELS) $(CHECK_OBJECTS)
	$(CC) $(CHECK_SAN) $^ -lm -o $@
$(CHECK_B)/%.cu.o: %.cu
	@mkdir -p $(@D)
	$(CC) -x c $(CHECK_FLAGS) $(CHECK_SAN) -MMD -MP -c $< -o $@
# Without ThreadSanitizer: what the harness does between the lanes must be invisible to it.
$(CHECK_B)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CHECK_FLAGS) $(filter-out -fsanitize=thread,$(CHECK_SAN)) -MMD -MP -c $< -o $@

-include $(CHECK_KERNELS:.o=.d) $(CHECK_OBJECTS:.o=.d)
