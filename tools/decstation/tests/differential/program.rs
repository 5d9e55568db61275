//! Random MIPS-I user programs, and the executable that runs many of them.

use decstation::asm::{self, r};
use decstation::isa;

/// A small, fast, seeded generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: u32) -> u32 {
        (self.next() % u64::from(n)) as u32
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    /// Words at the edges of arithmetic as often as ordinary ones.
    pub fn word(&mut self) -> u32 {
        match self.below(4) {
            0 => self.pick(&[0, 1, 2, u32::MAX, 0x7fff_ffff, 0x8000_0000, 0xffff, 0x8000, 0x1_0000]),
            1 => self.below(256),
            _ => self.next() as u32,
        }
    }
}

/// Words of state that a program starts with and ends in: registers 1..31 (with HI in place of 26
/// and LO in place of 27), then the memory window.
pub const REG_WORDS: usize = 32;
pub const WINDOW_WORDS: usize = 32;
pub const STATE_WORDS: usize = REG_WORDS + WINDOW_WORDS;
const WINDOW_BYTES: u32 = 4 * WINDOW_WORDS as u32;

/// Where the executable is.
pub const TEXT: u32 = 0x0040_0000;

/// The register that points to the window. 26, 27 belong to the harness, 29 to the system.
const WINDOW: u32 = 28;

/// A piece of a program that makes sense only as a whole: words, and the distance in pieces that a
/// branch in it goes beyond the following piece.
#[derive(Clone, Debug)]
pub struct Piece {
    words: Vec<u32>,
    /// Which word branches, and how many pieces it skips.
    branch: Option<(usize, usize)>,
}

/// A program and the state that it starts with.
#[derive(Clone, Debug)]
pub struct Program {
    pub pieces: Vec<Piece>,
    pub state: [u32; STATE_WORDS],
}

fn any(random: &mut Random) -> u32 {
    let n = random.below(28);
    match n {
        26 => 30,
        27 => 31,
        n => n,
    }
}

/// A register that may be written freely (writes to 0 are wanted too).
fn target(random: &mut Random) -> u32 {
    any(random)
}

fn nonzero(random: &mut Random) -> u32 {
    1 + random.below(25)
}

fn plain(words: Vec<u32>) -> Piece {
    Piece { words, branch: None }
}

fn arithmetic(random: &mut Random) -> u32 {
    let (d, s, t) = (target(random), any(random), any(random));
    let imm = random.word() as i32;
    let shamt = random.below(32);
    match random.below(20) {
        0 => asm::addu(d, s, t),
        1 => asm::subu(d, s, t),
        2 => asm::and(d, s, t),
        3 => asm::or(d, s, t),
        4 => asm::xor(d, s, t),
        5 => asm::nor(d, s, t),
        6 => asm::slt(d, s, t),
        7 => asm::sltu(d, s, t),
        8 => asm::sll(d, t, shamt),
        9 => asm::srl(d, t, shamt),
        10 => asm::sra(d, t, shamt),
        11 => asm::sllv(d, t, s),
        12 => asm::srlv(d, t, s),
        13 => asm::srav(d, t, s),
        14 => asm::addiu(d, s, imm),
        15 => asm::slti(d, s, imm),
        16 => asm::sltiu(d, s, imm),
        17 => asm::andi(d, s, imm),
        18 => asm::ori(d, s, imm),
        _ => random.pick(&[asm::xori(d, s, imm), asm::lui(d, imm as u32 & 0xffff)]),
    }
}

/// `add`, `addi`, `sub` on operands too small to overflow.
fn checked(random: &mut Random) -> Piece {
    let (d, s, t) = (target(random), nonzero(random), nonzero(random));
    let last = match random.below(3) {
        0 => asm::add(d, s, t),
        1 => asm::sub(d, s, t),
        _ => asm::addi(d, s, random.word() as i32),
    };
    plain(vec![asm::sra(s, s, 2), asm::sra(t, t, 2), last])
}

fn product(random: &mut Random) -> Piece {
    let (s, t) = (any(random), nonzero(random));
    match random.below(8) {
        0 => plain(vec![asm::mult(s, any(random))]),
        1 => plain(vec![asm::multu(s, any(random))]),
        // A positive divisor: no division by zero, no overflow.
        2 => plain(vec![asm::srl(t, t, 1), asm::ori(t, t, 1), asm::div(s, t)]),
        3 => plain(vec![asm::ori(t, t, 1), asm::divu(s, t)]),
        4 => plain(vec![asm::mthi(s)]),
        5 => plain(vec![asm::mtlo(s)]),
        6 => plain(vec![asm::mfhi(target(random))]),
        _ => plain(vec![asm::mflo(target(random))]),
    }
}

fn memory(random: &mut Random) -> Piece {
    let t = any(random);
    let at = random.below(WINDOW_BYTES);
    let (byte, half, word) = (at as i32, (at & !1) as i32, (at & !3) as i32);
    let access = |base: u32, shift: i32, n: u32| match n {
        0 => asm::lb(t, byte - shift, base),
        1 => asm::lbu(t, byte - shift, base),
        2 => asm::lh(t, half - shift, base),
        3 => asm::lhu(t, half - shift, base),
        4 => asm::lw(t, word - shift, base),
        5 => asm::lwl(t, byte - shift, base),
        6 => asm::lwr(t, byte - shift, base),
        7 => asm::sb(t, byte - shift, base),
        8 => asm::sh(t, half - shift, base),
        9 => asm::sw(t, word - shift, base),
        10 => asm::swl(t, byte - shift, base),
        _ => asm::swr(t, byte - shift, base),
    };
    match random.below(6) {
        // Through a pointer of its own, with an offset of either sign.
        0 => {
            let p = nonzero(random);
            let shift = random.below(400) as i32 - 200;
            let n = if p == t { random.below(7) } else { random.below(12) };
            plain(vec![asm::addiu(p, WINDOW, shift), access(p, shift, n)])
        }
        // An unaligned word, the two halves back to back.
        1 => {
            let o = random.below(WINDOW_BYTES - 4) as i32;
            let pair = if random.below(2) == 0 {
                [asm::lwr(t, o, WINDOW), asm::lwl(t, o + 3, WINDOW)]
            } else {
                [asm::swr(t, o, WINDOW), asm::swl(t, o + 3, WINDOW)]
            };
            plain(pair.to_vec())
        }
        _ => {
            let n = random.below(12);
            plain(vec![access(WINDOW, 0, n)])
        }
    }
}

/// A branch or jump forward, with arithmetic in its delay slot. The target is filled in later.
fn branch(random: &mut Random) -> Piece {
    let (s, t) = (any(random), any(random));
    let not_ra = random.below(26);
    let skip = 1 + random.below(6) as usize;
    let slot = arithmetic(random);
    let p = nonzero(random);
    let (words, at) = match random.below(12) {
        0 => (vec![asm::beq(s, t, 0)], 0),
        1 => (vec![asm::bne(s, t, 0)], 0),
        2 => (vec![asm::blez(s, 0)], 0),
        3 => (vec![asm::bgtz(s, 0)], 0),
        4 => (vec![asm::bltz(s, 0)], 0),
        5 => (vec![asm::bgez(s, 0)], 0),
        6 => (vec![asm::bltzal(not_ra, 0)], 0),
        7 => (vec![asm::bgezal(not_ra, 0)], 0),
        8 => (vec![asm::j(0)], 0),
        9 => (vec![asm::jal(0)], 0),
        10 => (vec![asm::lui(p, 0), asm::ori(p, p, 0), asm::jr(p)], 2),
        _ => {
            let link = if p == 31 { 30 } else { 31 };
            (vec![asm::lui(p, 0), asm::ori(p, p, 0), asm::jalr(link, p)], 2)
        }
    };
    let mut words = words;
    words.push(slot);
    Piece { words, branch: Some((at, skip)) }
}

impl Program {
    /// A program of 50 to about 120 instructions.
    pub fn random(random: &mut Random) -> Program {
        let pieces = (0..40 + random.below(15))
            .map(|_| match random.below(16) {
                0..=5 => plain(vec![arithmetic(random)]),
                6 => checked(random),
                7 | 8 => product(random),
                9..=12 => memory(random),
                _ => branch(random),
            })
            .collect();
        Program { pieces, state: std::array::from_fn(|_| random.word()) }
    }

    /// The program's words when it starts at `start`: no load's result is read by the instruction
    /// after it, and every branch has its target.
    pub fn assemble(&self, start: u32) -> Vec<u32> {
        let mut words: Vec<u32> = Vec::new();
        let mut starts = Vec::new();
        let mut branches = Vec::new();
        for piece in &self.pieces {
            // A piece can be jumped to, so its first word must not depend on what was before.
            if words.last().is_some_and(|&last| load_target(last) != 0) {
                words.push(asm::NOP);
            }
            starts.push(words.len());
            for (i, &word) in piece.words.iter().enumerate() {
                let loaded = words.last().map_or(0, |&last| load_target(last));
                if i > 0 && isa::reads(word) & loaded != 0 {
                    words.push(asm::NOP);
                }
                if let Some((at, skip)) = piece.branch
                    && at == i
                {
                    branches.push((words.len(), starts.len() + skip));
                }
                words.push(word);
            }
        }
        words.push(asm::NOP);
        starts.push(words.len());
        for (at, to) in branches {
            let to = starts[to.min(starts.len() - 1)];
            aim(&mut words, at, to, start);
        }
        words
    }
}

/// The register that a load sets, as a bit; 0 for other instructions.
fn load_target(word: u32) -> u32 {
    use isa::Op::{Lb, Lbu, Lh, Lhu, Lw, Lwl, Lwr};
    match isa::decode(word) {
        Lb | Lbu | Lh | Lhu | Lw | Lwl | Lwr => 1 << isa::rt(word) & !1,
        _ => 0,
    }
}

/// Fills in the target of the branch at `at`.
fn aim(words: &mut [u32], at: usize, to: usize, start: u32) {
    let target = start + 4 * to as u32;
    match isa::decode(words[at]) {
        isa::Op::J | isa::Op::Jal => words[at] |= target >> 2 & 0x03ff_ffff,
        isa::Op::Jr | isa::Op::Jalr => {
            words[at - 2] |= target >> 16;
            words[at - 1] |= target & 0xffff;
        }
        _ => words[at] |= (to - at - 1) as u32 & 0xffff,
    }
}

/// An executable that runs `programs` and writes their states to standard output.
pub struct Batch {
    /// The whole image, loaded at [`TEXT`]; it starts with an ELF header.
    pub image: Vec<u8>,
    /// Where it starts.
    pub entry: u32,
    /// Offset of the states in the image.
    pub states: usize,
}

const HEADER_BYTES: u32 = 84;

fn numbered() -> impl Iterator<Item = u32> {
    (1..32).filter(|n| !matches!(n, 26 | 27 | 29))
}

impl Batch {
    pub fn new(programs: &[Program]) -> Batch {
        // The states come first, so that their addresses do not depend on the code's length.
        let states_at = (TEXT + HEADER_BYTES).next_multiple_of(16);
        let entry = states_at + 4 * (programs.len() * STATE_WORDS) as u32;
        let mut code = Vec::new();
        for (i, program) in programs.iter().enumerate() {
            let state = states_at + 4 * (i * STATE_WORDS) as u32;
            let at = entry + 4 * code.len() as u32;
            code.extend(one(program, state, at));
        }
        let bytes = 4 * (programs.len() * STATE_WORDS) as u32;
        code.extend(asm::li(r::V0, 4004)); // write
        code.extend([asm::addiu(r::A0, 0, 1)]);
        code.extend(asm::li(r::A1, states_at));
        code.extend(asm::li(r::A2, bytes));
        code.extend([asm::SYSCALL]);
        code.extend(asm::li(r::V0, 4001)); // exit
        code.extend([asm::addu(r::A0, 0, 0), asm::SYSCALL]);

        let total = entry - TEXT + 4 * code.len() as u32;
        let mut image = elf_header(entry, total);
        image.resize((states_at - TEXT) as usize, 0);
        let words = programs.iter().flat_map(|p| p.state).chain(code);
        image.extend(words.flat_map(u32::to_le_bytes));
        Batch { image, entry, states: (states_at - TEXT) as usize }
    }
}

/// One program with the harness around it: registers from the state, program, registers back.
fn one(program: &Program, state: u32, at: u32) -> Vec<u32> {
    let mut code = asm::li(r::K0, state).to_vec();
    code.extend([asm::lw(r::K1, 4 * 26, r::K0), asm::NOP, asm::mthi(r::K1)]);
    code.extend([asm::lw(r::K1, 4 * 27, r::K0), asm::NOP, asm::mtlo(r::K1)]);
    code.extend(numbered().map(|n| asm::lw(n, 4 * n as i32, r::K0)));
    code.push(asm::addiu(WINDOW, r::K0, 4 * REG_WORDS as i32));
    let start = at + 4 * code.len() as u32;
    code.extend(program.assemble(start));
    code.extend(numbered().map(|n| asm::sw(n, 4 * n as i32, r::K0)));
    code.extend([asm::mfhi(r::K1), asm::sw(r::K1, 4 * 26, r::K0)]);
    code.extend([asm::mflo(r::K1), asm::sw(r::K1, 4 * 27, r::K0)]);
    code
}

/// The header of a static executable: one segment, everything in it.
fn elf_header(entry: u32, bytes: u32) -> Vec<u8> {
    let mut h = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |h: &mut Vec<u8>, v: u16| h.extend(v.to_le_bytes());
    let word = |h: &mut Vec<u8>, v: u32| h.extend(v.to_le_bytes());
    half(&mut h, 2); // executable
    half(&mut h, 8); // MIPS
    for v in [1, entry, 52, 0, 0x0000_1001] {
        word(&mut h, v); // version, entry, program headers, sections, flags: o32, MIPS-I, noreorder
    }
    for v in [52, 32, 1, 40, 0, 0] {
        half(&mut h, v);
    }
    for v in [1, 0, TEXT, TEXT, bytes, bytes, 7, 0x1000] {
        word(&mut h, v); // load all, readable, writable, executable
    }
    h
}
