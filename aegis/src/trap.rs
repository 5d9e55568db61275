//! Traps that the assembly does not finish: misses that nobody's guaranteed mappings cover, and the
//! kernel's own faults (paper, sections 5.3 and 5.4).
//!
//! What a fault in a fault handler does: handlers live in the second segment, where a miss is either
//! refilled from the guaranteed mappings or a fault of the handlers. The latter enters the last
//! resort. If there is none bound, or it faults so again before it has said that it is done, the
//! environment is destroyed. Other exceptions in a handler are ordinary exceptions.

use aegis_abi::Name;
use aegis_abi::environment::{SaveArea, cause};
use aegis_abi::layout::{SECOND_SEGMENT_END, USER_END};

use crate::arch::{TrapFrame, register};
use crate::memory::environment_page;
use crate::{board, environment, history, report};

/// A miss on a user address: dispatches it to the environment.
pub fn miss(frame: &mut TrapFrame) {
    debug_assert!(frame.bad_address < USER_END);
    let page = environment_page(frame.page);
    if frame.bad_address >= SECOND_SEGMENT_END && page.miss_pc != 0 {
        enter_handler(frame, page.miss_pc, |page| &mut page.miss_save);
        return;
    }
    if page.last_resort_pc == 0 {
        environment::kill_running(frame.page, "a fault that no handler is bound for", frame);
    }
    if page.in_last_resort != 0 {
        environment::kill_running(frame.page, "a fault in its last resort", frame);
    }
    history::note("last resort", page.name, frame.bad_address);
    page.in_last_resort = 1;
    enter_handler(frame, page.last_resort_pc, |page| &mut page.last_resort_save);
}

fn enter_handler(
    frame: &mut TrapFrame,
    pc: u32,
    area: impl FnOnce(&mut aegis_abi::environment::EnvironmentPage) -> &mut SaveArea,
) {
    let save = area(environment_page(frame.page));
    save.a0 = frame.registers[register::A0];
    save.a1 = frame.registers[register::A1];
    save.a2 = frame.registers[register::A2];
    save.k1 = frame.registers[register::K1];
    frame.registers[register::A0] = frame.pc;
    frame.registers[register::A1] = frame.bad_address;
    frame.registers[register::A2] = frame.cause;
    frame.pc = pc;
}

/// A trap in the kernel itself: reports it and stops the machine.
#[unsafe(no_mangle)]
pub extern "C" fn kernel_trap(frame: &mut TrapFrame) -> ! {
    const NAMES: [&str; 16] = [
        "interrupt",
        "TLB modified",
        "TLB miss, load",
        "TLB miss, store",
        "address error, load",
        "address error, store",
        "bus error, fetch",
        "bus error, data",
        "system call",
        "breakpoint",
        "reserved instruction",
        "coprocessor unusable",
        "overflow",
        "trap",
        "",
        "floating point",
    ];
    let code = cause::code(frame.cause) as usize;
    report!("aegis: unexpected trap in the kernel: {}", NAMES.get(code).unwrap_or(&"unknown"));
    report!(
        "  Cause {:08x}  EPC {:08x}  BadVAddr {:08x}  Status {:08x}",
        frame.cause,
        frame.pc,
        frame.bad_address,
        frame.status
    );
    if frame.previous == 0 {
        report!("  no environment has run yet");
    } else {
        let name = Name(environment_page(frame.previous).name);
        report!("  environment {} ({:08x})", name.id(), name.0);
    }
    for (index, registers) in frame.registers.chunks(4).enumerate() {
        report!(
            "  r{:<2} {:08x} {:08x} {:08x} {:08x}",
            index * 4,
            registers[0],
            registers[1],
            registers[2],
            registers[3]
        );
    }
    history::print();
    board::exit(101)
}
