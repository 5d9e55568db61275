//! ELF files that are said to be kernels, to be given a boot image: refused, or one segment longer.
#![no_main]

use bootimage::add_to_kernel;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let image = vec![0x5a; 4096];
    if let Ok(with_image) = add_to_kernel(data, &image) {
        assert!(with_image.windows(image.len()).any(|window| window == image), "the image is not there");
    }
});
