//! Encodings of pages: links are rewritten in what was compressed.

use std::io::{self, Write as _};

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

/// Both directions.
type Gzip = (MultiGzDecoder<Vec<u8>>, GzEncoder<Vec<u8>>);
type Deflate = (DeflateDecoder<Vec<u8>>, DeflateEncoder<Vec<u8>>);

impl Coding {
    /// By its name in `Content-Encoding`; none when it is unknown.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"" => Some(Self::None),
            b"gzip" => Some(Self::Gzip(Box::new((
                MultiGzDecoder::new(Vec::new()),
                GzEncoder::new(Vec::new(), Compression::default()),
            )))),
            b"deflate" => Some(Self::Deflate(Box::new((
                DeflateDecoder::new(Vec::new()),
                DeflateEncoder::new(Vec::new(), Compression::best()),
            )))),
            _ => None,
        }
    }

    /// What is to be sent on for a piece of the page.
    ///
    /// # Errors
    /// When it is not encoded as its header says.
    pub(super) fn piece(&mut self, piece: &[u8], to: &mut Rewriter) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::None => to.write(piece, &mut out),
            Self::Gzip(both) => {
                let (from, into) = &mut **both;
                for part in piece.chunks(STEP) {
                    from.write_all(part)?;
                    from.flush()?;
                    through(from.get_mut(), to, into)?;
                }
                // A reader who waits for the page sees what there is of it.
                into.flush()?;
                out.append(into.get_mut());
            }
            Self::Deflate(both) => {
                let (from, into) = &mut **both;
                for part in piece.chunks(STEP) {
                    from.write_all(part)?;
                    from.flush()?;
                    through(from.get_mut(), to, into)?;
                }
                into.flush()?;
                out.append(into.get_mut());
            }
        }
        Ok(out)
    }

    /// What is to be sent at the end of the page.
    ///
    /// # Errors
    /// When it ends too early.
    pub(super) fn finish(self, mut to: Rewriter) -> io::Result<Vec<u8>> {
        match self {
            Self::None => {
                let mut out = Vec::new();
                to.finish(&mut out);
                Ok(out)
            }
            Self::Gzip(both) => {
                let (from, mut into) = *both;
                let mut rest = from.finish()?;
                through(&mut rest, &mut to, &mut into)?;
                into.write_all(&ended(to))?;
                into.finish()
            }
            Self::Deflate(both) => {
                let (from, mut into) = *both;
                let mut rest = from.finish()?;
                through(&mut rest, &mut to, &mut into)?;
                into.write_all(&ended(to))?;
                into.finish()
            }
        }
    }
}

fn through(plain: &mut Vec<u8>, to: &mut Rewriter, into: &mut impl io::Write) -> io::Result<()> {
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
