# What both ports do with whole register files. k0 and k1 are the kernel's and not among them.

        .set    noat

# Into the trap frame at k0; k1, which the vector has kept, comes after.
        .macro  save_registers
        sw      $at, 4 * 1($k0)
        sw      $v0, 4 * 2($k0)
        sw      $v1, 4 * 3($k0)
        sw      $a0, 4 * 4($k0)
        sw      $a1, 4 * 5($k0)
        sw      $a2, 4 * 6($k0)
        sw      $a3, 4 * 7($k0)
        sw      $t0, 4 * 8($k0)
        sw      $t1, 4 * 9($k0)
        sw      $t2, 4 * 10($k0)
        sw      $t3, 4 * 11($k0)
        sw      $t4, 4 * 12($k0)
        sw      $t5, 4 * 13($k0)
        sw      $t6, 4 * 14($k0)
        sw      $t7, 4 * 15($k0)
        sw      $s0, 4 * 16($k0)
        sw      $s1, 4 * 17($k0)
        sw      $s2, 4 * 18($k0)
        sw      $s3, 4 * 19($k0)
        sw      $s4, 4 * 20($k0)
        sw      $s5, 4 * 21($k0)
        sw      $s6, 4 * 22($k0)
        sw      $s7, 4 * 23($k0)
        sw      $t8, 4 * 24($k0)
        sw      $t9, 4 * 25($k0)
        sw      $gp, 4 * 28($k0)
        sw      $sp, 4 * 29($k0)
        sw      $fp, 4 * 30($k0)
        sw      $ra, 4 * 31($k0)
        .endm

# Out of the trap frame at k1; k1 itself comes after.
        .macro  restore_registers
        lw      $at, 4 * 1($k1)
        lw      $v0, 4 * 2($k1)
        lw      $v1, 4 * 3($k1)
        lw      $a0, 4 * 4($k1)
        lw      $a1, 4 * 5($k1)
        lw      $a2, 4 * 6($k1)
        lw      $a3, 4 * 7($k1)
        lw      $t0, 4 * 8($k1)
        lw      $t1, 4 * 9($k1)
        lw      $t2, 4 * 10($k1)
        lw      $t3, 4 * 11($k1)
        lw      $t4, 4 * 12($k1)
        lw      $t5, 4 * 13($k1)
        lw      $t6, 4 * 14($k1)
        lw      $t7, 4 * 15($k1)
        lw      $s0, 4 * 16($k1)
        lw      $s1, 4 * 17($k1)
        lw      $s2, 4 * 18($k1)
        lw      $s3, 4 * 19($k1)
        lw      $s4, 4 * 20($k1)
        lw      $s5, 4 * 21($k1)
        lw      $s6, 4 * 22($k1)
        lw      $s7, 4 * 23($k1)
        lw      $t8, 4 * 24($k1)
        lw      $t9, 4 * 25($k1)
        lw      $gp, 4 * 28($k1)
        lw      $sp, 4 * 29($k1)
        lw      $fp, 4 * 30($k1)
        lw      $ra, 4 * 31($k1)
        .endm

# What C lets a callee lose, but for the results v0 and v1.
        .macro  clear_caller_saved
        move    $at, $zero
        move    $a0, $zero
        move    $a1, $zero
        move    $a2, $zero
        move    $a3, $zero
        move    $t0, $zero
        move    $t1, $zero
        move    $t2, $zero
        move    $t3, $zero
        move    $t4, $zero
        move    $t5, $zero
        move    $t6, $zero
        move    $t7, $zero
        move    $t8, $zero
        move    $t9, $zero
        mthi    $zero
        mtlo    $zero
        .endm

# Everything.
        .macro  clear_registers
        move    $at, $zero
        move    $v0, $zero
        move    $v1, $zero
        move    $a0, $zero
        move    $a1, $zero
        move    $a2, $zero
        move    $a3, $zero
        move    $t0, $zero
        move    $t1, $zero
        move    $t2, $zero
        move    $t3, $zero
        move    $t4, $zero
        move    $t5, $zero
        move    $t6, $zero
        move    $t7, $zero
        move    $s0, $zero
        move    $s1, $zero
        move    $s2, $zero
        move    $s3, $zero
        move    $s4, $zero
        move    $s5, $zero
        move    $s6, $zero
        move    $s7, $zero
        move    $t8, $zero
        move    $t9, $zero
        move    $k1, $zero
        move    $gp, $zero
        move    $sp, $zero
        move    $fp, $zero
        move    $ra, $zero
        mthi    $zero
        mtlo    $zero
        .endm
