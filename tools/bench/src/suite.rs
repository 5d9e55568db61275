//! What can be run: which kernel image measures which tables and figures, and which rows it must print.
//!
//! To add a benchmark: add its image here, with its rows under the names of results.json. A row that is listed and not
//! printed fails the run; rows beyond these (a round trip beside a dispatch) are kept under the table that they name.

/// One kernel image.
#[derive(Debug, Clone, Copy)]
pub struct Image {
    /// Its file's name in the kernel directory; that for the DECstation has `decstation-` before it.
    pub file: &'static str,
    /// What it must print.
    pub parts: &'static [Part],
    /// How many iterations, where the guest's own number would take too long: it finds `seed=N` on its command line.
    pub iterations: Option<u32>,
    /// Seconds of wall clock after which it is taken to hang.
    pub seconds: u64,
}

/// The rows of one table, or the curves of one figure.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The table; `figure 3` for a figure.
    pub table: &'static str,
    /// The system under which its rows are reported, unless the guest says otherwise.
    pub system: &'static str,
    /// The rows or the curves.
    pub rows: &'static [&'static str],
}

/// An image, as most are.
const fn image(file: &'static str, parts: &'static [Part]) -> Image {
    Image { file, parts, iterations: None, seconds: 120 }
}

const fn part(table: &'static str, system: &'static str, rows: &'static [&'static str]) -> Part {
    Part { table, system, rows }
}

/// All images, in the order of the paper.
pub const SUITE: &[Image] = &[
    image(
        "bench-table4.elf",
        &[part("4", "Aegis", &["procedure call", "syscall no stack", "syscall stack"])],
    ),
    image("bench-table5.elf", &[part("5", "Aegis", &["unalign", "overflow", "coproc", "prot"])]),
    image("bench-table6.elf", &[part("6", "Aegis", &["transfer"])]),
    image(
        "bench-aegis.elf",
        &[
            part(
                "aegis",
                "Aegis",
                &[
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
            ),
            part(
                "figure environments",
                "Aegis",
                &[
                    "STLB hit",
                    "TLBwr",
                    "page alloc, TLBwr, free",
                    "yield to oneself",
                    "environment create and destroy",
                ],
            ),
        ],
    ),
    image(
        "bench-ipc.elf",
        &[
            part("8", "ExOS", &["pipe", "pipe'", "shm", "lrpc"]),
            part("12", "ExOS", &["lrpc", "tlrpc"]),
            part("exos", "ExOS", &["tlrpc to a function in Rust"]),
        ],
    ),
    image(
        "bench-method.elf",
        &[part("exos", "Aegis", &["time slice", "conflicts, linked badly", "conflicts, linked well"])],
    ),
    image("bench-matrix.elf", &[part("9", "ExOS", &["matrix"])]),
    image(
        "bench-vm-linear.elf",
        &[
            part("10", "ExOS", VM),
            part("13", "ExOS linear", VM),
            part("exos", "ExOS", &["prot100, unprot100 and touch", "handlers' stack and back"]),
            part("figure prot", "ExOS", &["prot N and unprot N"]),
            part("figure lookup", "ExOS", &["ExOS linear"]),
        ],
    ),
    image(
        "bench-vm-inverted.elf",
        &[part("13", "ExOS inverted", VM), part("figure lookup", "ExOS", &["ExOS inverted"])],
    ),
    image(
        "bench-vm-clustered.elf",
        &[part("13", "ExOS clustered", VM), part("figure lookup", "ExOS", &["ExOS clustered"])],
    ),
    image("bench-stride.elf", &[part("figure 3", "ExOS", &["share 3", "share 2", "share 1"])]),
    image(
        "bench-exos.elf",
        &[
            part(
                "exos",
                "ExOS",
                &[
                    "fork",
                    "exit and wait",
                    "exec",
                    "context switch",
                    "signal",
                    "zero-fill fault",
                    "copy-on-write fault",
                    "pipe bandwidth (a KB)",
                    "sbrk",
                    "16 pages, colours as they come",
                    "16 pages, one colour",
                    "16 pages, each its own colour",
                ],
            ),
            part(
                "figure processes",
                "ExOS",
                &["context switch, others wait", "context switch, others sleep"],
            ),
        ],
    ),
];

/// The operations on virtual memory of Tables 10 and 13.
const VM: &[&str] = &["dirty", "prot1", "prot100", "unprot100", "trap", "appel1", "appel2"];

impl Image {
    /// Whether it prints rows of this table, or points of this figure (`figure 3`).
    #[must_use]
    pub fn prints(&self, table: &str) -> bool {
        self.parts.iter().any(|part| part.table == table)
    }

    /// The system of a row that names none.
    #[must_use]
    pub fn system(&self, table: &str) -> &'static str {
        let part = self.parts.iter().find(|part| part.table == table).or(self.parts.first());
        part.map_or("", |part| part.system)
    }

    /// For messages: its name without what all have in common.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.file.trim_end_matches(".elf")
    }
}

/// The images of a suite that print one table, or all.
#[must_use]
pub fn select(suite: &'static [Image], table: Option<&str>) -> Vec<&'static Image> {
    suite.iter().filter(|image| table.is_none_or(|t| image.prints(t))).collect()
}

/// The tables and figures of so many images, each once: the paper's by number, then the others.
#[must_use]
pub fn tables<'a>(images: impl IntoIterator<Item = &'a Image>) -> Vec<&'static str> {
    let mut tables: Vec<&str> = images.into_iter().flat_map(|i| i.parts).map(|part| part.table).collect();
    tables.sort_by_cached_key(|table| crate::results::table_order(table));
    tables.dedup();
    tables
}

/// The tables of which every image that prints them is among `images`: what these do not print is there no more.
#[must_use]
pub fn whole(suite: &'static [Image], images: &[&Image]) -> Vec<&'static str> {
    let chosen = |image: &Image| images.iter().any(|other| other.file == image.file);
    let mut tables = tables(images.iter().copied());
    tables.retain(|table| suite.iter().filter(|image| image.prints(table)).all(chosen));
    tables
}

#[cfg(test)]
mod tests;
