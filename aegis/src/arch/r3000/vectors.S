# Aegis on the R3000: the exception vectors and the hot paths behind them (paper, sections 5.2 to 5.5).
#
# The words that every path needs lie in HOT, which $zero reaches: where k1 is kept, the running
# environment's page, and what a call with a stack keeps. The kernel's own context page
# stands in HOT's page while Rust code runs; every entry of its kernel_pc is asm_kernel_trap, so the
# jump through the page is also the test that a trap came from user mode.
#
# Registers on entry to a vector: all the user's but k0. Interrupts are off (the processor pushed the
# mode) until rfe. A load's result is not there for the next instruction: `nop` where nothing useful
# fits.

        .set    noreorder
        .set    noat
        .set    mips1

# ---- vectors, copied to 0x80000000 and 0x80000080 ----------------------------------------------

        .section .text.vector, "ax", @progbits
        .globl  asm_refill_vector
asm_refill_vector:                      # no TLB entry matches a user address: look in the STLB
        sw      $k1, {HOT_K1}($zero)         # k1 is the application's resume register: keep it
        mfc0    $k1, $10                # EntryHi: page and address space
        lui     $k0, %hi({STLB})
        srl     $k1, $k1, 7
        andi    $k1, $k1, 0x7ff8        # the only entry where it can be
        addu    $k0, $k0, $k1
        lw      $k1, %lo({STLB} + 4)($k0) # the mapping
        lw      $k0, %lo({STLB})($k0)   # whose it is
        mtc0    $k1, $2                 # EntryLo
        mfc0    $k1, $4                 # Context: whose it would have to be
        nop
        bne     $k0, $k1, 1f
        mfc0    $k0, $14                # EPC
        tlbwr
        lui     $k1, %hi({HOT} + {HOT_K1_IN_PAGE}) # not through the TLB, which has just been written
        lw      $k1, %lo({HOT} + {HOT_K1_IN_PAGE})($k1)
        jr      $k0
        .word   0x42000010      # rfe
1:      j       asm_miss
        nop
        .globl  asm_refill_vector_end
asm_refill_vector_end:

        .globl  asm_general_vector
asm_general_vector:                     # every other exception, interrupts too
        sw      $k1, {HOT_K1}($zero)         # interrupts give it back
        mfc0    $k1, $13                # Cause
        lw      $k0, {HOT_PAGE}($zero)       # the environment's page
        andi    $k1, $k1, 0x7c          # exception code, times four
        addu    $k0, $k0, $k1           # its column of the exception context
        lw      $k1, {KERNEL_PC}($k0)   # our code for it
        sw      $a0, {SAVED_A0}($k0)    # first scratch register
        jr      $k1
        sw      $a1, {SAVED_A1}($k0)    # second, in the delay slot
        .globl  asm_general_vector_end
asm_general_vector_end:

# ---- exception dispatch ------------------------------------------------------------------------
# k0 = page + 4 code, a0 and a1 saved. The handler gets a0 = EPC, a1 = bad address, a2 = Cause.

        .section .text.hot, "ax", @progbits
        .globl  asm_dispatch_address
asm_dispatch_address:                   # exceptions that have a bad address
        lw      $k1, {HANDLER_PC}($k0)  # the environment's handler for this code
        mfc0    $a0, $14                # EPC
        sw      $a2, {SAVED_A2}($k0)    # third scratch register
        bltz    $a0, asm_kernel_address # it jumped into the kernel, or is the kernel
        mfc0    $a2, $13                # Cause
        mfc0    $a1, $8                 # BadVAddr
        jr      $k1
        .word   0x42000010      # rfe: user mode, interrupts on

        .globl  asm_dispatch_plain
asm_dispatch_plain:                     # exceptions that have none
        lw      $k1, {HANDLER_PC}($k0)  # the environment's handler for this code
        mfc0    $a0, $14                # EPC
        sw      $a2, {SAVED_A2}($k0)    # third scratch register
        bltz    $a0, asm_kernel_address # the kernel itself
        mfc0    $a2, $13                # Cause
        move    $a1, $zero              # BadVAddr may be another environment's
        jr      $k1
        .word   0x42000010      # rfe: user mode, interrupts on

asm_kernel_address:
        mfc0    $a1, $12                # Status
        nop
        andi    $a1, $a1, {USER_BEFORE} # was it user mode?
        beqz    $a1, asm_kernel_trap
        nop
        mfc0    $a1, $8                 # a fetch from the kernel's addresses has a bad address
        jr      $k1
        .word   0x42000010      # rfe

# ---- a miss that the STLB does not know ---------------------------------------------------------
# k1 = Context. In the first segment it is the environment's own affair.

        .globl  asm_miss
asm_miss:
        lw      $k0, {HOT_PAGE}($zero)
        srl     $k1, $k1, 9             # the page's number, without the low seven bits
        andi    $k1, $k1, 0xfff
        beqz    $k1, asm_miss_guaranteed # second segment
        lw      $k1, {MISS_PC}($k0)
        sw      $a0, {MISS_SAVE}($k0)   # first scratch register
        beqz    $k1, asm_miss_slowly    # no handler, or the kernel itself
        sw      $a1, {MISS_SAVE} + 4($k0) # second
        lw      $a1, {HOT_K1}($zero)
        sw      $a2, {MISS_SAVE} + 8($k0) # third
        sw      $a1, {MISS_SAVE} + 12($k0) # and k1, which the handler may lose
        mfc0    $a0, $14                # EPC
        mfc0    $a1, $8                 # BadVAddr
        mfc0    $a2, $13                # Cause
        jr      $k1
        .word   0x42000010      # rfe: user mode, interrupts on

# ---- system calls ------------------------------------------------------------------------------
# k0 = page + 4 * 8. v0 < 0: a transfer, v0 is the callee's name. Otherwise v0 is the call's number.

        .globl  asm_call
asm_call:
        bltz    $v0, asm_transfer
        andi    $k1, $v0, {SELECTOR}    # slot of the transfer cache, or of the table of calls
        xori    $k0, $v0, {CALL_BASE}   # without the base of Aegis's numbers
        bne     $k0, $k1, asm_foreign_call # no more than the slot may be left
        mfc0    $k0, $13                # Cause, for its sign
        nop
        bltz    $k0, asm_foreign_call   # in a branch's delay slot: we could not return behind it
        lui     $k0, %hi(asm_calls)
        addu    $k1, $k1, $k0           # the call's entry of the table
        lw      $k1, %lo(asm_calls)($k1)
        mfc0    $k0, $14                # EPC
        jr      $k1
        addiu   $k0, $k0, 4             # k0 = where to resume, behind the syscall

        .globl  asm_foreign_call
asm_foreign_call:                       # not ours: an exception of the caller
        lw      $k0, {HOT_PAGE}($zero)
        nop
        j       asm_dispatch_plain
        addiu   $k0, $k0, 4 * 8         # column of system calls; a0 and a1 are saved there

        .globl  asm_null
asm_null:                               # call 0: nothing
        jr      $k0
        .word   0x42000010      # rfe

        .globl  asm_clock
asm_clock:                              # call 2: the counter of cycles, where there is one
        lui     $k1, {COUNTER_HIGH}
        lw      $v1, {COUNTER_LOW}($k1)
        jr      $k0
        .word   0x42000010      # rfe

# ---- primitive operations on the TLB (paper, Table 3) --------------------------------------------
# k0 = where to resume. a0 = address, a1 = page and bits, a2 and a3 = capability. No register is altered:
# t0 to t3 are borrowed. Refused, it is an exception of the caller with the error in a2.

        .macro  borrow
        sw      $k0, {HOT_PC}($zero)
        sw      $t0, {HOT_BORROWED}($zero)
        sw      $t1, {HOT_BORROWED} + 4($zero)
        sw      $t2, {HOT_BORROWED} + 8($zero)
        .endm
        .macro  give_back
        lw      $t0, {HOT_BORROWED}($zero)
        lw      $t1, {HOT_BORROWED} + 4($zero)
        lw      $t2, {HOT_BORROWED} + 8($zero)
        lw      $k1, {HOT_K1}($zero)
        .endm

# t0 = the key of the page at a0, t1 = eight times its place in the STLB, t2 = the address space; EntryHi names both.
        .macro  find_page
        mfc0    $t2, $10                # EntryHi: the address space
        mfc0    $t0, $4                 # Context: the tag
        srl     $t1, $a0, 12            # the virtual page
        sll     $k1, $t1, 2
        sll     $t1, $t1, 12
        andi    $t2, $t2, 0xfc0
        srl     $t0, $t0, 21
        sll     $t0, $t0, 21
        or      $t0, $t0, $k1
        or      $t1, $t1, $t2
        mtc0    $t1, $10                # EntryHi
        srl     $t1, $t1, 7
        andi    $t1, $t1, 0x7ff8
        .endm

        .globl  asm_tlb_write
asm_tlb_write:
        borrow
        srl     $t0, $a0, 19            # below the first segment?
        beqz    $t0, asm_refuse
        li      $t0, 1 << 16            # Invalid
        bltz    $a0, asm_refuse         # above it?
        lw      $t1, {HOT_PAGES}($zero)
        srl     $t2, $a1, 12            # the physical page
        sltu    $t1, $t2, $t1
        beqz    $t1, asm_refuse
        li      $t0, 4 << 16            # NoPage
        lw      $k0, {HOT_RECORDS}($zero)
        sll     $t2, $t2, 5
        addu    $k0, $k0, $t2           # its record
        lw      $t1, {RECORD_WRITE}($k0)
        lw      $t2, {RECORD_WRITE} + 4($k0)
        xor     $t1, $t1, $a2
        xor     $t2, $t2, $a3
        or      $t1, $t1, $t2
        beqz    $t1, 1f                 # it may be written
        or      $t2, $a2, $a3           # the capability that fits nothing
        lw      $t0, {RECORD_READ}($k0)
        lw      $t1, {RECORD_READ} + 4($k0)
        xor     $t0, $t0, $a2
        xor     $t1, $t1, $a3
        or      $t0, $t0, $t1
        bnez    $t0, asm_refuse_denied  # it may not even be read
        andi    $t1, $a1, {WRITABLE}
        bnez    $t1, asm_refuse_denied
        nop
1:      beqz    $t2, asm_refuse_denied
        find_page
        lui     $k1, %hi({STLB})
        tlbp
        lw      $t2, {RECORD_BOUND}($k0)
        addu    $k1, $k1, $t1           # its place
        beqz    $t2, 2f                 # nothing was bound to it
        sw      $t0, %lo({STLB})($k1)
        beq     $t2, $t0, 3f            # the same was
        li      $t0, {MANY}
2:      sw      $t0, {RECORD_BOUND}($k0)
3:      andi    $t1, $a1, 0xfff - {UNCACHED} - {WRITABLE}
        xor     $t0, $a1, $t1           # page and bits, valid and never global
        ori     $t0, $t0, {VALID}
        mfc0    $t1, $0                 # Index: two entries for one page shut the TLB down
        sw      $t0, %lo({STLB} + 4)($k1)
        bltz    $t1, 4f
        mtc0    $t0, $2                 # EntryLo
        lw      $k0, {HOT_PC}($zero)
        give_back
        tlbwi
        nop
        jr      $k0
        .word   0x42000010      # rfe
4:      lw      $k0, {HOT_PC}($zero)
        give_back
        tlbwr
        nop
        jr      $k0
        .word   0x42000010      # rfe

        .globl  asm_tlb_delete
asm_tlb_delete:
        borrow
        srl     $t0, $a0, 19            # below the first segment?
        beqz    $t0, asm_refuse
        li      $t0, 1 << 16            # Invalid
        bltz    $a0, asm_refuse         # above it?
        find_page
        lui     $k0, %hi({STLB})
        tlbp
        addu    $k0, $k0, $t1           # its place
        lw      $t1, %lo({STLB})($k0)
        mfc0    $k1, $0                 # Index
        bne     $t0, $t1, 1f
        lui     $t1, 0x8000
        sw      $zero, %lo({STLB})($k0)
1:      bltz    $k1, 2f                 # not in the TLB
        sll     $t0, $k1, 4             # an entry of its own at an address that is not mapped
        or      $t0, $t0, $t1
        mtc0    $t0, $10                # EntryHi
        mtc0    $zero, $2               # EntryLo
        nop
        tlbwi
        mtc0    $t2, $10                # EntryHi: the address space again
        nop
        nop
2:      lw      $k0, {HOT_PC}($zero)
        give_back
        jr      $k0
        .word   0x42000010      # rfe

# ---- protected control transfer ----------------------------------------------------------------
# k0 = caller's page + 4 * 8, k1 = slot of its transfer cache. No register of the user's is altered:
# a0 is borrowed and given back. The name is the callee's address space and tag, so it goes to EntryHi
# and Context as it is. The slice needs no bookkeeping: whoever runs when it ends holds it.

        .globl  asm_transfer
asm_transfer:
        addu    $k1, $k1, $k0           # the slot
        lw      $a0, {PEER_NAME} - 32($k1) # whom it names
        lw      $k1, {PEER_PAGE} - 32($k1) # the callee's page
        bne     $a0, $v0, asm_transfer_miss
        lw      $a0, {NAME} - 32($k0)   # the caller's name (in the slot, harmless if we miss)
        sw      $k1, {HOT_PAGE}($zero)       # the callee runs now
        mtc0    $v0, $10                # EntryHi: the callee's address space
        sw      $a0, {CALLER}($k1)      # the callee learns who called
        lw      $k1, {SYNCHRONOUS_PC}($k1)
        lw      $a0, {SAVED_A0}($k0)    # a0 is the message again
        mtc0    $v0, $4                 # Context: the callee's tag
        jr      $k1
        .word   0x42000010      # rfe

# ---- yield -------------------------------------------------------------------------------------
# k0 = where to resume, v0 = the call, a0 = whom to yield to. One that this environment has yielded to before,
# while the slice is not over, is entered at once, as `yield_to` in Rust does it (schedule.rs); all else goes
# there. What the caller need not find again is free to use.

        .globl  asm_yield
asm_yield:
        bgez    $a0, asm_rust_call      # to nobody in particular
        andi    $t1, $a0, {SELECTOR}    # slot of the cache
        lw      $t0, {HOT_PAGE}($zero)       # the caller's page
        lw      $t5, {HOT_LENDER}($zero)     # who has this turn back
        addu    $t1, $t1, $t0
        lw      $t2, {YIELDED_NAME}($t1) # whom the slot names
        lw      $v1, {YIELDED_PAGE}($t1) # that one's page
        bne     $t2, $a0, asm_rust_call
        lw      $t4, {HOT_SUCCESSOR}($zero)  # whose turn it is, if this one is over
        lw      $t3, {YIELD_PC}($v1)    # where to enter, if nothing stands in the way
        bnez    $t4, asm_rust_call
        lw      $t0, {NAME}($t0)        # the caller
        beqz    $t3, asm_rust_call
        lw      $t6, {STATUS}($v1)
        bnez    $t5, 1f
        move    $k0, $t3
        move    $t5, $t0                # whoever lends first has it back,
1:      bne     $t5, $a0, 2f
        sw      $zero, {EXCESS}($v1)
        move    $t5, $zero              # until it is lent to them
2:      sw      $t5, {HOT_LENDER}($zero)
asm_start:                              # v1 = page, a0 = name, t6 = Status, k0 = the PC
        sw      $v1, {HOT_PAGE}($zero)       # who runs
        mtc0    $t6, $12                # Status, the user's mode pushed
        mtc0    $a0, $10                # EntryHi: the address space
        mtc0    $a0, $4                 # Context: the tag
        clear_registers                 # nothing of the last one's is left
        jr      $k0
        .word   0x42000010      # rfe

# ---- calls with a stack ------------------------------------------------------------------------
# k0 = where to resume, v0 = the handler. Caller-saved registers come back zero or as they were. The
# handler's C arguments are a0..a3 as they are and t0..t3 on the stack. A handler leaves no register
# dirty but v0 and v1, its results: those in Rust run inside asm_rust_call, which cleans up.

        .globl  asm_stack_call
asm_stack_call:
        sw      $k0, {HOT_PC}($zero)         # where to resume
        lw      $k0, {HOT_PAGE}($zero)
        sw      $sp, {HOT_SP}($zero)
        sw      $k0, {HOT_CALLER}($zero)     # who calls
        lw      $k0, {HOT_CONTEXT}($zero)
        lw      $sp, {HOT_STACK}($zero)      # the kernel's stack, empty
        sw      $ra, {HOT_RA}($zero)
        jalr    $v0
        sw      $k0, {HOT_PAGE}($zero)       # a trap from here on is the kernel's
        lw      $k0, {HOT_CALLER}($zero)
        lw      $sp, {HOT_SP}($zero)
        sw      $k0, {HOT_PAGE}($zero)
        lw      $k0, {HOT_PC}($zero)
        lw      $ra, {HOT_RA}($zero)
        jr      $k0
        .word   0x42000010      # rfe

        .globl  asm_null_stack
asm_null_stack:                         # call 1
        lui     $v0, %hi(1f)
        j       asm_stack_call
        addiu   $v0, $v0, %lo(1f)
1:      move    $v0, $zero              # its handler: nothing
        jr      $ra
        move    $v1, $zero

        .globl  asm_rust_call
asm_rust_call:                          # calls whose handler is in Rust
        andi    $t9, $v0, {SELECTOR}    # eight times the call's slot
        lui     $v0, %hi(1f)
        j       asm_stack_call
        addiu   $v0, $v0, %lo(1f)
1:      addiu   $sp, $sp, -40           # its handler: passes on to the one of the table
        sw      $ra, 32($sp)
        sw      $t0, 16($sp)            # fifth to eighth argument
        sw      $t1, 20($sp)
        sw      $t2, 24($sp)
        sw      $t3, 28($sp)
        lui     $t8, %hi(asm_calls + 4)
        addu    $t9, $t9, $t8
        lw      $t9, %lo(asm_calls + 4)($t9)
        nop
        jalr    $t9
        nop
        lw      $ra, 32($sp)
        addiu   $sp, $sp, 40
        clear_caller_saved              # nothing of the kernel's leaves in a register
        jr      $ra
        nop

# ---- the slow way in and out: the whole state in the trap frame ---------------------------------
# k1 = the Rust function, HOT's k1 = the user's, everything but k0 still the user's.

        .section .text.slow, "ax", @progbits
        .globl  asm_kernel_trap
asm_kernel_trap:                        # an exception in the kernel itself
        lui     $k1, %hi(kernel_trap)
        j       asm_trap
        addiu   $k1, $k1, %lo(kernel_trap)

        .globl  asm_invalid
asm_invalid:                            # an entry that is not valid: a miss like any other
        lui     $k1, %hi(kernel_tlb_miss)
        j       asm_trap
        addiu   $k1, $k1, %lo(kernel_tlb_miss)

        .globl  asm_interrupt
asm_interrupt:
        lui     $k1, %hi(kernel_interrupt)
        j       asm_trap
        addiu   $k1, $k1, %lo(kernel_interrupt)

# Where hot paths end that are rarely taken.

asm_miss_slowly:
        lui     $k1, %hi(kernel_tlb_miss)
        j       asm_trap
        addiu   $k1, $k1, %lo(kernel_tlb_miss)

asm_miss_guaranteed:                    # k0 = the page: as `miss` in Rust does it (translation.rs)
        sw      $a0, {HOT_BORROWED}($zero)
        mfc0    $k1, $4                 # Context: address space and page
        lw      $a0, {NAME}($k0)
        nop
        xor     $a0, $a0, $k1
        srl     $a0, $a0, 21
        bnez    $a0, 2f                 # another address space than its own
        andi    $a0, $k1, 0x1fc         # four times the page's number
        addu    $k0, $k0, $a0
        lw      $k0, {GUARANTEED}($k0)  # the mapping
        xori    $a0, $a0, 4 * {OWN_PAGE}
        beqz    $k0, 2f                 # there is none
        mtc0    $k0, $2                 # EntryLo
        beqz    $a0, 1f                 # its own page is never in the STLB
        mfc0    $a0, $10                # EntryHi
        lui     $k0, %hi({STLB})
        srl     $a0, $a0, 7
        andi    $a0, $a0, 0x7ff8
        addu    $a0, $a0, $k0
        mfc0    $k0, $2                 # the mapping once more
        sw      $k1, %lo({STLB})($a0)
        sw      $k0, %lo({STLB} + 4)($a0)
1:      lw      $a0, {HOT_BORROWED}($zero)
        mfc0    $k0, $14                # EPC
        tlbwr
        lui     $k1, %hi({HOT} + {HOT_K1_IN_PAGE}) # as in the vector
        lw      $k1, %lo({HOT} + {HOT_K1_IN_PAGE})($k1)
        jr      $k0
        .word   0x42000010      # rfe
2:      j       asm_miss_slowly
        lw      $a0, {HOT_BORROWED}($zero)

asm_refuse_denied:
        li      $t0, 2 << 16            # Denied
asm_refuse:                             # t0 = the error in its place
        lw      $k0, {HOT_PAGE}($zero)
        lw      $t1, {HOT_BORROWED} + 4($zero)
        lw      $t2, {HOT_BORROWED} + 8($zero)
        addiu   $k0, $k0, 4 * 8         # column of system calls; a0 and a1 are saved there
        sw      $a2, {SAVED_A2}($k0)
        mfc0    $a2, $13                # Cause
        mfc0    $a0, $14                # EPC
        or      $a2, $a2, $t0
        lw      $t0, {HOT_BORROWED}($zero)
        lw      $k1, {HANDLER_PC}($k0)
        move    $a1, $zero
        jr      $k1
        .word   0x42000010      # rfe

        .globl  asm_primitive
asm_primitive:                          # the others, in Rust, with the whole state saved
        lui     $k1, %hi(kernel_primitive)
        j       asm_trap
        addiu   $k1, $k1, %lo(kernel_primitive)

asm_transfer_miss:                      # a new callee, a bad name, or an asynchronous transfer
        lw      $a0, {SAVED_A0}($k0)    # nothing is altered so far
        lui     $k1, %hi(kernel_transfer)
        j       asm_trap
        addiu   $k1, $k1, %lo(kernel_transfer)

        .globl  asm_trap
asm_trap:
        lui     $k0, %hi({FRAME})
        addiu   $k0, $k0, %lo({FRAME})
        save_registers
        lw      $t0, {HOT_CALLER}($zero)     # on whose behalf the kernel ran, if this is its own trap
        lw      $t1, {HOT_K1}($zero)         # the user's k1
        sw      $t0, {FRAME_PREVIOUS}($k0)
        sw      $t1, 4 * 27($k0)
        mfhi    $t1
        mflo    $t2
        mfc0    $t3, $14                # EPC
        mfc0    $t4, $13                # Cause
        mfc0    $t5, $8                 # BadVAddr
        mfc0    $t7, $12                # Status
        lw      $t6, {HOT_PAGE}($zero)       # who ran
        sw      $t1, {FRAME_HI}($k0)
        sw      $t2, {FRAME_LO}($k0)
        sw      $t3, {FRAME_PC}($k0)
        sw      $t4, {FRAME_CAUSE}($k0)
        sw      $t5, {FRAME_BAD}($k0)
        sw      $t6, {FRAME_PAGE}($k0)
        sw      $t7, {FRAME_STATUS}($k0)
        mfc0    $t1, $10                # EntryHi: the address space
        mfc0    $t2, $4                 # Context: the tag
        sw      $t1, {FRAME_ENTRY_HI}($k0)
        sw      $t2, {FRAME_CONTEXT}($k0)
        move    $a0, $k0                # the Rust function's argument
        move    $t9, $k1
        lw      $k1, {HOT_CONTEXT}($zero)
        lw      $sp, {HOT_STACK}($zero)
        sw      $t6, {HOT_CALLER}($zero)
        jalr    $t9
        sw      $k1, {HOT_PAGE}($zero)       # a trap from here on is the kernel's
        lui     $k1, %hi({FRAME})       # Rust may have changed pc, page and registers in it
        addiu   $k1, $k1, %lo({FRAME})
        lw      $t0, {FRAME_PAGE}($k1)  # who runs next
        lw      $t3, {FRAME_ENTRY_HI}($k1)
        lw      $t4, {FRAME_CONTEXT}($k1)
        lw      $t2, {STATUS}($t0)
        sw      $t0, {HOT_PAGE}($zero)
        mtc0    $t2, $12                # Status, the user's mode pushed
        mtc0    $t3, $10                # EntryHi
        mtc0    $t4, $4                 # Context
        lw      $t2, {FRAME_HI}($k1)
        lw      $t3, {FRAME_LO}($k1)
        mthi    $t2
        mtlo    $t3
        restore_registers
        lw      $k0, {FRAME_PC}($k1)
        lw      $k1, 4 * 27($k1)        # the user's k1, last
        jr      $k0
        .word   0x42000010      # rfe

# ---- entering an environment afresh: a0 = its page, a1 = the PC ---------------------------------

        .globl  asm_enter
asm_enter:
        lw      $t6, {STATUS}($a0)
        move    $v1, $a0
        lw      $a0, {ENTRY_HI}($a0)
        j       asm_start
        move    $k0, $a1

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
