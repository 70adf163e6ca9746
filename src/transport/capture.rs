/// How much of a stream is kept, in bytes.
const STREAM_LIMIT: usize = 1 << 20;
/// How much of what came before the mark is kept, in bytes: enough to say why there was none.
const NOISE_LIMIT: usize = 4096;

/// What a command writes to one stream, kept up to a limit; what is beyond it is counted.
#[derive(Debug, Default)]
pub(super) struct Capture {
    kept: Vec<u8>,
    seen: usize,
}

impl Capture {
    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = STREAM_LIMIT - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.seen += bytes.len();
    }

    /// What was kept, with a note when there was more; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.kept).into_owned();
        if self.seen > self.kept.len() {
            let more = self.seen - self.kept.len();
            text.push_str(&format!(
                "\n[{more} more bytes are left out: only the first megabyte is kept]\n"
            ));
        }
        text
    }
}

/// A stream that belongs to the command only from a mark on: what stands before it, the
/// start-up files of a login shell wrote.
#[derive(Debug)]
pub(super) struct MarkedCapture {
    mark: Vec<u8>,
    noise: Vec<u8>,
    capture: Option<Capture>,
}

impl MarkedCapture {
    /// Waits for a line that ends in `mark`.
    pub fn new(mark: &str) -> Self {
        MarkedCapture {
            mark: format!("{mark}\n").into_bytes(),
            noise: Vec::new(),
            capture: None,
        }
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(capture) = &mut self.capture {
            return capture.push(bytes);
        }
        // The mark may come in pieces; what was looked through already is not looked at again.
        let from = (self.noise.len() + 1).saturating_sub(self.mark.len());
        self.noise.extend_from_slice(bytes);
        let found = self.noise[from..]
            .windows(self.mark.len())
            .position(|window| window == self.mark);
        if let Some(at) = found {
            let mut capture = Capture::default();
            capture.push(&self.noise[from + at + self.mark.len()..]);
            self.noise.truncate(from + at);
            self.capture = Some(capture);
        } else if self.noise.len() > 2 * NOISE_LIMIT {
            self.noise.drain(..self.noise.len() - NOISE_LIMIT);
        }
    }

    /// Whether the mark has come.
    pub fn is_begun(&self) -> bool {
        self.capture.is_some()
    }

    /// What came after the mark; nothing when it has not come.
    pub fn text(&self) -> String {
        self.capture.as_ref().map(Capture::text).unwrap_or_default()
    }

    /// The last of what came before the mark.
    pub fn noise(&self) -> String {
        String::from_utf8_lossy(&self.noise).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Capture, MarkedCapture, STREAM_LIMIT};

    #[test]
    fn only_the_first_megabyte_is_kept() {
        let mut capture = Capture::default();
        for _ in 0..3 {
            capture.push(&vec![b'x'; STREAM_LIMIT / 2]);
        }
        capture.push(b"y");
        let text = capture.text();
        assert!(text.ends_with("x\n[524289 more bytes are left out: only the first megabyte is kept]\n"));
    }

    #[test]
    fn what_stands_before_the_mark_is_cut_off() {
        let long = "n".repeat(100_000);
        let cases: [(&str, &[&str], Option<&str>); 7] = [
            ("nothing before it", &["M-1\nout\n"], Some("out\n")),
            ("a greeting", &["hello\nM-1\nout\n"], Some("out\n")),
            (
                "a greeting without an end of line",
                &["helloM-1\nout"],
                Some("out"),
            ),
            ("in pieces", &["hel", "loM", "-", "1", "\no", "ut"], Some("out")),
            ("much before it", &[&long, &long, "M-1\n", "out"], Some("out")),
            ("only the first one counts", &["M-1\nM-1\n"], Some("M-1\n")),
            ("it never comes", &["M-1", "M-2\nout\n"], None),
        ];
        for (what, pieces, expected) in cases {
            let mut capture = MarkedCapture::new("M-1");
            for piece in pieces {
                capture.push(piece.as_bytes());
            }
            assert_eq!(
                capture.is_begun().then(|| capture.text()),
                expected.map(str::to_owned),
                "{what}"
            );
        }
    }
}
