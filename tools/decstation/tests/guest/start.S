# Entry of the bare test programs: ordinary exception vectors, a stack, main, and main's result as
# the exit status (the model's exit register).
	.set noreorder
	.text
	.globl	_start
_start:
	mtc0	$zero, $12
	lui	$sp, 0x8040
	jal	main
	nop
	lui	$t0, 0xbfc8
	sw	$v0, 0x40($t0)
1:	b	1b
	nop
