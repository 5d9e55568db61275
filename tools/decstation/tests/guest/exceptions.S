# Support of exceptions.c: handlers that record an exception and go on in the kernel, and the
# instructions that cause them.
	.set noreorder
	.set noat
	.text

# What the handlers leave: Cause, EPC, BadVAddr, Context, EntryHi, Status, vector; then where to
# resume, and probe's own ra and sp.
	.globl	record
	.comm	record, 48, 4

# Copied to 0x80000000 and 0x80000080.
	.globl	vector_utlb
vector_utlb:
	la	$k0, entered_utlb
	jr	$k0
	nop
	.globl	vector_general
vector_general:
	la	$k0, entered_general
	jr	$k0
	nop
	.globl	vector_end
vector_end:

entered_utlb:
	b	entered
	addiu	$k1, $zero, 0
entered_general:
	b	entered
	addiu	$k1, $zero, 0x80
entered:
	la	$k0, record
	sw	$k1, 24($k0)
	mfc0	$k1, $13
	nop
	sw	$k1, 0($k0)
	mfc0	$k1, $14
	nop
	sw	$k1, 4($k0)
	mfc0	$k1, $8
	nop
	sw	$k1, 8($k0)
	mfc0	$k1, $4
	nop
	sw	$k1, 12($k0)
	mfc0	$k1, $10
	nop
	sw	$k1, 16($k0)
	mfc0	$k1, $12
	nop
	sw	$k1, 20($k0)
	lw	$k1, 28($k0)
	mtc0	$zero, $12
	nop
	jr	$k1
	nop

# unsigned probe(void (*what)(), unsigned a, unsigned b): calls what(a, b); comes back from it or
# from its exception. Returns what's result.
	.globl	probe
probe:
	la	$t0, record
	sw	$ra, 32($t0)
	sw	$sp, 36($t0)
	li	$t1, -1
	sw	$t1, 0($t0)		# no exception
	la	$t1, 1f
	sw	$t1, 28($t0)
	move	$t9, $a0
	move	$a0, $a1
	move	$a1, $a2
	li	$v0, 0
	jalr	$t9
	nop
1:	la	$t0, record
	lw	$ra, 32($t0)
	lw	$sp, 36($t0)
	jr	$ra
	nop

# void in_user(unsigned pc, unsigned a): continues at pc in user mode, interrupts off.
	.globl	in_user
in_user:
	li	$t0, 0x8		# previous mode: user
	mtc0	$t0, $12
	move	$k0, $a0
	move	$a0, $a1
	jr	$k0
	.word	0x42000010		# rfe

	.macro	op name, insn:vararg
	.globl	\name
\name:	\insn
	jr	$ra
	nop
	.endm

	op	do_nothing, nop
	op	do_syscall, syscall
	op	do_break, break
	op	do_sync, .word 0x0000000f
	op	do_beql, .word 0x50000001
	op	do_ll, .word 0xc0820000
	op	do_teq, .word 0x00000034
	op	do_eret, .word 0x42000018
	op	do_add, add $v0, $a0, $a1
	op	do_addi, addi $v0, $a0, 1
	op	do_sub, sub $v0, $a0, $a1
	op	do_lw, lw $v0, 0($a0)
	op	do_lh, lh $v0, 0($a0)
	op	do_lbu, lbu $v0, 0($a0)
	op	do_sw, sw $a1, 0($a0)
	op	do_sh, sh $a1, 0($a0)
	op	do_fp, .word 0x44400000		# cfc1 $zero, $0
	op	do_cop2, .word 0x4a000000

	.globl	do_jump
do_jump:
	jr	$a0
	nop

	.globl	do_slot
do_slot:
	b	1f
	syscall
1:	jr	$ra
	nop

	.globl	do_load_delay
do_load_delay:
	li	$v0, 5
	lw	$v0, 0($a0)
	addu	$v1, $v0, $zero
	jr	$ra
	addu	$v0, $v1, $zero

# tlb_write(index, hi, lo), tlb_probe(hi) -> Index, tlb_read_hi/lo(index), random()
	.globl	tlb_write
tlb_write:
	sll	$a0, $a0, 8
	mtc0	$a0, $0
	mtc0	$a1, $10
	mtc0	$a2, $2
	nop
	nop
	.word	0x42000002
	nop
	nop
	jr	$ra
	nop
	.globl	tlb_probe
tlb_probe:
	mtc0	$a0, $10
	nop
	nop
	.word	0x42000008
	nop
	nop
	mfc0	$v0, $0
	nop
	jr	$ra
	nop
	.globl	tlb_read_hi
tlb_read_hi:
	sll	$a0, $a0, 8
	mtc0	$a0, $0
	nop
	nop
	.word	0x42000001
	nop
	nop
	mfc0	$v0, $10
	nop
	jr	$ra
	nop
	.globl	tlb_read_lo
tlb_read_lo:
	sll	$a0, $a0, 8
	mtc0	$a0, $0
	nop
	nop
	.word	0x42000001
	nop
	nop
	mfc0	$v0, $2
	nop
	jr	$ra
	nop
	.globl	set_hi
set_hi:
	mtc0	$a0, $10
	nop
	jr	$ra
	nop
	.globl	set_context
set_context:
	mtc0	$a0, $4
	nop
	jr	$ra
	nop
	.globl	random
random:
	mfc0	$v0, $1
	nop
	jr	$ra
	srl	$v0, $v0, 8

# A page of user code; each entry is 16 bytes.
	.p2align 12
	.globl	user_page
user_page:
	syscall				# +0x00
	nop
	nop
	nop
	lw	$v0, 0($a0)		# +0x10
	syscall
	nop
	nop
	sw	$v0, 0($a0)		# +0x20
	syscall
	nop
	nop
	mfc0	$v0, $12		# +0x30
	syscall
	nop
	nop
	mtc0	$zero, $12		# +0x40
	syscall
	nop
	nop
	jr	$a0			# +0x50
	nop
	nop
	nop
	.word	0x42000008		# +0x60, tlbp
	syscall
	.p2align 12
	.globl	user_page_end
user_page_end:
