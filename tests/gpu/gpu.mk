# The kernels as nvcc builds them; a plain `make` needs none of it.
#   make CUDA=1        build/cuda/recfuse: the kernels for sm_80, 90 and 100 beside the CPU's (kernel_NAME.cuda); and the report
#   make cuda-report   registers, stack, spills, shared memory, occupancy of those; fails on what kernels/spills.txt does not allow
#   make gpu-emulate   their PTX, on the CPU, by the emulator in $PTXEMU: the cases of tests/check, three seeds, no findings
#   make gpu-check     the same cases on a GPU, and results/gpu/CARD.md; says so and ends well where there is none
PTXEMU       ?= ../shared/ptxemu
NVCC         ?= $(or $(shell command -v nvcc),$(wildcard /usr/local/cuda/bin/nvcc),nvcc)
CUDA_HOME    ?= $(patsubst %/bin/,%,$(dir $(NVCC)))
CUDA_ARCHS   ?= 80 90 100
NVCC_OPT     := -x cu -std=c++17 -O3 -Ikernels -diag-suppress 1675
CUDA_TARGETS  = $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) \
                -gencode arch=compute_$(lastword $(CUDA_ARCHS)),code=compute_$(lastword $(CUDA_ARCHS))
CUDA_CFLAGS   = -DRECFUSE_CUDA -isystem $(CUDA_HOME)/include
CUDA_LIBS     = -L$(CUDA_HOME)/lib64 -lcudart_static -lstdc++ -ldl -lrt -lpthread
CUDA_B       := build/cuda
EMU_B        := build/gpu-emulate
GPU_B        := build/gpu-check
CU           := $(sort $(wildcard kernels/*.cu))
CUDA_KERNELS := $(CU:%=$(CUDA_B)/%.cuda.o)
EMU_KERNELS  := $(CU:%=$(EMU_B)/%.o)
# What looks at RECFUSE_CUDA; all else is the plain build's.
GPU_AWARE    := src/backend/cpu.c $(wildcard src/backend/cuda*.c) kernels/kernels.c
GPU_LIB      := $(patsubst %,$(GPU_B)/%.o,$(GPU_AWARE)) $(filter-out $(GPU_AWARE:%=$(B)/%.o),$(LIB_OBJ))
GPU_CHECK    := $(patsubst %,$(GPU_B)/%.o,$(wildcard tests/gpu/*.c) $(filter-out \
                tests/check/check.c tests/check/team_check.c tests/check/mutants.c,$(wildcard tests/check/*.c)))
# $(GPU_B)/lib gets the libraries, so that the folder runs on a machine of this kind of processor with a GPU and a driver.
GPU_LIBS     := -Wl,-rpath,'$$ORIGIN/lib' -Wl,--as-needed $(LIBS)

.PHONY: gpu-emulate gpu-emulate-build gpu-check cuda-report need-nvcc
gpu-emulate: gpu-emulate-build
	tools/gpu-emulate.sh $(EMU_B)
gpu-emulate-build: $(EMU_B)/gpu_check $(EMU_B)/recfuse
gpu-check: $(GPU_B)/gpu_check $(GPU_B)/recfuse
	@mkdir -p $(GPU_B)/lib
	@ldd $^ | awk '$$3 ~ /^\// && $$1 !~ /^lib(c|m|dl|rt|pthread|resolv)\.so/ { print $$3 }' | sort -u | xargs cp -Lut $(GPU_B)/lib
	tools/gpu-check.sh $(GPU_B)
cuda-report: $(CUDA_B)/kernels.table
	@cat $<
need-nvcc:
	@command -v $(NVCC) >/dev/null || { echo "this needs nvcc (the CUDA toolkit): put it on PATH or set NVCC"; exit 1; }

$(CUDA_B)/%.cu.cuda.o: %.cu | need-nvcc
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_OPT) $(CUDA_TARGETS) -Xptxas -v -MMD -MP -MF $@.d -c $< -o $@ >$@.log 2>&1 || { cat $@.log; exit 1; }
$(CUDA_B)/kernels.table: tools/cuda-report.sh kernels/spills.txt $(CUDA_KERNELS)
	@tools/cuda-report.sh $(CUDA_KERNELS:=.log) >$@.tmp || { cat $@.tmp; exit 1; }
	@mv $@.tmp $@

# The harness, and what knows of CUDA.
$(GPU_B)/%.c.o: %.c | need-nvcc
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CUDA_CFLAGS) -MMD -MP -c $< -o $@
$(GPU_B)/librecfuse.a: $(GPU_LIB)
	@rm -f $@
	ar rcs $@ $^
$(GPU_B)/gpu_check: $(GPU_CHECK) $(CUDA_B)/tests/gpu/random.cu.cuda.o $(CUDA_KERNELS) $(GPU_B)/librecfuse.a
	$(CC) -fopenmp $^ $(GPU_LIBS) $(CUDA_LIBS) -o $@
$(GPU_B)/recfuse: $(B)/src/main.c.o $(CUDA_KERNELS) $(GPU_B)/librecfuse.a
	$(CC) -fopenmp $^ $(GPU_LIBS) $(CUDA_LIBS) -o $@

# The emulator wants PTX in the program, uncompressed; its runtime takes the place of CUDA's.
$(EMU_B)/%.cu.o: %.cu | need-nvcc
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_OPT) -gencode arch=compute_75,code=compute_75 -lineinfo --no-compress -MMD -MP -MF $@.d -c $< -o $@
$(EMU_B)/ptxemu.o: $(PTXEMU)/ptxemu.cpp
	@mkdir -p $(@D)
	g++ -std=c++17 -O3 -march=native -fno-strict-aliasing -ffp-contract=off -fno-math-errno -fno-trapping-math -w -c $< -o $@
$(EMU_B)/runtime.o: $(PTXEMU)/ptxemu_rt.cpp | need-nvcc
	@mkdir -p $(@D)
	g++ -std=c++17 -O2 -w -I$(CUDA_HOME)/include -c $< -o $@
EMU_RUNTIME := $(EMU_KERNELS) $(EMU_B)/runtime.o $(EMU_B)/ptxemu.o
$(EMU_B)/gpu_check: $(GPU_CHECK) $(EMU_B)/tests/gpu/random.cu.o $(GPU_B)/librecfuse.a $(EMU_RUNTIME)
	$(CC) -fopenmp $(GPU_CHECK) $(EMU_B)/tests/gpu/random.cu.o $(EMU_RUNTIME) $(GPU_B)/librecfuse.a $(GPU_LIBS) -ldl -lstdc++ -o $@
$(EMU_B)/recfuse: $(B)/src/main.c.o $(GPU_B)/librecfuse.a $(EMU_RUNTIME)
	$(CC) -fopenmp $(B)/src/main.c.o $(EMU_RUNTIME) $(GPU_B)/librecfuse.a $(GPU_LIBS) -ldl -lstdc++ -o $@

-include $(EMU_B)/tests/gpu/random.cu.o.d $(CUDA_KERNELS:=.d) $(EMU_KERNELS:=.d) $(GPU_CHECK:.o=.d) $(GPU_AWARE:%=$(GPU_B)/%.d)
