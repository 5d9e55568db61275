//! What can be run: which kernel image measures which table, and which rows it must print.
//!
//! To add a benchmark: add its image here, with its rows under the names of results.json. A row that is listed and not
//! printed fails the run; rows beyond these (a round trip beside a dispatch) are kept under the table that they name.

/// One kernel image.
#[derive(Debug, Clone, Copy)]
pub struct Image {
    /// Its file's name in the kernel directory; that for the DECstation has `decstation-` before it.
    pub file: &'static str,
    /// The table of the paper that it measures.
    pub table: &'static str,
    /// The system under which its rows are reported, unless the guest says otherwise.
    pub system: &'static str,
    /// The rows that it must print.
    pub rows: &'static [&'static str],
    /// Seconds of wall clock after which it is taken to hang.
    pub seconds: u64,
}

/// All images, in the order of the paper.
pub const SUITE: &[Image] = &[
    Image {
        file: "bench-table4.elf",
        table: "4",
        system: "Aegis",
        rows: &["procedure call", "syscall no stack", "syscall stack"],
        seconds: 120,
    },
    Image {
        file: "bench-table5.elf",
        table: "5",
        system: "Aegis",
        rows: &["unalign", "overflow", "coproc", "prot"],
        seconds: 120,
    },
    Image { file: "bench-table6.elf", table: "6", system: "Aegis", rows: &["transfer"], seconds: 120 },
    Image {
        file: "bench-aegis.elf",
        table: "aegis",
        system: "Aegis",
        rows: &[
            "STLB hit",
            "miss through a handler",
            "TLBwr",
            "TLBvadelete",
            "page alloc and free",
            "page alloc, TLBwr, free",
            "yield to oneself",
            "end and start of a slice",
            "revocation of a page",
            "environment create and destroy",
        ],
        seconds: 120,
    },
];

/// The images of one table, or all.
#[must_use]
pub fn select(table: Option<&str>) -> Vec<&'static Image> {
    SUITE.iter().filter(|image| table.is_none_or(|t| t == image.table)).collect()
}

/// The tables that can be asked for.
#[must_use]
pub fn tables() -> String {
    let mut tables: Vec<&str> = SUITE.iter().map(|i| i.table).collect();
    tables.dedup();
    tables.join(", ")
}

#[cfg(test)]
mod tests;
