/*
 * fiber.h - the switch between lanes.  swapcontext() asks the kernel for the signal mask twice a switch, most of the time
 * that the checking build took (measured: 13 of 19 s); on x86-64 a switch here is the registers that a function must
 * keep, and no system call.  Elsewhere it is swapcontext().
 */
#ifndef FIBER_H
#define FIBER_H
#include <stddef.h>

#if defined(__x86_64__)
#include <stdint.h>

struct fiber_context {
    void *stack_pointer;
};

void fiber_switch(struct fiber_context *from, const struct fiber_context *to);
__asm__(".text\n"
        ".type fiber_switch, @function\n"
        "fiber_switch:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq (%rsi), %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size fiber_switch, . - fiber_switch\n");

/* The next switch to c calls f, which never returns. */
static void fiber_begin(struct fiber_context *c, char *stack, size_t bytes, void (*f)(void))
{
    uintptr_t *end = (uintptr_t *)(stack + bytes); /* a multiple of 16: f starts 8 below one, as if called */
    for (int i = 1; i <= 8; i++)
        end[-i] = 0;        /* where f would return to, and the registers that the switch takes */
    end[-2] = (uintptr_t)f; /* where the switch returns to */
    c->stack_pointer = end - 8;
}

#else
#include <ucontext.h>

struct fiber_context {
    ucontext_t context;
};

static void fiber_switch(struct fiber_context *from, const struct fiber_context *to)
{
    swapcontext(&from->context, &to->context);
}
static void fiber_begin(struct fiber_context *c, char *stack, size_t bytes, void (*f)(void))
{
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = stack, c->context.uc_stack.ss_size = bytes, c->context.uc_link = NULL;
    makecontext(&c->context, f, 0);
}
#endif
#endif
