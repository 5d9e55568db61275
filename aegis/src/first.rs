//! The first environment, built from the boot image; every other one is started by library code.

use aegis_abi::environment::Event;
use aegis_abi::image::{FirstPage, Header, WRITABLE, ZERO_PAGE};
use aegis_abi::layout::{ANY, Mapping, PAGE_SHIFT, PAGE_SIZE, Resource};
use aegis_abi::{Capability, Name};

use crate::kernel::Kernel;
use crate::memory::{is_user_code, page_address};
use crate::report;

/// Most pages that the first program can have.
const LIMIT: u32 = 1024;

/// Builds it: its pages pinned, the first time slice its own.
///
/// # Errors
/// What is wrong with the image, in words.
pub fn build(kernel: &mut Kernel, header: &Header) -> Result<(), &'static str> {
    let (image_page, image_pages) = kernel.image;
    if image_pages == 0 {
        return Err("the kernel carries no boot image, or a damaged one");
    }
    for program in header.programs() {
        report!("aegis: image: {:<16} {} bytes", program.name(), program.file_bytes);
    }
    for page in image_page..image_page + image_pages {
        kernel.pages.publish(page);
    }
    let table_bytes = header.first_pages.min(LIMIT) * size_of::<FirstPage>() as u32;
    let table_pages = table_bytes.div_ceil(PAGE_SIZE);
    let table_fits = (header.first_table_page.checked_add(table_pages)).is_some_and(|end| end <= image_pages);
    if header.first_pages > LIMIT || !table_fits {
        return Err("the table of the first program's pages is outside the image");
    }
    // SAFETY: the table lies inside the image, which is the kernel's and nobody's to write yet.
    let records = unsafe {
        let table = page_address(image_page + header.first_table_page) as *const FirstPage;
        core::slice::from_raw_parts(table, header.first_pages as usize)
    };
    if !is_user_code(header.first_entry) {
        return Err("the first program's entry is not a user address");
    }
    let name = kernel.create(Name::NOBODY).map_err(|_| "out of memory")?;
    kernel.first = name;
    let environment = kernel.environments.get(name).map_err(|_| "the environment is gone")?;
    let capability = {
        let (low, high) = (kernel.generator.word(), kernel.generator.word());
        Capability::from_words(low, high)
    };
    for record in records {
        let page = if record.page == ZERO_PAGE {
            kernel.allocate(ANY, name, capability, capability).map_err(|_| "out of memory")?
        } else {
            if record.page == 0 || record.page >= image_pages {
                return Err("a page of the first program is outside the image");
            }
            let page = image_page + record.page;
            kernel.environments.charge(name, Resource::Pages).map_err(|_| "out of memory")?;
            kernel.pages.hand_over(page, environment.owner(), capability);
            page
        };
        let bits = if record.address & WRITABLE == 0 { Mapping::empty() } else { Mapping::WRITABLE };
        kernel
            .guarantee(environment, record.address >> PAGE_SHIFT, page, bits, capability)
            .map_err(|_| "a page of the first program cannot be mapped")?;
    }
    kernel
        .bind(environment, Event::SliceStart as u32, header.first_entry)
        .map_err(|_| "the first program's entry is not a user address")?;
    kernel.environments.charge(name, Resource::Slices).map_err(|_| "no time slice")?;
    kernel.slices.allocate(0, name).map_err(|_| "no time slice")?;
    Ok(())
}
