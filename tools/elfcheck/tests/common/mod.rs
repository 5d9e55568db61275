//! Builds tiny linked programs out of instruction words, and names the words that the tests use.
#![allow(dead_code, missing_docs)]

use elfcheck::{Code, Glob, Options, Report, check};
use object::elf;
use object::write::elf::{FileHeader, SectionHeader, Sym, Writer};
use object::{Endianness, write::StringId};

pub const BASE: u32 = 0x0040_0000;

pub const NOP: u32 = 0x0000_0000;
pub const LW_T0: u32 = 0x8c88_0000; // lw $t0, 0($a0)
pub const LW_ZERO: u32 = 0x8c80_0000; // lw $zero, 0($a0)
pub const LWL_T0: u32 = 0x8888_0003; // lwl $t0, 3($a0)
pub const LWR_T0: u32 = 0x9888_0000; // lwr $t0, 0($a0)
pub const LWR_T0_T0: u32 = 0x9908_0000; // lwr $t0, 0($t0)
pub const USE_T0: u32 = 0x0108_1021; // addu $v0, $t0, $t0
pub const USE_A1: u32 = 0x00a5_1021; // addu $v0, $a1, $a1
pub const SET_T0: u32 = 0x3c08_1234; // lui $t0, 0x1234
pub const SW_T0: u32 = 0xacc8_0000; // sw $t0, 0($a2)
pub const BEQ_A1: u32 = 0x10a0_0000; // beq $a1, $zero, + offset in words behind the slot
pub const BNE_T0: u32 = 0x1500_0000; // bne $t0, $zero, + offset
pub const B: u32 = 0x1000_0000; // beq $zero, $zero, + offset
pub const NEVER: u32 = 0x1400_0000; // bne $zero, $zero, + offset
pub const BAL: u32 = 0x0411_0000; // bgezal $zero, + offset
pub const J: u32 = 0x0800_0000; // j, + address / 4
pub const JAL: u32 = 0x0c00_0000; // jal, + address / 4
pub const JR_RA: u32 = 0x03e0_0008;
pub const JR_K0: u32 = 0x0340_0008;
pub const JALR_T9: u32 = 0x0320_f809;
pub const MFC0_K0: u32 = 0x401a_7000; // mfc0 $k0, $14
pub const RFE: u32 = 0x4200_0010;
pub const MFLO: u32 = 0x0000_1012; // mflo $v0
pub const MULT: u32 = 0x0085_0018; // mult $a0, $a1
pub const MTHI: u32 = 0x0080_0011; // mthi $a0
pub const SYSCALL: u32 = 0x0000_000c;
pub const ERET: u32 = 0x4200_0018;
pub const SDBBP: u32 = 0x7000_007f; // sdbbp 1
pub const TEQ: u32 = 0x0085_01f4; // teq $a0, $a1, 7
pub const LL: u32 = 0xc088_0000; // ll $t0, 0($a0)
pub const LWC1: u32 = 0xc484_0000; // lwc1 $f4, 0($a0)
pub const ADD_S: u32 = 0x4606_2080; // add.s $f2, $f4, $f6

/// A program in the making.
pub struct Program {
    pub sections: Vec<(&'static str, u32, Vec<u32>)>,
    /// Name, address, size.
    pub symbols: Vec<(&'static str, u32, u32)>,
    pub file_type: elf::FileType,
    pub machine: elf::Machine,
    pub endian: Endianness,
    pub flags: u32,
}

impl Program {
    /// One `.text` section at [`BASE`] with a symbol `main` over all of it.
    pub fn new(words: &[u32]) -> Self {
        Self::without_symbols(words).symbol("main", BASE, 4 * words.len() as u32)
    }

    pub fn without_symbols(words: &[u32]) -> Self {
        Self {
            sections: vec![(".text", BASE, words.to_vec())],
            symbols: Vec::new(),
            file_type: elf::ET_EXEC,
            machine: elf::EM_MIPS,
            endian: Endianness::Little,
            flags: 0,
        }
    }

    pub fn section(mut self, name: &'static str, address: u32, words: &[u32]) -> Self {
        self.sections.push((name, address, words.to_vec()));
        self
    }

    pub fn symbol(mut self, name: &'static str, address: u32, size: u32) -> Self {
        self.symbols.push((name, address, size));
        self
    }

    pub fn build(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(self.endian, false, &mut bytes);
        let mut names: Vec<StringId> = Vec::new();
        writer.reserve_file_header();
        writer.reserve_null_section_index();
        let mut places = Vec::new();
        for (name, _, words) in &self.sections {
            names.push(writer.add_section_name(name.as_bytes()));
            let index = writer.reserve_section_index();
            places.push((index, writer.reserve(4 * words.len() as u64, 4)));
        }
        writer.reserve_null_symbol_index();
        let mut symbol_names = Vec::new();
        for (name, _, _) in &self.symbols {
            symbol_names.push(writer.add_string(name.as_bytes()));
            writer.reserve_symbol_index(None);
        }
        writer.reserve_symtab_section_index();
        writer.reserve_symtab();
        writer.reserve_strtab_section_index();
        writer.reserve_strtab().unwrap();
        writer.reserve_shstrtab_section_index();
        writer.reserve_shstrtab().unwrap();
        writer.reserve_section_headers();

        writer
            .write_file_header(&FileHeader {
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                e_type: self.file_type,
                e_machine: self.machine,
                e_entry: BASE.into(),
                e_flags: elf::FileFlags(self.flags),
            })
            .unwrap();
        for ((_, _, words), (_, offset)) in self.sections.iter().zip(&places) {
            writer.pad_until(*offset);
            for word in words {
                writer.write(&word.to_le_bytes());
            }
        }
        writer.write_null_symbol();
        for ((_, address, size), name) in self.symbols.iter().zip(&symbol_names) {
            let holds = |(_, start, words): &&(&str, u32, Vec<u32>)| {
                (*start..*start + 4 * words.len() as u32).contains(address)
            };
            let section = self.sections.iter().position(|section| holds(&section)).unwrap();
            let sym = Sym {
                section: Some(places[section].0.0),
                st_name: writer.string_offset(Some(*name)),
                st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_FUNC),
                st_value: (*address).into(),
                st_size: (*size).into(),
                st_other: elf::SymbolOther(0),
                st_shndx: elf::SHN_UNDEF,
            };
            writer.write_symbol(&sym);
        }
        writer.write_strtab();
        writer.write_shstrtab();
        writer.write_null_section_header();
        for (((_, address, words), (_, offset)), name) in self.sections.iter().zip(&places).zip(&names) {
            let header = SectionHeader {
                sh_name: writer.section_name_offset(Some(*name)),
                sh_type: elf::SHT_PROGBITS,
                sh_flags: elf::SHF_ALLOC | elf::SHF_EXECINSTR,
                sh_addr: (*address).into(),
                sh_offset: *offset,
                sh_size: 4 * words.len() as u64,
                sh_addralign: 4,
                ..SectionHeader::default()
            };
            writer.write_section_header(&header);
        }
        writer.write_symtab_section_header(1);
        writer.write_strtab_section_header();
        writer.write_shstrtab_section_header();
        bytes
    }

    pub fn check_with(&self, options: &Options) -> Report {
        check(&Code::read(&self.build()).expect("a readable program"), options)
    }
}

/// The defaults of the command line.
pub fn defaults() -> Options {
    Options { hand_assembly: vec![Glob::new(".text.asm*"), Glob::new("asm_*")], ..Options::default() }
}

/// Checks one `.text` section.
pub fn check_words(words: &[u32]) -> Report {
    Program::new(words).check_with(&defaults())
}

/// The violations as they print.
pub fn lines(report: &Report) -> Vec<String> {
    report.violations.iter().map(ToString::to_string).collect()
}

/// Asserts that checking a section gives exactly these lines.
#[track_caller]
pub fn expect(words: &[u32], expected: &[&str]) {
    assert_eq!(lines(&check_words(words)), expected);
}
