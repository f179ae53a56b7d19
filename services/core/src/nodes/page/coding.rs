//! Encodings of pages: links are rewritten in what was compressed.

use std::io::{self, Write};

use flate2::{
    Compression,
    write::{DeflateDecoder, DeflateEncoder, GzEncoder, MultiGzDecoder},
};

use super::tokens::Rewriter;

/// So much is decompressed at a time: a kilobyte is at most a megabyte.
const STEP: usize = 1 << 10;

/// How a page is encoded, and is again when it was rewritten.
pub(super) enum Coding {
    None,
    Gzip(Box<Gzip>),
    Deflate(Box<Deflate>),
}

type Gzip = Both<MultiGzDecoder<Vec<u8>>, GzEncoder<Vec<u8>>>;
type Deflate = Both<DeflateDecoder<Vec<u8>>, DeflateEncoder<Vec<u8>>>;

/// One end of an encoding, before what it made.
pub(super) trait End: Write {
    fn made(&mut self) -> &mut Vec<u8>;

    /// The rest of what it makes.
    ///
    /// # Errors
    /// When what it read ends too early.
    fn end(self) -> io::Result<Vec<u8>>;
}

macro_rules! ends {
    ($($end:ident),*) => {$(
        impl End for $end<Vec<u8>> {
            fn made(&mut self) -> &mut Vec<u8> {
                self.get_mut()
            }

            fn end(self) -> io::Result<Vec<u8>> {
                self.finish()
            }
        }
    )*};
}

ends!(MultiGzDecoder, GzEncoder, DeflateDecoder, DeflateEncoder);

/// Both directions of one encoding.
pub(super) struct Both<D, E> {
    from: D,
    into: E,
}

impl Coding {
    /// By its name in `Content-Encoding`; none when it is unknown.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"" => Some(Self::None),
            b"gzip" => Some(Self::Gzip(Box::new(Both {
                from: MultiGzDecoder::new(Vec::new()),
                into: GzEncoder::new(Vec::new(), Compression::default()),
            }))),
            b"deflate" => Some(Self::Deflate(Box::new(Both {
                from: DeflateDecoder::new(Vec::new()),
                into: DeflateEncoder::new(Vec::new(), Compression::best()),
            }))),
            _ => None,
        }
    }

    /// What is to be sent on for a piece of the page.
    ///
    /// # Errors
    /// When it is not encoded as its header says.
    pub(super) fn piece(&mut self, piece: &[u8], to: &mut Rewriter) -> io::Result<Vec<u8>> {
        match self {
            Self::None => {
                let mut out = Vec::new();
                to.write(piece, &mut out);
                Ok(out)
            }
            Self::Gzip(both) => both.piece(piece, to),
            Self::Deflate(both) => both.piece(piece, to),
        }
    }

    /// What is to be sent at the end of the page.
    ///
    /// # Errors
    /// When it ends too early.
    pub(super) fn finish(self, to: Rewriter) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(ended(to)),
            Self::Gzip(both) => both.finish(to),
            Self::Deflate(both) => both.finish(to),
        }
    }
}

impl<D: End, E: End> Both<D, E> {
    fn piece(&mut self, piece: &[u8], to: &mut Rewriter) -> io::Result<Vec<u8>> {
        for part in piece.chunks(STEP) {
            self.from.write_all(part)?;
            self.from.flush()?;
            through(self.from.made(), to, &mut self.into)?;
        }
        // A reader who waits for the page sees what there is of it.
        self.into.flush()?;
        Ok(std::mem::take(self.into.made()))
    }

    fn finish(mut self, mut to: Rewriter) -> io::Result<Vec<u8>> {
        let mut rest = self.from.end()?;
        through(&mut rest, &mut to, &mut self.into)?;
        self.into.write_all(&ended(to))?;
        self.into.end()
    }
}

fn through(plain: &mut Vec<u8>, to: &mut Rewriter, into: &mut impl Write) -> io::Result<()> {
    let mut rewritten = Vec::new();
    to.write(plain, &mut rewritten);
    plain.clear();
    into.write_all(&rewritten)
}

fn ended(mut to: Rewriter) -> Vec<u8> {
    let mut out = Vec::new();
    to.finish(&mut out);
    out
}
