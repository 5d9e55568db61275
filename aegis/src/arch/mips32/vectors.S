# Aegis on MIPS32: the exception vectors and the hot paths behind them (paper, sections 5.2 to 5.5).
#
# Where the R3000 port keeps two words of memory, this one uses two CP0 registers that nothing else
# needs: ErrorEPC ($30) holds the kernel's address of the running environment's page, DESAVE ($31)
# the user's k1. The kernel's own context page stands in ErrorEPC while Rust code runs; every entry
# of its kernel_pc is mips32_kernel_trap, so the jump through the page is also the test that a trap
# came from user mode.
#
# Registers on entry to a vector: all the user's but k0. Interrupts are off (Status.EXL) until eret.
# An `ehb` stands wherever the architecture asks for one before eret.

        .set    noreorder
        .set    noat
        .set    mips32r2

# ---- vectors, copied to 0x80000000, +0x180 and +0x200 ------------------------------------------

        .section .text.mips32, "ax", @progbits
        .globl  mips32_refill_vector
mips32_refill_vector:                   # TLB refill: no entry matches
        mtc0    $k1, $31                # k1 is the application's resume register: keep it
        lui     $k1, %hi(kernel_tlb_miss)
        j       mips32_trap
        addiu   $k1, $k1, %lo(kernel_tlb_miss)
        .globl  mips32_refill_vector_end
mips32_refill_vector_end:

        .globl  mips32_general_vector
mips32_general_vector:                  # every other exception
        mtc0    $k1, $31                # the user's k1
        mfc0    $k1, $13                # Cause
        mfc0    $k0, $30                # the environment's page
        andi    $k1, $k1, 0x7c          # exception code, times four
        addu    $k0, $k0, $k1           # its column of the exception context
        lw      $k1, {KERNEL_PC}($k0)   # our code for it
        sw      $a0, {SAVED_A0}($k0)    # first scratch register
        jr      $k1
        sw      $a1, {SAVED_A1}($k0)    # second, in the delay slot
        .globl  mips32_general_vector_end
mips32_general_vector_end:

        .globl  mips32_interrupt_vector
mips32_interrupt_vector:                # Cause.IV sends interrupts here
        mtc0    $k1, $31                # preserve k1
        lui     $k1, %hi(kernel_interrupt)
        j       mips32_trap
        addiu   $k1, $k1, %lo(kernel_interrupt)
        .globl  mips32_interrupt_vector_end
mips32_interrupt_vector_end:

# ---- exception dispatch ------------------------------------------------------------------------
# k0 = page + 4 code, a0 and a1 saved. The handler gets a0 = EPC, a1 = bad address, a2 = Cause.

        .globl  mips32_dispatch_address
mips32_dispatch_address:                # exceptions that have a bad address
        lw      $k1, {HANDLER_PC}($k0)  # the environment's handler for this code
        mfc0    $a0, $14                # EPC
        sw      $a2, {SAVED_A2}($k0)    # third scratch register
        mtc0    $k1, $14                # return to the handler
        mfc0    $a1, $8                 # BadVAddr
        mfc0    $a2, $13                # Cause
        ehb                             # EPC is written before eret reads it
        eret                            # user mode, interrupts on

        .globl  mips32_dispatch_plain
mips32_dispatch_plain:                  # exceptions that have none
        lw      $k1, {HANDLER_PC}($k0)  # the environment's handler for this code
        mfc0    $a0, $14                # EPC
        sw      $a2, {SAVED_A2}($k0)    # third scratch register
        mtc0    $k1, $14                # return to the handler
        move    $a1, $zero              # BadVAddr may be another environment's
        mfc0    $a2, $13                # Cause
        ehb                             # EPC is written before eret reads it
        eret                            # user mode, interrupts on

# A MIPS-I program may contain `sdbbp`, which is reserved there. This processor enters its debug mode
# instead, with all of the kernel's rights, in the boot ROM: a few nops, then a word that is a
# reserved instruction. That brings us here, with EPC in the ROM, where no user program can be.

        .globl  mips32_dispatch_reserved
mips32_dispatch_reserved:               # reserved instruction
        mfc0    $a0, $14                # EPC
        bltz    $a0, mips32_leave_debug # not a user's
        sw      $a2, {SAVED_A2}($k0)    # third scratch register
        lw      $k1, {HANDLER_PC}($k0)  # the environment's handler for this code
        move    $a1, $zero              # BadVAddr may be another environment's
        mtc0    $k1, $14                # return to the handler
        mfc0    $a2, $13                # Cause
        ehb                             # EPC is written before eret reads it
        eret                            # user mode, interrupts on

mips32_leave_debug:                     # the sdbbp becomes the reserved instruction that it is
        mfc0    $a0, $24                # DEPC: where the sdbbp is
        lui     $k1, %hi(1f)
        addiu   $k1, $k1, %lo(1f)
        mtc0    $k1, $24                # DEPC
        ehb
        deret                           # out of debug mode; EXL is still set, so in kernel mode
1:      lw      $k1, {HANDLER_PC}($k0)
        move    $a1, $zero
        mtc0    $k1, $14                # EPC
        mfc0    $a2, $13                # Cause
        ehb
        eret                            # user mode, interrupts on

# ---- system calls ------------------------------------------------------------------------------
# k0 = page + 4 * 8. v0 < 0: a transfer, v0 is the callee's name. Otherwise v0 is the call's number.

        .globl  mips32_call
mips32_call:
        bltz    $v0, mips32_transfer
        andi    $k1, $v0, {SELECTOR}    # slot of the transfer cache, or of the table of calls
        xori    $k0, $v0, {CALL_BASE}   # without the base of Aegis's numbers
        bne     $k0, $k1, mips32_foreign_call # no more than the slot may be left
        mfc0    $k0, $13                # Cause, for its sign
        bltz    $k0, mips32_foreign_call # in a branch's delay slot: we could not return behind it
        lui     $k0, %hi(mips32_calls)
        addu    $k1, $k1, $k0           # the call's entry of the table
        lw      $k1, %lo(mips32_calls)($k1)
        mfc0    $k0, $14                # EPC
        jr      $k1
        addiu   $k0, $k0, 4             # k0 = where to resume, behind the syscall

        .globl  mips32_foreign_call
mips32_foreign_call:                    # not ours: an exception of the caller
        mfc0    $k0, $30                # k0 was clobbered
        j       mips32_dispatch_plain
        addiu   $k0, $k0, 4 * 8         # column of system calls; a0 and a1 are saved there

        .globl  mips32_null
mips32_null:                            # call 0: nothing
        mtc0    $k0, $14                # EPC
        ehb
        eret

        .globl  mips32_clock
mips32_clock:                           # call 2: the counter
        mfc0    $v1, $9                 # Count
        mtc0    $k0, $14                # EPC
        ehb
        eret

# ---- protected control transfer ----------------------------------------------------------------
# k0 = caller's page + 4 * 8, k1 = slot of its transfer cache. No register of the user's is altered:
# a0 is borrowed and given back. The slice needs no bookkeeping: whoever runs when it ends holds it.

        .globl  mips32_transfer
mips32_transfer:
        addu    $k1, $k1, $k0           # the slot
        lw      $a0, {PEER_NAME} - 32($k1) # whom it names
        lw      $k1, {PEER_PAGE} - 32($k1) # the callee's page
        bne     $a0, $v0, mips32_transfer_miss
        lw      $a0, {NAME} - 32($k0)   # the caller's name (in the slot, harmless if we miss)
        mtc0    $k1, $30                # the callee runs now
        sw      $a0, {CALLER}($k1)      # and learns who called
        lw      $a0, {ENTRY_HI}($k1)
        lw      $k1, {SYNCHRONOUS_PC}($k1)
        mtc0    $a0, $10                # EntryHi: its address space
        mtc0    $k1, $14                # EPC: its entry
        lw      $a0, {SAVED_A0}($k0)    # a0 is the message again
        ehb
        eret

mips32_transfer_miss:                   # a new callee, a bad name, or an asynchronous transfer
        lw      $a0, {SAVED_A0}($k0)    # nothing is altered so far
        lui     $k1, %hi(kernel_transfer)
        j       mips32_trap
        addiu   $k1, $k1, %lo(kernel_transfer)

# ---- yield -------------------------------------------------------------------------------------
# k0 = where to resume, v0 = the call, a0 = whom to yield to. One that this environment has yielded to before,
# while the slice is not over, is entered at once, as `yield_to` in Rust does it (schedule.rs); all else goes
# there. What the caller need not find again is free to use.

        .globl  mips32_yield
mips32_yield:
        bgez    $a0, mips32_rust_call   # to nobody in particular
        andi    $t1, $a0, {SELECTOR}    # slot of the cache
        mfc0    $t0, $30                # the caller's page
        addu    $t1, $t1, $t0
        lw      $t2, {YIELDED_NAME}($t1) # whom the slot names
        lw      $v1, {YIELDED_PAGE}($t1) # that one's page
        bne     $t2, $a0, mips32_rust_call
        lui     $t7, %hi({RUNNING})     # the turn
        addiu   $t7, $t7, %lo({RUNNING})
        lw      $t4, {SUCCESSOR}($t7)   # whose turn it is, if this one is over
        lw      $t3, {YIELD_PC}($v1)    # where to enter, if nothing stands in the way
        bnez    $t4, mips32_rust_call
        lw      $t5, {LENDER}($t7)      # who has this turn back
        beqz    $t3, mips32_rust_call
        lw      $t0, {NAME}($t0)        # the caller
        bnez    $t5, 1f
        lw      $t6, {STATUS}($v1)
        move    $t5, $t0                # whoever lends first has it back,
1:      bne     $t5, $a0, 2f
        sw      $zero, {EXCESS}($v1)
        move    $t5, $zero              # until it is lent to them
2:      sw      $t5, {LENDER}($t7)
        lw      $t1, {ENTRY_HI}($v1)
mips32_start:                           # v1 = page, t1 = EntryHi, t3 = the PC, t6 = Status
        mtc0    $v1, $30                # who runs
        mtc0    $t6, $12                # Status, with EXL set
        mtc0    $t1, $10                # EntryHi
        ehb
        mtc0    $t3, $14                # EPC
        clear_registers                 # nothing of the last one's is left
        ehb
        eret

# ---- calls with a stack ------------------------------------------------------------------------
# k0 = where to resume, v0 = the handler. Caller-saved registers come back zero or as they were. The
# handler's C arguments are a0..a3 as they are and t0..t3 on the stack. A handler leaves no register
# dirty but v0 and v1, its results: those in Rust run inside mips32_rust_call, which cleans up.

        .globl  mips32_stack_call
mips32_stack_call:
        lui     $k1, %hi({FRAME})       # the trap frame
        addiu   $k1, $k1, %lo({FRAME})
        sw      $k0, {FRAME_PC}($k1)    # where to resume
        mfc0    $k0, $30
        sw      $sp, 4 * 29($k1)
        sw      $ra, 4 * 31($k1)
        sw      $k0, {FRAME_PAGE}($k1)  # who calls
        lui     $sp, %hi(__stack_top)   # the kernel's stack, empty
        addiu   $sp, $sp, %lo(__stack_top)
        lui     $k0, %hi({KERNEL_CONTEXT}) # a trap from here on is the kernel's
        addiu   $k0, $k0, %lo({KERNEL_CONTEXT})
        mtc0    $k0, $30
        mtc0    $zero, $12              # Status: kernel mode proper, interrupts off
        ehb                             # Status is written before the handler runs
        jalr    $v0
        nop
        lui     $k1, %hi({FRAME})
        addiu   $k1, $k1, %lo({FRAME})
        lw      $k0, {FRAME_PAGE}($k1)  # the caller again
        lw      $sp, 4 * 29($k1)
        lw      $ra, 4 * 31($k1)
        mtc0    $k0, $30
        lw      $k0, {STATUS}($k0)
        lw      $k1, {FRAME_PC}($k1)
        mtc0    $k0, $12                # Status, with EXL set
        ehb                             # EXL is set before EPC is written
        mtc0    $k1, $14
        ehb
        eret

        .globl  mips32_null_stack
mips32_null_stack:                      # call 1
        lui     $v0, %hi(1f)
        j       mips32_stack_call
        addiu   $v0, $v0, %lo(1f)
1:      move    $v0, $zero              # its handler: nothing
        jr      $ra
        move    $v1, $zero

        .globl  mips32_rust_call
mips32_rust_call:                       # calls whose handler is in Rust
        andi    $t9, $v0, {SELECTOR}    # eight times the call's slot
        lui     $v0, %hi(1f)
        j       mips32_stack_call
        addiu   $v0, $v0, %lo(1f)
1:      addiu   $sp, $sp, -40           # its handler: passes on to the one of the table
        sw      $ra, 32($sp)
        sw      $t0, 16($sp)            # fifth to eighth argument
        sw      $t1, 20($sp)
        sw      $t2, 24($sp)
        sw      $t3, 28($sp)
        lui     $t8, %hi(mips32_calls + 4)
        addu    $t9, $t9, $t8
        lw      $t9, %lo(mips32_calls + 4)($t9)
        jalr    $t9
        nop
        lw      $ra, 32($sp)
        addiu   $sp, $sp, 40
        clear_caller_saved              # nothing of the kernel's leaves in a register
        jr      $ra
        nop

# ---- the slow way in and out: the whole state in the trap frame ---------------------------------
# k1 = the Rust function, DESAVE = the user's k1, everything but k0 still the user's.

        .globl  mips32_kernel_trap
mips32_kernel_trap:                     # an exception in the kernel itself
        lui     $k1, %hi(kernel_trap)
        j       mips32_trap
        addiu   $k1, $k1, %lo(kernel_trap)

        .globl  mips32_invalid
mips32_invalid:                         # the half of a pair that was absent: a miss like any other
        lui     $k1, %hi(kernel_tlb_miss)
        j       mips32_trap
        addiu   $k1, $k1, %lo(kernel_tlb_miss)

        .globl  mips32_primitive
mips32_primitive:                       # primitive operations, with the whole state saved
        lui     $k1, %hi(kernel_primitive)
        j       mips32_trap
        addiu   $k1, $k1, %lo(kernel_primitive)

        .globl  mips32_trap
mips32_trap:
        lui     $k0, %hi({FRAME})
        addiu   $k0, $k0, %lo({FRAME})
        save_registers
        lw      $t0, {FRAME_PAGE}($k0)  # on whose behalf the kernel ran, if this is its own trap
        sw      $t0, {FRAME_PREVIOUS}($k0)
        mfc0    $t0, $31                # the user's k1
        mfhi    $t1
        mflo    $t2
        mfc0    $t3, $14                # EPC
        mfc0    $t4, $13                # Cause
        mfc0    $t5, $8                 # BadVAddr
        mfc0    $t6, $30                # who ran
        mfc0    $t7, $12                # Status
        sw      $t0, 4 * 27($k0)
        sw      $t1, {FRAME_HI}($k0)
        sw      $t2, {FRAME_LO}($k0)
        sw      $t3, {FRAME_PC}($k0)
        sw      $t4, {FRAME_CAUSE}($k0)
        sw      $t5, {FRAME_BAD}($k0)
        sw      $t6, {FRAME_PAGE}($k0)
        sw      $t7, {FRAME_STATUS}($k0)
        mfc0    $t1, $10                # EntryHi: the address space
        sw      $t1, {FRAME_ENTRY_HI}($k0)
        move    $a0, $k0                # the Rust function's argument
        move    $t9, $k1
        lui     $sp, %hi(__stack_top)
        addiu   $sp, $sp, %lo(__stack_top)
        lui     $k1, %hi({KERNEL_CONTEXT}) # a trap from here on is the kernel's
        addiu   $k1, $k1, %lo({KERNEL_CONTEXT})
        mtc0    $k1, $30
        mtc0    $zero, $12              # Status: kernel mode proper, interrupts off
        ehb
        jalr    $t9
        nop
        lui     $k1, %hi({FRAME})       # Rust may have changed pc, page and registers in it
        addiu   $k1, $k1, %lo({FRAME})
        lw      $t0, {FRAME_PAGE}($k1)  # who runs next
        lw      $t1, {FRAME_PC}($k1)
        lw      $t2, {STATUS}($t0)
        lw      $t3, {FRAME_ENTRY_HI}($k1)
        mtc0    $t0, $30
        mtc0    $t2, $12                # Status, with EXL set
        mtc0    $t3, $10                # EntryHi
        ehb
        mtc0    $t1, $14                # EPC
        lw      $t2, {FRAME_HI}($k1)
        lw      $t3, {FRAME_LO}($k1)
        mthi    $t2
        mtlo    $t3
        restore_registers
        lw      $k1, 4 * 27($k1)        # the user's k1, last
        ehb
        eret

# ---- entering an environment afresh: a0 = its page, a1 = the PC ---------------------------------

        .globl  mips32_enter
mips32_enter:
        move    $v1, $a0
        move    $t3, $a1
        lw      $t6, {STATUS}($a0)
        j       mips32_start
        lw      $t1, {ENTRY_HI}($a0)

# ---- entry of the kernel -----------------------------------------------------------------------

        .section .text.boot, "ax", @progbits
        .globl  _start
_start:
        lui     $sp, %hi(__stack_top)
        addiu   $sp, $sp, %lo(__stack_top)
        lui     $t0, %hi(__bss_start)   # clear .bss
        addiu   $t0, $t0, %lo(__bss_start)
        lui     $t1, %hi(__bss_end)
        addiu   $t1, $t1, %lo(__bss_end)
1:      sw      $zero, 0($t0)
        addiu   $t0, $t0, 4
        bne     $t0, $t1, 1b
        nop
        jal     {BOOT}                  # a0..a3 are still the loader's
        nop
