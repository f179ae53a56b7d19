//! The whole store as one file: history, leases, and a hash at the end.
//!
//! A mark, then entries of a kind, a key and a value, then an entry of the end,
//! then zeros, so that the hash lies where `etcdctl snapshot save` looks for it.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    EngineOptions, Error,
    disk::{Disk, Place},
};

const MARK: &[u8] = b"catena-store snapshot 1\n";
const END: u8 = b'E';
const HISTORY: u8 = b'R';
const META: u8 = b'M';
/// `etcdctl` expects that much and a hash.
const BLOCK: usize = 512;
/// Bytes given at once.
const PIECE: usize = 256 << 10;
/// Bytes restored with one sync.
const BATCH: usize = 16 << 20;
/// No key or value of a store is longer.
const LONGEST: u32 = 64 << 20;

/// Collects pieces and hashes them.
struct Pieces<'a> {
    buffer: BytesMut,
    hash: Context,
    length: usize,
    give: &'a mut dyn FnMut(Bytes) -> bool,
}

impl Pieces<'_> {
    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len();
        self.buffer.put_slice(bytes);
    }

    fn entry(&mut self, kind: u8, key: &[u8], value: &[u8]) {
        self.add(&[kind]);
        for part in [key, value] {
            // Neither is near 4 GiB.
            self.add(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
        self.add(key);
        self.add(value);
    }

    /// False: nobody wants more.
    fn flush(&mut self, least: usize) -> bool {
        self.buffer.len() < least || (self.give)(self.buffer.split().freeze())
    }
}

/// Gives the store as it is now, in pieces, as long as they are wanted.
pub(super) fn write(disk: &Disk, give: &mut dyn FnMut(Bytes) -> bool) -> Result<(), Error> {
    let mut out = Pieces {
        buffer: BytesMut::new(),
        hash: Context::new(&SHA256),
        length: 0,
        give,
    };
    out.add(MARK);
    for item in disk.everything() {
        let (place, key, value) = item?;
        let kind = match place {
            Place::History => HISTORY,
            Place::Meta => META,
        };
        out.entry(kind, &key, &value);
        if !out.flush(PIECE) {
            return Ok(());
        }
    }
    out.entry(END, &[], &[]);
    out.add(&vec![0; (BLOCK - out.length % BLOCK) % BLOCK]);
    let hash = out.hash.clone().finish();
    out.buffer.put_slice(hash.as_ref());
    out.flush(0);
    Ok(())
}

/// Reads while hashing.
struct Hashed<R> {
    from: R,
    hash: Context,
    length: usize,
}

impl<R: Read> Hashed<R> {
    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0; length];
        self.from.read_exact(&mut out)?;
        self.hash.update(&out);
        self.length += length;
        Ok(out)
    }

    fn length(&mut self) -> io::Result<usize> {
        let bytes = self.exactly(4)?;
        match <[u8; 4]>::try_from(&bytes[..]).map(u32::from_be_bytes) {
            Ok(n) if n <= LONGEST => Ok(n as usize),
            _ => Err(io::Error::other("an entry is too long")),
        }
    }

    fn entry(&mut self) -> io::Result<(u8, Vec<u8>, Vec<u8>)> {
        let kind = self.exactly(1)?;
        let (key, value) = (self.length()?, self.length()?);
        Ok((
            kind.first().copied().unwrap_or(END),
            self.exactly(key)?,
            self.exactly(value)?,
        ))
    }
}

/// Makes a store in an empty directory from what [`write`] gave.
///
/// # Errors
/// When there is a store already, or the file is not whole.
pub(super) fn restore(dir: &Path, from: impl Read) -> Result<(), Error> {
    let (place, new) = (dir.join(super::DATABASE), dir.join("restoring"));
    if place.exists() {
        return Err(Error::read(format!("{} exists already", place.display())));
    }
    let damaged = |e: io::Error| Error::corrupt(format!("the snapshot is not usable: {e}"));
    let _ = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).map_err(Error::write)?;
    let mut input = Hashed {
        from,
        hash: Context::new(&SHA256),
        length: 0,
    };
    if input.exactly(MARK.len()).map_err(damaged)? != MARK {
        return Err(Error::corrupt("this is no snapshot of a store"));
    }
    let disk = Disk::open(&new, &EngineOptions::default())?;
    let (mut batch, mut size) = (disk.batch(), 0);
    loop {
        let (kind, key, value) = input.entry().map_err(damaged)?;
        size += key.len() + value.len();
        match kind {
            HISTORY => batch.raw(Place::History, &key, &value),
            META => batch.raw(Place::Meta, &key, &value),
            _ => break,
        }
        if size > BATCH {
            batch.commit()?;
            (batch, size) = (disk.batch(), 0);
        }
    }
    batch.commit()?;
    let padding = (BLOCK - input.length % BLOCK) % BLOCK;
    input.exactly(padding).map_err(damaged)?;
    let expected = input.hash.clone().finish();
    if input.exactly(SHA256_OUTPUT_LEN).map_err(damaged)? != expected.as_ref() {
        return Err(Error::corrupt("the hash of the snapshot does not fit"));
    }
    drop(disk);
    fs::rename(&new, &place).map_err(Error::write)?;
    let dir = fs::File::open(dir).map_err(Error::write)?;
    dir.sync_all().map_err(Error::write)
}
