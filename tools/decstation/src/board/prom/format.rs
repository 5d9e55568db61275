//! printf, as far as kernels use the PROM's: `%c %d %i %u %o %x %X %p %s %%` and the older `%D %O`,
//! flags `-` and `0`, width and precision (also `*`), length letters ignored.

/// The arguments of a call and the memory their pointers lead to.
pub trait Arguments {
    /// The next argument word.
    fn next(&mut self) -> u32;
    /// The string at `pointer`.
    fn string(&self, pointer: u32) -> Vec<u8>;
}

/// One conversion between `%` and its letter.
#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn pad(&self, body: &[u8], out: &mut Vec<u8>) {
        let fill = self.width.saturating_sub(body.len());
        if self.left {
            out.extend_from_slice(body);
            out.resize(out.len() + fill, b' ');
        } else if self.zero {
            let (sign, digits) = match body.split_first() {
                Some((b'-', digits)) => (&b"-"[..], digits),
                _ => (&b""[..], body),
            };
            out.extend_from_slice(sign);
            out.resize(out.len() + fill, b'0');
            out.extend_from_slice(digits);
        } else {
            out.resize(out.len() + fill, b' ');
            out.extend_from_slice(body);
        }
    }
}

/// The text that `format` and `arguments` make.
pub fn format(format: &[u8], arguments: &mut dyn Arguments) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = format.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut spec = Spec::default();
        let mut in_precision = false;
        for letter in rest.by_ref() {
            match letter {
                b'-' => spec.left = true,
                b'0' if spec.width == 0 && !in_precision => spec.zero = true,
                b'.' => {
                    in_precision = true;
                    spec.precision = Some(0);
                }
                b'0'..=b'9' => number(&mut spec, in_precision, usize::from(letter - b'0')),
                b'*' => star(&mut spec, in_precision, arguments.next()),
                b'l' | b'h' | b'#' | b'+' | b' ' => {}
                _ => {
                    convert(letter, &spec, arguments, &mut out);
                    break;
                }
            }
        }
    }
    out
}

fn number(spec: &mut Spec, in_precision: bool, digit: usize) {
    // Nothing sensible is wider; a runaway number must not eat the host's memory.
    const WIDEST: usize = 4096;
    let place = match &mut spec.precision {
        Some(precision) if in_precision => precision,
        _ => &mut spec.width,
    };
    *place = (*place * 10 + digit).min(WIDEST);
}

fn star(spec: &mut Spec, in_precision: bool, value: u32) {
    if in_precision {
        spec.precision = Some(value.min(4096) as usize);
    } else {
        spec.width = value.min(4096) as usize;
    }
}

fn convert(letter: u8, spec: &Spec, arguments: &mut dyn Arguments, out: &mut Vec<u8>) {
    let body = match letter {
        b'%' => b"%".to_vec(),
        b'c' => vec![arguments.next() as u8],
        b's' => {
            let pointer = arguments.next();
            let mut text = arguments.string(pointer);
            text.truncate(spec.precision.unwrap_or(usize::MAX));
            text
        }
        b'd' | b'i' | b'D' => (arguments.next() as i32).to_string().into_bytes(),
        b'u' => arguments.next().to_string().into_bytes(),
        b'o' | b'O' => format!("{:o}", arguments.next()).into_bytes(),
        b'x' | b'p' => format!("{:x}", arguments.next()).into_bytes(),
        b'X' => format!("{:X}", arguments.next()).into_bytes(),
        other => vec![b'%', other],
    };
    spec.pad(&body, out);
}
