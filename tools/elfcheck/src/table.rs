//! The instruction tables: every MIPS-I instruction of an R3000 with its R3010, and the names of the
//! later instructions that must not occur.
//!
//! A row says which bits are fixed and what shape the operands have; everything else (registers
//! read, what comes late, how it prints) follows from the shape. A field that the MIPS-I manual
//! wants to be zero is part of the mask, because later ISAs put new instructions there (`rotr` is
//! `srl` with a bit in the unused rs field).

/// The rs field of an instruction word.
const RS: u32 = 0x03e0_0000;
/// The rt field.
const RT: u32 = 0x001f_0000;
/// The rd field.
const RD: u32 = 0x0000_f800;
/// The shift-amount field.
const SA: u32 = 0x0000_07c0;
/// The major opcode.
const OPCODE: u32 = 0xfc00_0000;
/// The function field of SPECIAL and COPz.
const FUNCTION: u32 = 0x0000_003f;

/// What the operands of an instruction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No operands that matter here (`tlbwi`, `break`, coprocessor operations, later instructions).
    Plain,
    /// `syscall`.
    Syscall,
    /// Leaves for elsewhere, without a delay slot (`eret`).
    ExceptionReturn,
    /// rd = rt shifted by a constant.
    Shift,
    /// rd = rt shifted by rs.
    ShiftVariable,
    /// rd = rs op rt.
    ThreeRegisters,
    /// rt = rs op immediate, sign-extended.
    Immediate,
    /// rt = rs op immediate, zero-extended.
    ImmediateUnsigned,
    /// rt = immediate << 16.
    LoadUpper,
    /// rd = HI or LO.
    FromHiLo,
    /// HI or LO = rs.
    ToHiLo,
    /// HI, LO = rs op rt.
    MultiplyDivide,
    /// Conditional branch that compares rs and rt.
    BranchTwo,
    /// Conditional branch on rs.
    BranchOne,
    /// Conditional branch on rs that links.
    BranchLink,
    /// Conditional branch on a coprocessor's condition line.
    BranchCoprocessor,
    /// Conditional branch on the floating-point condition.
    BranchFloat,
    /// `j`.
    Jump,
    /// `jal`.
    JumpLink,
    /// `jr`.
    JumpRegister,
    /// `jalr`.
    JumpRegisterLink,
    /// rt = memory.
    Load,
    /// Part of rt = memory (`lwl`, `lwr`).
    LoadPartial,
    /// memory = rt.
    Store,
    /// ft = memory.
    LoadFloat,
    /// memory = ft.
    StoreFloat,
    /// Memory to or from a register of coprocessor 2 or 3.
    MemoryCoprocessor,
    /// rt = register rd of coprocessor 0, 2 or 3, or a control register.
    FromCoprocessor,
    /// Register rd of a coprocessor, or a control register, = rt.
    ToCoprocessor,
    /// rt = fs.
    FromFloat,
    /// fs = rt.
    ToFloat,
    /// Floating-point control register fs = rt.
    ToFloatControl,
    /// fd = fs op ft.
    FloatThree,
    /// fd = op fs.
    FloatTwo,
    /// FP condition = fs compared with ft.
    FloatCompare,
}

impl Shape {
    /// The operand fields that an instruction of this shape has to keep zero.
    const fn unused(self) -> u32 {
        match self {
            Self::Shift | Self::LoadUpper => RS,
            Self::ShiftVariable | Self::ThreeRegisters => SA,
            Self::FromHiLo => RS | RT | SA,
            Self::ToHiLo | Self::JumpRegister => RT | RD | SA,
            Self::MultiplyDivide => RD | SA,
            Self::JumpRegisterLink => RT | SA,
            Self::FloatTwo => RT,
            Self::FloatCompare => SA,
            Self::FromCoprocessor
            | Self::ToCoprocessor
            | Self::FromFloat
            | Self::ToFloat
            | Self::ToFloatControl => SA | FUNCTION,
            _ => 0,
        }
    }
}

/// The instruction set in which an instruction first appeared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// MIPS I, what an R3000 executes.
    Mips1,
    /// MIPS II.
    Mips2,
    /// MIPS III, the first with 64 bits.
    Mips3,
    /// MIPS IV.
    Mips4,
    /// MIPS32 release 1.
    Mips32,
    /// MIPS32 release 2 and its extensions.
    Mips32r2,
    /// An encoding that the tables do not know.
    Unknown,
}

impl Isa {
    /// The usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mips1 => "MIPS I",
            Self::Mips2 => "MIPS II",
            Self::Mips3 => "MIPS III",
            Self::Mips4 => "MIPS IV",
            Self::Mips32 => "MIPS32",
            Self::Mips32r2 => "MIPS32r2",
            Self::Unknown => "no known ISA",
        }
    }
}

/// One instruction: a word is it when `word & mask == value`.
#[derive(Debug)]
pub struct Row {
    /// The bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// The mnemonic.
    pub name: &'static str,
    /// The shape of the operands.
    pub shape: Shape,
    /// Where the instruction first appeared.
    pub isa: Isa,
}

const fn row(mask: u32, value: u32, name: &'static str, shape: Shape) -> Row {
    Row { mask: mask | shape.unused(), value, name, shape, isa: Isa::Mips1 }
}

/// Major opcode alone.
const fn op(opcode: u32, name: &'static str, shape: Shape) -> Row {
    row(OPCODE, opcode << 26, name, shape)
}

/// SPECIAL: opcode 0 and a function.
const fn special(function: u32, name: &'static str, shape: Shape) -> Row {
    row(OPCODE | FUNCTION, function, name, shape)
}

/// REGIMM: opcode 1 and the rt field.
const fn regimm(rt: u32, name: &'static str, shape: Shape) -> Row {
    row(OPCODE | RT, 1 << 26 | rt << 16, name, shape)
}

/// COPz with the rs field saying what moves.
const fn cop(z: u32, rs: u32, name: &'static str, shape: Shape) -> Row {
    row(OPCODE | RS, (0x10 + z) << 26 | rs << 21, name, shape)
}

/// BCzF and BCzT.
const fn branch(z: u32, condition: u32, name: &'static str, shape: Shape) -> Row {
    row(OPCODE | RS | RT, (0x10 + z) << 26 | 8 << 21 | condition << 16, name, shape)
}

/// Floating point: COP1 with a format (16 single, 17 double, 20 word) and a function.
const fn fp(format: u32, function: u32, name: &'static str, shape: Shape) -> Row {
    row(OPCODE | RS | FUNCTION, 0x11 << 26 | format << 21 | function, name, shape)
}

const fn whole(value: u32, name: &'static str) -> Row {
    row(u32::MAX, value, name, Shape::Plain)
}

const fn later(isa: Isa, mask: u32, value: u32, name: &'static str, shape: Shape) -> Row {
    Row { mask, value, name, shape, isa }
}

const fn later_op(isa: Isa, opcode: u32, name: &'static str, shape: Shape) -> Row {
    later(isa, OPCODE, opcode << 26, name, shape)
}

const fn later_function(isa: Isa, opcode: u32, function: u32, name: &'static str) -> Row {
    later(isa, OPCODE | FUNCTION, opcode << 26 | function, name, Shape::Plain)
}

const fn later_cop(isa: Isa, z: u32, rs: u32, name: &'static str) -> Row {
    later(isa, OPCODE | RS, (0x10 + z) << 26 | rs << 21, name, Shape::Plain)
}

/// What a word that no table knows decodes to.
pub static UNKNOWN: Row = later(Isa::Unknown, 0, 0, ".word", Shape::Plain);

/// Every MIPS-I instruction.
pub static MIPS1: &[Row] = &[
    // SPECIAL
    special(0x00, "sll", Shape::Shift),
    special(0x02, "srl", Shape::Shift),
    special(0x03, "sra", Shape::Shift),
    special(0x04, "sllv", Shape::ShiftVariable),
    special(0x06, "srlv", Shape::ShiftVariable),
    special(0x07, "srav", Shape::ShiftVariable),
    special(0x08, "jr", Shape::JumpRegister),
    special(0x09, "jalr", Shape::JumpRegisterLink),
    special(0x0c, "syscall", Shape::Syscall),
    special(0x0d, "break", Shape::Plain),
    special(0x10, "mfhi", Shape::FromHiLo),
    special(0x11, "mthi", Shape::ToHiLo),
    special(0x12, "mflo", Shape::FromHiLo),
    special(0x13, "mtlo", Shape::ToHiLo),
    special(0x18, "mult", Shape::MultiplyDivide),
    special(0x19, "multu", Shape::MultiplyDivide),
    special(0x1a, "div", Shape::MultiplyDivide),
    special(0x1b, "divu", Shape::MultiplyDivide),
    special(0x20, "add", Shape::ThreeRegisters),
    special(0x21, "addu", Shape::ThreeRegisters),
    special(0x22, "sub", Shape::ThreeRegisters),
    special(0x23, "subu", Shape::ThreeRegisters),
    special(0x24, "and", Shape::ThreeRegisters),
    special(0x25, "or", Shape::ThreeRegisters),
    special(0x26, "xor", Shape::ThreeRegisters),
    special(0x27, "nor", Shape::ThreeRegisters),
    special(0x2a, "slt", Shape::ThreeRegisters),
    special(0x2b, "sltu", Shape::ThreeRegisters),
    // REGIMM
    regimm(0x00, "bltz", Shape::BranchOne),
    regimm(0x01, "bgez", Shape::BranchOne),
    regimm(0x10, "bltzal", Shape::BranchLink),
    regimm(0x11, "bgezal", Shape::BranchLink),
    // Major opcodes
    op(0x02, "j", Shape::Jump),
    op(0x03, "jal", Shape::JumpLink),
    op(0x04, "beq", Shape::BranchTwo),
    op(0x05, "bne", Shape::BranchTwo),
    row(OPCODE | RT, 0x06 << 26, "blez", Shape::BranchOne),
    row(OPCODE | RT, 0x07 << 26, "bgtz", Shape::BranchOne),
    op(0x08, "addi", Shape::Immediate),
    op(0x09, "addiu", Shape::Immediate),
    op(0x0a, "slti", Shape::Immediate),
    op(0x0b, "sltiu", Shape::Immediate),
    op(0x0c, "andi", Shape::ImmediateUnsigned),
    op(0x0d, "ori", Shape::ImmediateUnsigned),
    op(0x0e, "xori", Shape::ImmediateUnsigned),
    op(0x0f, "lui", Shape::LoadUpper),
    op(0x20, "lb", Shape::Load),
    op(0x21, "lh", Shape::Load),
    op(0x22, "lwl", Shape::LoadPartial),
    op(0x23, "lw", Shape::Load),
    op(0x24, "lbu", Shape::Load),
    op(0x25, "lhu", Shape::Load),
    op(0x26, "lwr", Shape::LoadPartial),
    op(0x28, "sb", Shape::Store),
    op(0x29, "sh", Shape::Store),
    op(0x2a, "swl", Shape::Store),
    op(0x2b, "sw", Shape::Store),
    op(0x2e, "swr", Shape::Store),
    op(0x31, "lwc1", Shape::LoadFloat),
    op(0x32, "lwc2", Shape::MemoryCoprocessor),
    op(0x33, "lwc3", Shape::MemoryCoprocessor),
    op(0x39, "swc1", Shape::StoreFloat),
    op(0x3a, "swc2", Shape::MemoryCoprocessor),
    op(0x3b, "swc3", Shape::MemoryCoprocessor),
    // Coprocessor 0: system control
    cop(0, 0, "mfc0", Shape::FromCoprocessor),
    cop(0, 4, "mtc0", Shape::ToCoprocessor),
    branch(0, 0, "bc0f", Shape::BranchCoprocessor),
    branch(0, 1, "bc0t", Shape::BranchCoprocessor),
    whole(0x4200_0001, "tlbr"),
    whole(0x4200_0002, "tlbwi"),
    whole(0x4200_0006, "tlbwr"),
    whole(0x4200_0008, "tlbp"),
    whole(0x4200_0010, "rfe"),
    // Coprocessor 1: the R3010
    cop(1, 0, "mfc1", Shape::FromFloat),
    cop(1, 2, "cfc1", Shape::FromCoprocessor),
    cop(1, 4, "mtc1", Shape::ToFloat),
    cop(1, 6, "ctc1", Shape::ToFloatControl),
    branch(1, 0, "bc1f", Shape::BranchFloat),
    branch(1, 1, "bc1t", Shape::BranchFloat),
    fp(16, 0x00, "add.s", Shape::FloatThree),
    fp(16, 0x01, "sub.s", Shape::FloatThree),
    fp(16, 0x02, "mul.s", Shape::FloatThree),
    fp(16, 0x03, "div.s", Shape::FloatThree),
    fp(16, 0x05, "abs.s", Shape::FloatTwo),
    fp(16, 0x06, "mov.s", Shape::FloatTwo),
    fp(16, 0x07, "neg.s", Shape::FloatTwo),
    fp(16, 0x21, "cvt.d.s", Shape::FloatTwo),
    fp(16, 0x24, "cvt.w.s", Shape::FloatTwo),
    fp(16, 0x30, "c.f.s", Shape::FloatCompare),
    fp(16, 0x31, "c.un.s", Shape::FloatCompare),
    fp(16, 0x32, "c.eq.s", Shape::FloatCompare),
    fp(16, 0x33, "c.ueq.s", Shape::FloatCompare),
    fp(16, 0x34, "c.olt.s", Shape::FloatCompare),
    fp(16, 0x35, "c.ult.s", Shape::FloatCompare),
    fp(16, 0x36, "c.ole.s", Shape::FloatCompare),
    fp(16, 0x37, "c.ule.s", Shape::FloatCompare),
    fp(16, 0x38, "c.sf.s", Shape::FloatCompare),
    fp(16, 0x39, "c.ngle.s", Shape::FloatCompare),
    fp(16, 0x3a, "c.seq.s", Shape::FloatCompare),
    fp(16, 0x3b, "c.ngl.s", Shape::FloatCompare),
    fp(16, 0x3c, "c.lt.s", Shape::FloatCompare),
    fp(16, 0x3d, "c.nge.s", Shape::FloatCompare),
    fp(16, 0x3e, "c.le.s", Shape::FloatCompare),
    fp(16, 0x3f, "c.ngt.s", Shape::FloatCompare),
    fp(17, 0x00, "add.d", Shape::FloatThree),
    fp(17, 0x01, "sub.d", Shape::FloatThree),
    fp(17, 0x02, "mul.d", Shape::FloatThree),
    fp(17, 0x03, "div.d", Shape::FloatThree),
    fp(17, 0x05, "abs.d", Shape::FloatTwo),
    fp(17, 0x06, "mov.d", Shape::FloatTwo),
    fp(17, 0x07, "neg.d", Shape::FloatTwo),
    fp(17, 0x20, "cvt.s.d", Shape::FloatTwo),
    fp(17, 0x24, "cvt.w.d", Shape::FloatTwo),
    fp(17, 0x30, "c.f.d", Shape::FloatCompare),
    fp(17, 0x31, "c.un.d", Shape::FloatCompare),
    fp(17, 0x32, "c.eq.d", Shape::FloatCompare),
    fp(17, 0x33, "c.ueq.d", Shape::FloatCompare),
    fp(17, 0x34, "c.olt.d", Shape::FloatCompare),
    fp(17, 0x35, "c.ult.d", Shape::FloatCompare),
    fp(17, 0x36, "c.ole.d", Shape::FloatCompare),
    fp(17, 0x37, "c.ule.d", Shape::FloatCompare),
    fp(17, 0x38, "c.sf.d", Shape::FloatCompare),
    fp(17, 0x39, "c.ngle.d", Shape::FloatCompare),
    fp(17, 0x3a, "c.seq.d", Shape::FloatCompare),
    fp(17, 0x3b, "c.ngl.d", Shape::FloatCompare),
    fp(17, 0x3c, "c.lt.d", Shape::FloatCompare),
    fp(17, 0x3d, "c.nge.d", Shape::FloatCompare),
    fp(17, 0x3e, "c.le.d", Shape::FloatCompare),
    fp(17, 0x3f, "c.ngt.d", Shape::FloatCompare),
    fp(20, 0x20, "cvt.s.w", Shape::FloatTwo),
    fp(20, 0x21, "cvt.d.w", Shape::FloatTwo),
    // Coprocessors 2 and 3: no DECstation has them; the encodings are MIPS-I. COP3 operations are
    // left out: MIPS IV made them its indexed loads and fused multiplies.
    cop(2, 0, "mfc2", Shape::FromCoprocessor),
    cop(2, 2, "cfc2", Shape::FromCoprocessor),
    cop(2, 4, "mtc2", Shape::ToCoprocessor),
    cop(2, 6, "ctc2", Shape::ToCoprocessor),
    branch(2, 0, "bc2f", Shape::BranchCoprocessor),
    branch(2, 1, "bc2t", Shape::BranchCoprocessor),
    row(0xfe00_0000, 0x4a00_0000, "cop2", Shape::Plain),
    cop(3, 0, "mfc3", Shape::FromCoprocessor),
    cop(3, 2, "cfc3", Shape::FromCoprocessor),
    cop(3, 4, "mtc3", Shape::ToCoprocessor),
    cop(3, 6, "ctc3", Shape::ToCoprocessor),
    branch(3, 0, "bc3f", Shape::BranchCoprocessor),
    branch(3, 1, "bc3t", Shape::BranchCoprocessor),
];

/// Instructions of later ISAs, to name them in a message or an allow list. A word is looked up here
/// only when it is not MIPS-I, so a row may be wider than its instruction.
pub static LATER: &[Row] = &[
    // MIPS II
    later_op(Isa::Mips2, 0x14, "beql", Shape::BranchTwo),
    later_op(Isa::Mips2, 0x15, "bnel", Shape::BranchTwo),
    later_op(Isa::Mips2, 0x16, "blezl", Shape::BranchOne),
    later_op(Isa::Mips2, 0x17, "bgtzl", Shape::BranchOne),
    later(Isa::Mips2, OPCODE | RT, 0x0402_0000, "bltzl", Shape::BranchOne),
    later(Isa::Mips2, OPCODE | RT, 0x0403_0000, "bgezl", Shape::BranchOne),
    later(Isa::Mips2, OPCODE | RT, 0x0412_0000, "bltzall", Shape::BranchLink),
    later(Isa::Mips2, OPCODE | RT, 0x0413_0000, "bgezall", Shape::BranchLink),
    later(Isa::Mips2, OPCODE | RT, 0x0408_0000, "tgei", Shape::Plain),
    later(Isa::Mips2, OPCODE | RT, 0x0409_0000, "tgeiu", Shape::Plain),
    later(Isa::Mips2, OPCODE | RT, 0x040a_0000, "tlti", Shape::Plain),
    later(Isa::Mips2, OPCODE | RT, 0x040b_0000, "tltiu", Shape::Plain),
    later(Isa::Mips2, OPCODE | RT, 0x040c_0000, "teqi", Shape::Plain),
    later(Isa::Mips2, OPCODE | RT, 0x040e_0000, "tnei", Shape::Plain),
    later_function(Isa::Mips2, 0x00, 0x0f, "sync"),
    later_function(Isa::Mips2, 0x00, 0x30, "tge"),
    later_function(Isa::Mips2, 0x00, 0x31, "tgeu"),
    later_function(Isa::Mips2, 0x00, 0x32, "tlt"),
    later_function(Isa::Mips2, 0x00, 0x33, "tltu"),
    later_function(Isa::Mips2, 0x00, 0x34, "teq"),
    later_function(Isa::Mips2, 0x00, 0x36, "tne"),
    later_op(Isa::Mips2, 0x30, "ll", Shape::Plain),
    later_op(Isa::Mips2, 0x35, "ldc1", Shape::Plain),
    later_op(Isa::Mips2, 0x36, "ldc2", Shape::Plain),
    later_op(Isa::Mips2, 0x38, "sc", Shape::Plain),
    later_op(Isa::Mips2, 0x3d, "sdc1", Shape::Plain),
    later_op(Isa::Mips2, 0x3e, "sdc2", Shape::Plain),
    later(Isa::Mips2, 0xffff_0000, 0x4102_0000, "bc0fl", Shape::BranchCoprocessor),
    later(Isa::Mips2, 0xffff_0000, 0x4103_0000, "bc0tl", Shape::BranchCoprocessor),
    later(Isa::Mips2, 0xffff_0000, 0x4502_0000, "bc1fl", Shape::BranchFloat),
    later(Isa::Mips2, 0xffff_0000, 0x4503_0000, "bc1tl", Shape::BranchFloat),
    later(Isa::Mips2, 0xffff_0000, 0x4902_0000, "bc2fl", Shape::BranchCoprocessor),
    later(Isa::Mips2, 0xffff_0000, 0x4903_0000, "bc2tl", Shape::BranchCoprocessor),
    later(Isa::Mips2, 0xffc0_003f, 0x4600_0004, "sqrt", Shape::Plain),
    later(Isa::Mips2, 0xffc0_003f, 0x4600_000c, "round.w", Shape::Plain),
    later(Isa::Mips2, 0xffc0_003f, 0x4600_000d, "trunc.w", Shape::Plain),
    later(Isa::Mips2, 0xffc0_003f, 0x4600_000e, "ceil.w", Shape::Plain),
    later(Isa::Mips2, 0xffc0_003f, 0x4600_000f, "floor.w", Shape::Plain),
    // MIPS III: 64 bits
    later_op(Isa::Mips3, 0x18, "daddi", Shape::Plain),
    later_op(Isa::Mips3, 0x19, "daddiu", Shape::Plain),
    later_op(Isa::Mips3, 0x1a, "ldl", Shape::Plain),
    later_op(Isa::Mips3, 0x1b, "ldr", Shape::Plain),
    later_op(Isa::Mips3, 0x27, "lwu", Shape::Plain),
    later_op(Isa::Mips3, 0x2c, "sdl", Shape::Plain),
    later_op(Isa::Mips3, 0x2d, "sdr", Shape::Plain),
    later_op(Isa::Mips3, 0x2f, "cache", Shape::Plain),
    later_op(Isa::Mips3, 0x34, "lld", Shape::Plain),
    later_op(Isa::Mips3, 0x37, "ld", Shape::Plain),
    later_op(Isa::Mips3, 0x3c, "scd", Shape::Plain),
    later_op(Isa::Mips3, 0x3f, "sd", Shape::Plain),
    later_function(Isa::Mips3, 0x00, 0x14, "dsllv"),
    later_function(Isa::Mips3, 0x00, 0x16, "dsrlv"),
    later_function(Isa::Mips3, 0x00, 0x17, "dsrav"),
    later_function(Isa::Mips3, 0x00, 0x1c, "dmult"),
    later_function(Isa::Mips3, 0x00, 0x1d, "dmultu"),
    later_function(Isa::Mips3, 0x00, 0x1e, "ddiv"),
    later_function(Isa::Mips3, 0x00, 0x1f, "ddivu"),
    later_function(Isa::Mips3, 0x00, 0x2c, "dadd"),
    later_function(Isa::Mips3, 0x00, 0x2d, "daddu"),
    later_function(Isa::Mips3, 0x00, 0x2e, "dsub"),
    later_function(Isa::Mips3, 0x00, 0x2f, "dsubu"),
    later_function(Isa::Mips3, 0x00, 0x38, "dsll"),
    later_function(Isa::Mips3, 0x00, 0x3a, "dsrl"),
    later_function(Isa::Mips3, 0x00, 0x3b, "dsra"),
    later_function(Isa::Mips3, 0x00, 0x3c, "dsll32"),
    later_function(Isa::Mips3, 0x00, 0x3e, "dsrl32"),
    later_function(Isa::Mips3, 0x00, 0x3f, "dsra32"),
    later_cop(Isa::Mips3, 0, 1, "dmfc0"),
    later_cop(Isa::Mips3, 0, 5, "dmtc0"),
    later_cop(Isa::Mips3, 1, 1, "dmfc1"),
    later_cop(Isa::Mips3, 1, 5, "dmtc1"),
    later_cop(Isa::Mips3, 1, 21, "fp-long"),
    later(Isa::Mips3, u32::MAX, 0x4200_0018, "eret", Shape::ExceptionReturn),
    // MIPS IV
    later_function(Isa::Mips4, 0x00, 0x01, "movci"),
    later_function(Isa::Mips4, 0x00, 0x0a, "movz"),
    later_function(Isa::Mips4, 0x00, 0x0b, "movn"),
    later_op(Isa::Mips4, 0x13, "cop1x", Shape::Plain),
    later(Isa::Mips4, 0xffe3_0000, 0x4500_0000, "bc1f-cc", Shape::BranchFloat),
    later(Isa::Mips4, 0xffe3_0000, 0x4501_0000, "bc1t-cc", Shape::BranchFloat),
    // MIPS32 and its releases
    later_function(Isa::Mips32, 0x1c, 0x00, "madd"),
    later_function(Isa::Mips32, 0x1c, 0x01, "maddu"),
    later_function(Isa::Mips32, 0x1c, 0x02, "mul"),
    later_function(Isa::Mips32, 0x1c, 0x04, "msub"),
    later_function(Isa::Mips32, 0x1c, 0x05, "msubu"),
    later_function(Isa::Mips32, 0x1c, 0x20, "clz"),
    later_function(Isa::Mips32, 0x1c, 0x21, "clo"),
    later_function(Isa::Mips32, 0x1c, 0x3f, "sdbbp"),
    later(Isa::Mips32, 0xffe0_07f8, 0x4000_0000, "mfc0-sel", Shape::Plain),
    later(Isa::Mips32, 0xffe0_07f8, 0x4080_0000, "mtc0-sel", Shape::Plain),
    later(Isa::Mips32, 0xfe00_003f, 0x4200_001f, "deret", Shape::ExceptionReturn),
    later(Isa::Mips32, 0xfe00_003f, 0x4200_0020, "wait", Shape::Plain),
    later_op(Isa::Mips32, 0x1d, "jalx", Shape::JumpLink),
    later(Isa::Mips32r2, 0xffe0_003f, 0x0020_0002, "rotr", Shape::Plain),
    later(Isa::Mips32r2, 0xfc00_07ff, 0x0000_0046, "rotrv", Shape::Plain),
    later(Isa::Mips32r2, 0xfc1f_ffff, 0x0000_0408, "jr.hb", Shape::JumpRegister),
    later(Isa::Mips32r2, 0xfc1f_07ff, 0x0000_0409, "jalr.hb", Shape::JumpRegisterLink),
    later(Isa::Mips32r2, OPCODE | RT, 0x041f_0000, "synci", Shape::Plain),
    later_function(Isa::Mips32r2, 0x1f, 0x00, "ext"),
    later_function(Isa::Mips32r2, 0x1f, 0x04, "ins"),
    later(Isa::Mips32r2, 0xffe0_07ff, 0x7c00_00a0, "wsbh", Shape::Plain),
    later(Isa::Mips32r2, 0xffe0_07ff, 0x7c00_0420, "seb", Shape::Plain),
    later(Isa::Mips32r2, 0xffe0_07ff, 0x7c00_0620, "seh", Shape::Plain),
    later_function(Isa::Mips32r2, 0x1f, 0x3b, "rdhwr"),
    later(Isa::Mips32r2, 0xffe0_ffff, 0x4160_6000, "di", Shape::Plain),
    later(Isa::Mips32r2, 0xffe0_ffff, 0x4160_6020, "ei", Shape::Plain),
    later_cop(Isa::Mips32r2, 0, 10, "rdpgpr"),
    later_cop(Isa::Mips32r2, 0, 14, "wrpgpr"),
    later_cop(Isa::Mips32r2, 1, 3, "mfhc1"),
    later_cop(Isa::Mips32r2, 1, 7, "mthc1"),
];
