# The kernels as nvcc builds them.
#   make gpu-emulate   their PTX, on the CPU, by the emulator in $PTXEMU: the cases of tests/check, three seeds, no findings
#   make gpu-check     the same cases on a GPU; says so and ends well where there is none
#   make cuda-report   registers, spills, shared memory and occupancy on sm_80, sm_90 and sm_100; fails on a spill that
#                      kernels/spills.txt does not allow
PTXEMU    ?= ../shared/ptxemu
NVCC      ?= nvcc
NVCC_OPT  := -x cu -std=c++17 -O3 -Ikernels -diag-suppress 1675
CUDA_INC   = $(dir $(shell command -v $(NVCC)))../include
EMU_B     := build/gpu-emulate
GPU_B     := build/gpu-check
GPU_FLAGS := -std=c11 -D_GNU_SOURCE -g -O1 -ffp-contract=off -fno-math-errno $(WARN) -Wno-unknown-pragmas -Ikernels
GPU_HOST  := $(filter-out tests/check/check.c tests/check/team_check.c tests/check/mutants.c,$(wildcard tests/check/*.c)) \
             tests/gpu/gpu_check.c
CU        := $(wildcard kernels/*.cu)

.PHONY: gpu-emulate gpu-emulate-build gpu-check cuda-report
gpu-emulate: gpu-emulate-build
	tools/gpu-emulate.sh $(EMU_B)
gpu-emulate-build: $(EMU_B)/gpu_check
gpu-check: $(GPU_B)/gpu_check
	$(GPU_B)/gpu_check --speed
cuda-report:
	tools/cuda-report.sh build/cuda-report $(CU)

$(EMU_B)/gpu_check: $(patsubst %,$(EMU_B)/%.o,$(CU) $(GPU_HOST))
	BUILD=$(EMU_B)/emulator $(PTXEMU)/ptxemu.sh link $@ $^
$(EMU_B)/%.cu.o: %.cu $(wildcard kernels/*.h)
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_OPT) -gencode arch=compute_75,code=compute_75 -lineinfo --no-compress \
	    -DTEAM_SHARED_LIMIT=232448 -c $< -o $@
$(GPU_B)/gpu_check: $(patsubst %,$(GPU_B)/%.o,$(CU) $(GPU_HOST))
	$(NVCC) -cudart static $^ -o $@
$(GPU_B)/%.cu.o: %.cu $(wildcard kernels/*.h)
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_OPT) $(foreach a,80 90 100,-gencode arch=compute_$(a),code=sm_$(a)) -c $< -o $@
$(EMU_B)/%.c.o $(GPU_B)/%.c.o: %.c $(wildcard kernels/*.h tests/check/*.h)
	@mkdir -p $(@D)
	$(CC) $(GPU_FLAGS) -I$(CUDA_INC) -c $< -o $@
