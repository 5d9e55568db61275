//! The decoder against words that the GNU assembler made from the text beside them.

use elfcheck::table::{LATER, MIPS1};
use elfcheck::{Instruction, Kind};

/// Every MIPS-I instruction once, at 0x00400000; the branches go to 0x00400010.
const MIPS1_WORDS: &[(u32, &str)] = &[
    (0x0008_1100, "sll $v0, $t0, 4"),
    (0x0008_1102, "srl $v0, $t0, 4"),
    (0x0008_1103, "sra $v0, $t0, 4"),
    (0x00a8_1004, "sllv $v0, $t0, $a1"),
    (0x00a8_1006, "srlv $v0, $t0, $a1"),
    (0x00a8_1007, "srav $v0, $t0, $a1"),
    (0x03e0_0008, "jr $ra"),
    (0x0320_f809, "jalr $ra, $t9"),
    (0x0000_000c, "syscall"),
    (0x0000_000d, "break"),
    (0x0000_1010, "mfhi $v0"),
    (0x0080_0011, "mthi $a0"),
    (0x0000_1012, "mflo $v0"),
    (0x0080_0013, "mtlo $a0"),
    (0x0085_0018, "mult $a0, $a1"),
    (0x0085_0019, "multu $a0, $a1"),
    (0x0085_001a, "div $a0, $a1"),
    (0x0085_001b, "divu $a0, $a1"),
    (0x0085_1020, "add $v0, $a0, $a1"),
    (0x0085_1021, "addu $v0, $a0, $a1"),
    (0x0085_1022, "sub $v0, $a0, $a1"),
    (0x0085_1023, "subu $v0, $a0, $a1"),
    (0x0085_1024, "and $v0, $a0, $a1"),
    (0x0085_1025, "or $v0, $a0, $a1"),
    (0x0085_1026, "xor $v0, $a0, $a1"),
    (0x0085_1027, "nor $v0, $a0, $a1"),
    (0x0085_102a, "slt $v0, $a0, $a1"),
    (0x0085_102b, "sltu $v0, $a0, $a1"),
    (0x0480_0003, "bltz $a0, 0x00400010"),
    (0x0481_0003, "bgez $a0, 0x00400010"),
    (0x0490_0003, "bltzal $a0, 0x00400010"),
    (0x0491_0003, "bgezal $a0, 0x00400010"),
    (0x1880_0003, "blez $a0, 0x00400010"),
    (0x1c80_0003, "bgtz $a0, 0x00400010"),
    (0x0810_0004, "j 0x00400010"),
    (0x0c10_0004, "jal 0x00400010"),
    (0x1085_0003, "beq $a0, $a1, 0x00400010"),
    (0x1485_0003, "bne $a0, $a1, 0x00400010"),
    (0x2082_fffb, "addi $v0, $a0, -5"),
    (0x2482_fffb, "addiu $v0, $a0, -5"),
    (0x2882_fffb, "slti $v0, $a0, -5"),
    (0x2c82_fffb, "sltiu $v0, $a0, -5"),
    (0x3082_fffb, "andi $v0, $a0, 0xfffb"),
    (0x3482_fffb, "ori $v0, $a0, 0xfffb"),
    (0x3882_fffb, "xori $v0, $a0, 0xfffb"),
    (0x3c02_8000, "lui $v0, 0x8000"),
    (0x83a8_fffc, "lb $t0, -4($sp)"),
    (0x87a8_fffc, "lh $t0, -4($sp)"),
    (0x8ba8_fffc, "lwl $t0, -4($sp)"),
    (0x8fa8_fffc, "lw $t0, -4($sp)"),
    (0x93a8_fffc, "lbu $t0, -4($sp)"),
    (0x97a8_fffc, "lhu $t0, -4($sp)"),
    (0x9ba8_fffc, "lwr $t0, -4($sp)"),
    (0xa3a8_fffc, "sb $t0, -4($sp)"),
    (0xa7a8_fffc, "sh $t0, -4($sp)"),
    (0xaba8_fffc, "swl $t0, -4($sp)"),
    (0xafa8_fffc, "sw $t0, -4($sp)"),
    (0xbba8_fffc, "swr $t0, -4($sp)"),
    (0xc7a4_0008, "lwc1 $f4, 8($sp)"),
    (0xcba4_0008, "lwc2 $4, 8($sp)"),
    (0xcfa4_0008, "lwc3 $4, 8($sp)"),
    (0xe7a4_0008, "swc1 $f4, 8($sp)"),
    (0xeba4_0008, "swc2 $4, 8($sp)"),
    (0xefa4_0008, "swc3 $4, 8($sp)"),
    (0x401a_7000, "mfc0 $k0, $14"),
    (0x409a_6000, "mtc0 $k0, $12"),
    (0x4100_0003, "bc0f 0x00400010"),
    (0x4101_0003, "bc0t 0x00400010"),
    (0x4200_0001, "tlbr"),
    (0x4200_0002, "tlbwi"),
    (0x4200_0006, "tlbwr"),
    (0x4200_0008, "tlbp"),
    (0x4200_0010, "rfe"),
    (0x4402_2000, "mfc1 $v0, $f4"),
    (0x4442_f800, "cfc1 $v0, $31"),
    (0x4482_2000, "mtc1 $v0, $f4"),
    (0x44c2_f800, "ctc1 $v0, $31"),
    (0x4500_0003, "bc1f 0x00400010"),
    (0x4501_0003, "bc1t 0x00400010"),
    (0x4606_2080, "add.s $f2, $f4, $f6"),
    (0x4606_2081, "sub.s $f2, $f4, $f6"),
    (0x4606_2082, "mul.s $f2, $f4, $f6"),
    (0x4606_2083, "div.s $f2, $f4, $f6"),
    (0x4600_2085, "abs.s $f2, $f4"),
    (0x4600_2086, "mov.s $f2, $f4"),
    (0x4600_2087, "neg.s $f2, $f4"),
    (0x4600_20a4, "cvt.w.s $f2, $f4"),
    (0x4606_2030, "c.f.s $f4, $f6"),
    (0x4606_2031, "c.un.s $f4, $f6"),
    (0x4606_2032, "c.eq.s $f4, $f6"),
    (0x4606_2033, "c.ueq.s $f4, $f6"),
    (0x4606_2034, "c.olt.s $f4, $f6"),
    (0x4606_2035, "c.ult.s $f4, $f6"),
    (0x4606_2036, "c.ole.s $f4, $f6"),
    (0x4606_2037, "c.ule.s $f4, $f6"),
    (0x4606_2038, "c.sf.s $f4, $f6"),
    (0x4606_2039, "c.ngle.s $f4, $f6"),
    (0x4606_203a, "c.seq.s $f4, $f6"),
    (0x4606_203b, "c.ngl.s $f4, $f6"),
    (0x4606_203c, "c.lt.s $f4, $f6"),
    (0x4606_203d, "c.nge.s $f4, $f6"),
    (0x4606_203e, "c.le.s $f4, $f6"),
    (0x4606_203f, "c.ngt.s $f4, $f6"),
    (0x4626_2080, "add.d $f2, $f4, $f6"),
    (0x4626_2081, "sub.d $f2, $f4, $f6"),
    (0x4626_2082, "mul.d $f2, $f4, $f6"),
    (0x4626_2083, "div.d $f2, $f4, $f6"),
    (0x4620_2085, "abs.d $f2, $f4"),
    (0x4620_2086, "mov.d $f2, $f4"),
    (0x4620_2087, "neg.d $f2, $f4"),
    (0x4620_20a4, "cvt.w.d $f2, $f4"),
    (0x4626_2030, "c.f.d $f4, $f6"),
    (0x4626_2031, "c.un.d $f4, $f6"),
    (0x4626_2032, "c.eq.d $f4, $f6"),
    (0x4626_2033, "c.ueq.d $f4, $f6"),
    (0x4626_2034, "c.olt.d $f4, $f6"),
    (0x4626_2035, "c.ult.d $f4, $f6"),
    (0x4626_2036, "c.ole.d $f4, $f6"),
    (0x4626_2037, "c.ule.d $f4, $f6"),
    (0x4626_2038, "c.sf.d $f4, $f6"),
    (0x4626_2039, "c.ngle.d $f4, $f6"),
    (0x4626_203a, "c.seq.d $f4, $f6"),
    (0x4626_203b, "c.ngl.d $f4, $f6"),
    (0x4626_203c, "c.lt.d $f4, $f6"),
    (0x4626_203d, "c.nge.d $f4, $f6"),
    (0x4626_203e, "c.le.d $f4, $f6"),
    (0x4626_203f, "c.ngt.d $f4, $f6"),
    (0x4600_20a1, "cvt.d.s $f2, $f4"),
    (0x4620_20a0, "cvt.s.d $f2, $f4"),
    (0x4680_20a0, "cvt.s.w $f2, $f4"),
    (0x4680_20a1, "cvt.d.w $f2, $f4"),
    (0x4802_2000, "mfc2 $v0, $4"),
    (0x4842_2000, "cfc2 $v0, $4"),
    (0x4882_2000, "mtc2 $v0, $4"),
    (0x48c2_2000, "ctc2 $v0, $4"),
    (0x4900_0003, "bc2f 0x00400010"),
    (0x4901_0003, "bc2t 0x00400010"),
    (0x4c02_2000, "mfc3 $v0, $4"),
    (0x4c42_2000, "cfc3 $v0, $4"),
    (0x4c82_2000, "mtc3 $v0, $4"),
    (0x4cc2_2000, "ctc3 $v0, $4"),
    (0x4d00_0003, "bc3f 0x00400010"),
    (0x4d01_0003, "bc3t 0x00400010"),
    (0x4a00_0123, "cop2"),
];

/// Instructions of later ISAs and the names that the tables have for them.
const LATER_WORDS: &[(u32, &str)] = &[
    (0x5085_0003, "beql"),
    (0x5485_0003, "bnel"),
    (0x5880_0003, "blezl"),
    (0x5c80_0003, "bgtzl"),
    (0x0482_0003, "bltzl"),
    (0x0483_0003, "bgezl"),
    (0x0492_0003, "bltzall"),
    (0x0493_0003, "bgezall"),
    (0x0488_0001, "tgei"),
    (0x0489_0001, "tgeiu"),
    (0x048a_0001, "tlti"),
    (0x048b_0001, "tltiu"),
    (0x048c_0001, "teqi"),
    (0x048e_0001, "tnei"),
    (0x0000_000f, "sync"),
    (0x0085_0030, "tge"),
    (0x0085_0031, "tgeu"),
    (0x0085_0032, "tlt"),
    (0x0085_0033, "tltu"),
    (0x0085_01f4, "teq"),
    (0x0085_0036, "tne"),
    (0xc088_0000, "ll"),
    (0xe088_0000, "sc"),
    (0xd482_0000, "ldc1"),
    (0xf482_0000, "sdc1"),
    (0xd882_0000, "ldc2"),
    (0xf882_0000, "sdc2"),
    (0x4502_0002, "bc1fl"),
    (0x4503_0002, "bc1tl"),
    (0x4902_0002, "bc2fl"),
    (0x4903_0003, "bc2tl"),
    (0x4600_2084, "sqrt"),
    (0x4620_2084, "sqrt"),
    (0x4600_208c, "round.w"),
    (0x4620_208d, "trunc.w"),
    (0x4600_208e, "ceil.w"),
    (0x4620_208f, "floor.w"),
    (0xbc81_0000, "cache"),
    (0xcc81_0000, "lwc3"),
    (0x4200_0018, "eret"),
    (0x4200_001f, "deret"),
    (0x4200_0020, "wait"),
    (0x0085_100a, "movz"),
    (0x0085_100b, "movn"),
    (0x0084_1001, "movci"),
    (0x0081_1001, "movci"),
    (0x4504_0003, "bc1f-cc"),
    (0x451d_0003, "bc1t-cc"),
    (0x4606_2132, ".word"),
    (0x7085_0000, "madd"),
    (0x7085_0001, "maddu"),
    (0x7085_1002, "mul"),
    (0x7085_0004, "msub"),
    (0x7085_0005, "msubu"),
    (0x7082_1020, "clz"),
    (0x7082_1021, "clo"),
    (0x7000_003f, "sdbbp"),
    (0x4008_8001, "mfc0-sel"),
    (0x4088_7801, "mtc0-sel"),
    (0x0024_10c2, "rotr"),
    (0x00a4_1046, "rotrv"),
    (0x03e0_0408, "jr.hb"),
    (0x0320_fc09, "jalr.hb"),
    (0x049f_0000, "synci"),
    (0x7c82_20c0, "ext"),
    (0x7c82_38c4, "ins"),
    (0x7c04_10a0, "wsbh"),
    (0x7c04_1420, "seb"),
    (0x7c04_1620, "seh"),
    (0x7c03_e83b, "rdhwr"),
    (0x4160_6000, "di"),
    (0x4160_6020, "ei"),
    (0x4144_1000, "rdpgpr"),
    (0x41c4_1000, "wrpgpr"),
    (0x4462_2000, "mfhc1"),
    (0x44e2_2000, "mthc1"),
    (0x4c46_2020, "cop1x"),
    (0x6082_0001, "daddi"),
    (0x6482_0001, "daddiu"),
    (0x6882_0000, "ldl"),
    (0x6c82_0000, "ldr"),
    (0x9c82_0000, "lwu"),
    (0xb082_0000, "sdl"),
    (0xb482_0000, "sdr"),
    (0xd082_0000, "lld"),
    (0xdc82_0000, "ld"),
    (0xf082_0000, "scd"),
    (0xfc82_0000, "sd"),
    (0x00a4_1014, "dsllv"),
    (0x00a4_1016, "dsrlv"),
    (0x00a4_1017, "dsrav"),
    (0x0085_001c, "dmult"),
    (0x0085_001d, "dmultu"),
    (0x0085_001e, "ddiv"),
    (0x0085_001f, "ddivu"),
    (0x0085_102c, "dadd"),
    (0x0085_102d, "daddu"),
    (0x0085_102e, "dsub"),
    (0x0085_102f, "dsubu"),
    (0x0004_10f8, "dsll"),
    (0x0004_10fa, "dsrl"),
    (0x0004_10fb, "dsra"),
    (0x0004_10fc, "dsll32"),
    (0x0004_10fe, "dsrl32"),
    (0x0004_10ff, "dsra32"),
    (0x4022_4000, "dmfc0"),
    (0x40a2_4000, "dmtc0"),
    (0x4422_2000, "dmfc1"),
    (0x44a2_2000, "dmtc1"),
    (0x46a0_20a1, "fp-long"),
    (0x4102_0003, "bc0fl"),
    (0x4103_0003, "bc0tl"),
    (0x7485_0000, "jalx"),
];

#[test]
fn every_mips1_instruction_is_known() {
    for &(word, text) in MIPS1_WORDS {
        let instruction = Instruction::decode(word);
        assert!(instruction.is_mips1(), "{word:#010x} {text}");
        assert_eq!(instruction.disassemble(0x0040_0000).to_string(), text);
    }
}

#[test]
fn the_words_cover_the_tables() {
    for (table, words) in [(MIPS1, MIPS1_WORDS), (LATER, LATER_WORDS)] {
        for row in table {
            assert!(
                words.iter().any(|(word, _)| Instruction::decode(*word).mnemonic() == row.name),
                "no word for {}",
                row.name
            );
        }
    }
}

#[test]
fn later_instructions_are_named_and_refused() {
    for &(word, name) in LATER_WORDS {
        let instruction = Instruction::decode(word);
        // `pref` has the encoding of MIPS-I's lwc3.
        assert_eq!(instruction.is_mips1(), name == "lwc3", "{word:#010x} {name}");
        assert_eq!(instruction.mnemonic(), name, "{word:#010x}");
    }
}

#[test]
fn fields_that_must_be_zero_are_looked_at() {
    let words = [
        0x0085_1060, // addu with a shift amount
        0x0085_1018, // mult with a destination (a later DSP form)
        0x0004_1012, // mflo with an rt
        0x4200_0003, // COP0 function 3
        0x4040_0000, // cfc0: there are no control registers
        0x4600_0044, // sqrt.s
        0x7c00_003f, // SPECIAL3
        0x7800_0000, // MSA
        0xffff_ffff, // erased flash
    ];
    for word in words {
        assert!(!Instruction::decode(word).is_mips1(), "{word:#010x}");
    }
}

#[test]
fn ehb_is_a_shift() {
    let ehb = Instruction::decode(0x0000_00c0);
    assert!(ehb.is_mips1());
    assert_eq!(ehb.disassemble(0).to_string(), "sll $zero, $zero, 3");
}

#[test]
fn kinds() {
    let kind = |word| Instruction::decode(word).kind();
    assert_eq!(kind(0x0000_0000), Kind::Plain); // nop
    assert_eq!(kind(0x8c88_0000), Kind::Load); // lw
    assert_eq!(kind(0x401a_7000), Kind::Load); // mfc0
    assert_eq!(kind(0x8888_0003), Kind::LoadPartial); // lwl
    assert_eq!(kind(0xac88_0000), Kind::Store); // sw
    assert_eq!(kind(0x1000_0001), Kind::Branch); // b
    assert_eq!(kind(0x0411_0001), Kind::BranchCall); // bal
    assert_eq!(kind(0x0810_0004), Kind::Jump);
    assert_eq!(kind(0x0c10_0004), Kind::Call);
    assert_eq!(kind(0x03e0_0008), Kind::JumpRegister);
    assert_eq!(kind(0x0320_f809), Kind::CallRegister);
    assert_eq!(kind(0x0000_1012), Kind::ReadHiLo); // mflo
    assert_eq!(kind(0x0085_0018), Kind::WriteHiLo); // mult
    assert_eq!(kind(0x0000_000c), Kind::Syscall);
    assert_eq!(kind(0x4200_0018), Kind::ExceptionReturn); // eret
}

#[test]
fn registers_read_and_late() {
    let reads = |word| Instruction::decode(word).reads().to_string();
    let late = |word| Instruction::decode(word).late().to_string();
    assert_eq!(reads(0x0085_1021), "$a0, $a1"); // addu $v0, $a0, $a1
    assert_eq!(reads(0x0004_1100), "$a0"); // sll $v0, $a0, 4
    assert_eq!(reads(0xaca4_0000), "$a0, $a1"); // sw $a0, 0($a1)
    assert_eq!(reads(0x3c02_8000), ""); // lui $v0, 0x8000
    assert_eq!(reads(0x4626_2080), "$f4, $f5, $f6, $f7"); // add.d $f2, $f4, $f6
    assert_eq!(reads(0x4500_0003), "the FP condition"); // bc1f
    assert_eq!(late(0x8c88_0000), "$t0"); // lw $t0, 0($a0)
    assert_eq!(late(0x8c80_0000), ""); // lw $zero, 0($a0)
    assert_eq!(late(0x401a_7000), "$k0"); // mfc0 $k0, $14
    assert_eq!(late(0x4482_2000), "$f4"); // mtc1 $v0, $f4
    assert_eq!(late(0xc4a4_0000), "$f4"); // lwc1 $f4, 0($a1)
    assert_eq!(late(0x0085_1021), "");
}

#[test]
fn every_word_decodes_and_prints() {
    let mut word = 1_u32;
    for _ in 0..20_000 {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let text = Instruction::decode(word).disassemble(0x8000_0000).to_string();
        assert!(!text.is_empty());
    }
}
