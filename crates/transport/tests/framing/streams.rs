//! Which bytes does a hostile client send? Valid requests one after the other, and the tricks of
//! cases A1 to A14 in any place.

/// A small generator (splitmix64): the same seed, the same stream, on every machine.
#[derive(Debug)]
pub(crate) struct Random(u64);

/// Inserted or put in the place of a byte.
const SPICE: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b":",
    b";",
    b",",
    b"0",
    b"\x0b",
    b"\x80",
    b"\r\n ",
    b"%",
    b"_",
    b"#",
    b"chunked",
    b"GET / HTTP/1.1\r\n\r\n",
    b"0\r\n\r\n",
    b"\xc2\xa0",
];

/// Header lines that frame, or seem to.
const TRICKS: &[&str] = &[
    "Content-Length: 3",
    "Content-Length: 0",
    "Content-Length:3",
    "content-length: +3",
    "Content-Length: 3, 3",
    "Content-Length: 0x3",
    "Content-Length: 03",
    "Content-Length: ",
    "Content-Length : 3",
    "Content-Length: 18446744073709551616",
    "Transfer-Encoding: chunked",
    "transfer-encoding: CHUNKED",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: \tchunked ",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding:\r\n chunked",
    "Transfer_Encoding: chunked",
    "TE: trailers",
    "Trailer: x",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: keep-alive, Close",
    "Connection: upgrade\r\nUpgrade: websocket",
    "Upgrade: h2c",
    "Expect: 100-continue",
    "Host: b",
    "x: y\r\n\tfolded",
    "x:",
    "x",
    ": y",
    " x: y",
    "x: a\rb",
    "x: a\nb",
];

/// In the place of the line end after the data of a chunk.
const CHUNK_ENDS: &[&str] = &["\n", "\r", "", "\ra", "\r0", "a\n", "aa", " \r\n", "\r\r\n", "\n\n"];

const TARGETS: &[&str] = &[
    "/",
    "/a",
    "/a?b=c",
    "/%41",
    "//",
    "/a{b}",
    "/a\"b",
    "/a|b",
    "/a^b",
    "/a`b",
    "/a\\b",
    "/<>",
    "http://a/",
    "http://a/b?c",
    "HTTP://a/",
    "https://a:8443/x",
    "http://",
    "http:///b",
    "http://a:b:c/",
    "http://[::1",
    "http://u@a/",
    "http://a:99999/",
    "http://a?b",
    "*",
    "/a#b",
    "a",
    "/\u{7f}",
];

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Less than `bound`.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// One to four requests, then zero to three mutations anywhere.
    pub(crate) fn stream(&mut self) -> Vec<u8> {
        let mut stream = Vec::new();
        for _ in 0..=self.below(4) {
            self.request(&mut stream);
        }
        for _ in 0..self.below(4).saturating_sub(self.below(2)) {
            self.mutate(&mut stream);
        }
        stream
    }

    /// The stream, cut anywhere.
    pub(crate) fn pieces(&mut self, stream: &[u8]) -> Vec<Vec<u8>> {
        let mut cuts: Vec<usize> =
            (0..self.below(6)).map(|_| self.below(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        cuts.windows(2).map(|ends| stream[ends[0]..ends[1]].to_vec()).collect()
    }

    fn request(&mut self, stream: &mut Vec<u8>) {
        let method = if self.one_in(12) {
            self.pick(&["CONNECT", "get", "G(", "TRACE", "PRI", "", "HEAD"])
        } else {
            self.pick(&["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
        };
        let target = if self.one_in(4) { self.pick(TARGETS) } else { self.pick(&["/", "/a?b=c"]) };
        let version = if self.one_in(10) {
            self.pick(&["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/1.1 ", "http/1.1", "HTTP/01.1"])
        } else {
            "HTTP/1.1"
        };
        let mut head = format!("{method} {target} {version}\r\nHost: a\r\n");
        for _ in 0..self.below(4) {
            if self.one_in(5) {
                head.push_str(self.pick(TRICKS));
            } else {
                head.push_str(self.pick(&["Accept: */*", "X-A: b ", "x-a:c", "Cookie: a=b; c=d"]));
            }
            head.push_str("\r\n");
        }
        if self.one_in(60) {
            head.push_str(&"x: y\r\n".repeat(1 + self.below(14)));
        }
        if self.one_in(60) {
            head.push_str(&format!("x: {}\r\n", "y".repeat(900 + self.below(200))));
        }
        let body = b"abc\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let body = &body[..self.below(body.len() + 1)];
        let framing = self.below(3);
        match framing {
            0 => stream.extend_from_slice(format!("{head}\r\n").as_bytes()),
            1 => {
                let length = body.len() + usize::from(self.one_in(20))
                    - usize::from(self.one_in(20) && !body.is_empty());
                stream.extend_from_slice(
                    format!("{head}Content-Length: {length}\r\n\r\n").as_bytes(),
                );
                stream.extend_from_slice(body);
            }
            _ => {
                stream.extend_from_slice(
                    format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes(),
                );
                self.chunks(stream, body);
            }
        }
    }

    fn chunks(&mut self, stream: &mut Vec<u8>, mut body: &[u8]) {
        while !body.is_empty() {
            let (chunk, rest) = body.split_at(1 + self.below(body.len()));
            body = rest;
            let size = chunk.len();
            let line = match self.below(40) {
                0 => format!("{size:x};a=b"),
                1 => format!("{size:x} "),
                2 => format!("0x{size:x}"),
                3 => format!("{size:x};a=\"\r\n\""),
                4 => format!("+{size:x}"),
                5 => format!("{:x}", size + 1),
                6 => format!("{size:016x}"),
                7 => "ffffffffffffffff".to_owned(),
                8..20 => format!("{size:X}"),
                20..25 => format!("{size:04x}"),
                _ => format!("{size:x}"),
            };
            let end = if self.one_in(40) { self.pick(&["\n", "\r", "", "\r\r\n"]) } else { "\r\n" };
            stream.extend_from_slice(line.as_bytes());
            stream.extend_from_slice(end.as_bytes());
            stream.extend_from_slice(chunk);
            let end = if self.one_in(25) { self.pick(CHUNK_ENDS) } else { "\r\n" };
            stream.extend_from_slice(end.as_bytes());
        }
        let last = if self.one_in(12) {
            self.pick(&[
                "0\r\nx: y\r\n\r\n",
                "0\n\n",
                "0;a\r\n\r\n",
                "00\r\n\r\n",
                "0\r\n",
                "-0\r\n\r\n",
            ])
        } else {
            "0\r\n\r\n"
        };
        stream.extend_from_slice(last.as_bytes());
    }

    fn mutate(&mut self, stream: &mut Vec<u8>) {
        if stream.is_empty() {
            return;
        }
        let at = self.below(stream.len());
        match self.below(6) {
            0 => stream.truncate(at),
            1 => drop(stream.remove(at)),
            2 => stream[at] = u8::try_from(self.below(256)).unwrap(),
            3 => {
                let to = (at + self.below(24)).min(stream.len());
                let again = stream[at..to].to_vec();
                drop(stream.splice(at..at, again));
            }
            _ => {
                let spice = self.pick(SPICE);
                let until = at + usize::from(self.one_in(2));
                drop(stream.splice(at..until, spice.iter().copied()));
            }
        }
    }
}
