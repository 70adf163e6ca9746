use super::tee::TeedStream;

/// How much of a stream is kept, in bytes.
const STREAM_LIMIT: usize = 1 << 20;
/// How much of what came before the mark is kept, in bytes: enough to say why there was none.
const NOISE_LIMIT: usize = 4096;

/// What a command writes to one stream, kept up to a limit; what is beyond it is counted, and
/// left to the stream's [`Tee`](super::Tee).
pub(super) struct Capture {
    kept: Vec<u8>,
    seen: usize,
    stream: TeedStream,
}

impl Capture {
    /// Keeps a stream.
    pub fn new(stream: TeedStream) -> Capture {
        Capture {
            kept: Vec::new(),
            seen: 0,
            stream,
        }
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.stream.hear(bytes);
        let room = STREAM_LIMIT - self.kept.len();
        let (kept, rest) = bytes.split_at(bytes.len().min(room));
        self.kept.extend_from_slice(kept);
        if !rest.is_empty() {
            self.stream.overflow(&self.kept, rest);
        }
        self.seen += bytes.len();
    }

    /// What was kept, with a note when there was more; bytes that are no UTF-8 are replaced.
    pub fn text(&mut self) -> String {
        if self.seen <= self.kept.len() {
            return String::from_utf8_lossy(&self.kept).into_owned();
        }
        let sure = self.stream.sure_end(&self.kept);
        let mut text = String::from_utf8_lossy(&self.kept[..sure]).into_owned();
        let more = self.seen - sure;
        let why = self.stream.finish();
        let why = why.unwrap_or_else(|| "only the first megabyte is kept".to_owned());
        text.push_str(&format!("\n[{more} more bytes are left out: {why}]\n"));
        text
    }
}

/// A stream that belongs to the command only from a mark on: what stands before it, the
/// start-up files of a login shell wrote.
pub(super) struct MarkedCapture {
    mark: Vec<u8>,
    noise: Vec<u8>,
    is_begun: bool,
    capture: Capture,
    end: Option<End>,
}

/// A second mark, which stands behind what the command wrote.
#[derive(Debug)]
struct End {
    mark: Vec<u8>,
    /// What may be the beginning of the mark.
    held: Vec<u8>,
    has_come: bool,
}

impl MarkedCapture {
    /// Waits for a line that ends in `mark`.
    pub fn new(mark: &str, stream: TeedStream) -> Self {
        MarkedCapture {
            mark: format!("{mark}\n").into_bytes(),
            noise: Vec::new(),
            is_begun: false,
            capture: Capture::new(stream),
            end: None,
        }
    }

    /// Waits for a line that ends in `mark` behind the command's output as well.
    pub fn expect_end(&mut self, mark: &str) {
        self.end = Some(End {
            mark: format!("{mark}\n").into_bytes(),
            held: Vec::new(),
            has_come: false,
        });
    }

    /// Whether the second mark has come.
    pub fn has_ended(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.has_come)
    }

    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.is_begun {
            match &mut self.end {
                Some(end) => end.pass(bytes, &mut self.capture),
                None => self.capture.push(bytes),
            }
            return;
        }
        // The mark may come in pieces; what was looked through already is not looked at again.
        let from = (self.noise.len() + 1).saturating_sub(self.mark.len());
        self.noise.extend_from_slice(bytes);
        let found = self.noise[from..]
            .windows(self.mark.len())
            .position(|window| window == self.mark);
        if let Some(at) = found {
            let rest = self.noise.split_off(from + at + self.mark.len());
            self.noise.truncate(from + at);
            self.is_begun = true;
            self.push(&rest);
        } else if self.noise.len() > 2 * NOISE_LIMIT {
            self.noise.drain(..self.noise.len() - NOISE_LIMIT);
        }
    }

    /// Whether the mark has come.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// What came after the mark; nothing when it has not come.
    pub fn text(&mut self) -> String {
        self.capture.text()
    }

    /// Takes in what was held back as the possible beginning of a second mark: there comes no more.
    pub fn finish(&mut self) {
        if let Some(end) = self.end.take() {
            self.capture.push(&end.held);
        }
    }

    /// The last of what came before the mark.
    pub fn noise(&self) -> String {
        String::from_utf8_lossy(&self.noise).into_owned()
    }
}

impl End {
    /// Passes on what is surely not the mark.
    fn pass(&mut self, bytes: &[u8], capture: &mut Capture) {
        if self.has_come {
            return capture.push(bytes);
        }
        self.held.extend_from_slice(bytes);
        let found = self
            .held
            .windows(self.mark.len())
            .position(|window| window == self.mark);
        if let Some(at) = found {
            self.has_come = true;
            capture.push(&self.held[..at]);
            capture.push(&self.held[at + self.mark.len()..]);
            self.held.clear();
        } else if self.held.len() >= self.mark.len() {
            let sure = self.held.len() + 1 - self.mark.len();
            capture.push(&self.held[..sure]);
            self.held.drain(..sure);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Capture, MarkedCapture, STREAM_LIMIT, TeedStream};

    fn stream() -> TeedStream {
        TeedStream::new(&Arc::default(), None)
    }

    #[test]
    fn only_the_first_megabyte_is_kept() {
        let mut capture = Capture::new(stream());
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
            let mut capture = MarkedCapture::new("M-1", stream());
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

    #[test]
    fn a_second_mark_is_cut_out() {
        let cases: [(&str, &[&str], &str, bool); 6] = [
            ("none yet", &["M-1\nout"], "out", false),
            ("behind the output", &["M-1\nout", "\nE-1\n"], "out\n", true),
            ("in pieces", &["M-1", "\nou", "tE", "-", "1\n"], "out", true),
            ("nothing before it", &["M-1\nE-1\n"], "", true),
            ("more behind it", &["M-1\nout\nE-1\nlate\n"], "out\nlate\n", true),
            ("something like it", &["M-1\nE-", "2\nE-1"], "E-2\nE-1", false),
        ];
        for (what, pieces, text, has_ended) in cases {
            let mut capture = MarkedCapture::new("M-1", stream());
            capture.expect_end("E-1");
            for piece in pieces {
                capture.push(piece.as_bytes());
            }
            assert_eq!(capture.has_ended(), has_ended, "{what}");
            capture.finish();
            assert_eq!(capture.text(), text, "{what}");
        }
    }
}
