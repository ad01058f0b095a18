//! Shopify's product export.
//!
//! Two things can only be known at the end of the file: whether a handle comes again further down, and what a comma in
//! a price means. So the file is copied to disk (small ones stay in memory) and read twice. Products whose rows stand
//! together are yielded as they come; rows of the others go to partition files by the hash of their handle, which are
//! put together one at a time. Memory does not grow with the file.

mod columns;
mod price;
mod product;
mod record;

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
};

use tempfile::SpooledTempFile;

use self::{
    columns::{Column, Columns},
    price::Decimals,
    product::{Assembly, Reading, at},
    record::{Next, Record, Records},
};
use super::{Context, Error, Format, Item, Source};
use crate::domain::{catalog::Skipped, product::ProductKey};

/// A copy up to this size stays in memory.
const SPOOL_MEMORY_BYTES: usize = 4 * 1024 * 1024;
/// Files that scattered rows are dealt out to. One of them is in memory at a time.
const PARTITIONS: usize = 64;
/// A partition file up to this size stays in memory.
const PARTITION_MEMORY_BYTES: usize = 64 * 1024;
/// Bits of the two maps of handles (4 MB each). A chance collision only sends a product through a partition file.
const HANDLE_BITS: usize = 1 << 25;

/// A Shopify product export.
pub(super) struct ShopifyCsv {
    reading: Reading,
    records: Records<BufReader<SpooledTempFile>>,
    /// Handles whose rows do not stand together.
    scattered: Bits,
    current: Option<Assembly>,
    partitions: Partitions,
    ready: VecDeque<Item>,
    stage: Stage,
}

enum Stage {
    Rows,
    Partition(usize),
}

/// Whether a file's first line is a header of Shopify's.
pub(super) fn looks_like(head: &[u8]) -> bool {
    sniff(head).is_some()
}

/// The delimiter and the columns, from the header.
fn sniff(head: &[u8]) -> Option<(u8, Columns)> {
    let candidates = b",;\t|".iter().filter_map(|&delimiter| match Records::new(head, delimiter).next() {
        Ok(Next::Record(header)) => {
            Columns::read(&header.fields).ok().map(|columns| (Columns::known(&header.fields), delimiter, columns))
        }
        _ => None,
    });
    candidates.max_by_key(|(known, _, _)| *known).map(|(_, delimiter, columns)| (delimiter, columns))
}

impl ShopifyCsv {
    /// Copies the input and reads it once; the products come from the second pass.
    pub(super) fn open(input: Box<dyn BufRead + Send>, context: Context) -> Result<Self, Error> {
        let mut copy = BufReader::new(spool(input)?);
        let head = copy.fill_buf().map_err(Error::Spool)?;
        let (delimiter, columns) = match sniff(head) {
            Some(found) => found,
            None => return Err(header_error(head)),
        };
        let mut reading = Reading { columns, decimals: Decimals::default(), context };
        let (scattered, mut copy) = first_pass(Records::new(copy, delimiter), &mut reading)?;
        copy.rewind().map_err(Error::Spool)?;
        let mut records = Records::new(copy, delimiter);
        records.next().map_err(Error::Spool)?;
        Ok(Self {
            reading,
            records,
            scattered,
            current: None,
            partitions: Partitions::default(),
            ready: VecDeque::new(),
            stage: Stage::Rows,
        })
    }

    /// Reads rows until something is ready or the rows are over.
    fn read_rows(&mut self) -> Result<(), Error> {
        while self.ready.is_empty() {
            match next_row(&mut self.records, &self.reading.columns).map_err(Error::Spool)? {
                Row::Usable(row) => self.take(&row)?,
                Row::Blank => {}
                Row::Bad(skipped) => self.ready.push_back(Item::Skipped(skipped)),
                Row::End => {
                    self.close();
                    self.stage = Stage::Partition(0);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, row: &Record) -> Result<(), Error> {
        let handle = self.reading.columns.cell(&row.fields, Column::Handle);
        if self.scattered.has(handle) {
            self.close();
            return self.partitions.put(handle, row).map_err(Error::Spool);
        }
        if self.current.as_ref().is_none_or(|current| current.handle() != handle) {
            let next = Assembly::new(handle, row.line);
            self.close();
            self.current = Some(next);
        }
        if let Some(current) = &mut self.current {
            current.add(row, &self.reading);
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(done) = self.current.take() {
            self.ready.extend(done.finish(&self.reading));
        }
    }

    fn read_partition(&mut self, number: usize) -> Result<(), Error> {
        let mut products: Vec<Assembly> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let reading = &self.reading;
        self.partitions
            .drain(number, |row| {
                let handle = reading.columns.cell(&row.fields, Column::Handle);
                let place = match places.get(handle) {
                    Some(&place) => place,
                    None => {
                        places.insert(handle.to_owned(), products.len());
                        products.push(Assembly::new(handle, row.line));
                        products.len() - 1
                    }
                };
                products[place].add(&row, reading);
            })
            .map_err(Error::Spool)?;
        self.ready.extend(products.into_iter().flat_map(|product| product.finish(reading)));
        Ok(())
    }
}

impl Source for ShopifyCsv {
    fn format(&self) -> Format {
        Format::ShopifyCsv
    }

    fn next_item(&mut self) -> Result<Option<Item>, Error> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            match self.stage {
                Stage::Rows => self.read_rows()?,
                Stage::Partition(PARTITIONS) => return Ok(None),
                Stage::Partition(number) => {
                    self.stage = Stage::Partition(number + 1);
                    self.read_partition(number)?;
                }
            }
        }
    }
}

fn header_error(head: &[u8]) -> Error {
    match Records::new(head, b',').next() {
        Ok(Next::Record(header)) => match Columns::read(&header.fields) {
            Err(error) => error,
            Ok(_) => Error::Empty,
        },
        _ => Error::Unrecognised { start: String::from_utf8_lossy(&head[..head.len().min(60)]).into_owned() },
    }
}

/// Copies the input without its byte order mark. Files of old Macs end their lines with CR alone; they get LF.
fn spool(mut input: Box<dyn BufRead + Send>) -> Result<SpooledTempFile, Error> {
    const BOM: &[u8] = b"\xEF\xBB\xBF";
    let mut copy = SpooledTempFile::new(SPOOL_MEMORY_BYTES);
    let head = input.fill_buf().map_err(Error::Read)?;
    let (has_bom, old_mac) = (head.starts_with(BOM), head.contains(&b'\r') && !head.contains(&b'\n'));
    if has_bom {
        input.consume(BOM.len());
    }
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Read(error)),
        };
        if old_mac {
            chunk[..read].iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        copy.write_all(&chunk[..read]).map_err(Error::Spool)?;
    }
    copy.rewind().map_err(Error::Spool)?;
    Ok(copy)
}

/// Finds out which handles come again further down, and what commas in prices mean.
fn first_pass<R: BufRead>(mut records: Records<R>, reading: &mut Reading) -> Result<(Bits, R), Error> {
    let (mut seen, mut scattered) = (Bits::new(), Bits::new());
    let mut last = String::new();
    records.next().map_err(Error::Spool)?;
    loop {
        let row = match next_row(&mut records, &reading.columns).map_err(Error::Spool)? {
            Row::Usable(row) => row,
            Row::Blank | Row::Bad(_) => continue,
            Row::End => return Ok((scattered, records.into_inner())),
        };
        for column in [Column::Price, Column::CompareAt] {
            reading.decimals.learn(reading.columns.cell(&row.fields, column), reading.context.currency);
        }
        let handle = reading.columns.cell(&row.fields, Column::Handle);
        if handle != last {
            if !seen.add(handle) {
                scattered.add(handle);
            }
            handle.clone_into(&mut last);
        }
    }
}

enum Row {
    Usable(Record),
    Blank,
    Bad(Skipped),
    End,
}

/// The next row, checked for its shape.
fn next_row<R: BufRead>(records: &mut Records<R>, columns: &Columns) -> io::Result<Row> {
    let row = match records.next()? {
        Next::Record(row) => row,
        Next::Broken { line } => {
            let reason = "a quote is opened and never closed, or the row is larger than 4 MB".into();
            return Ok(Row::Bad(Skipped { at: at(line), reason, product: None, loses: true }));
        }
        Next::End => return Ok(Row::End),
    };
    let Some(first) = row.fields.iter().map(|cell| cell.trim()).find(|cell| !cell.is_empty()) else {
        return Ok(Row::Blank);
    };
    if first.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("note:")) {
        let reason = "a note, not a product".into();
        return Ok(Row::Bad(Skipped { at: at(row.line), reason, product: None, loses: false }));
    }
    let handle = columns.cell(&row.fields, Column::Handle);
    let key = (!handle.is_empty()).then(|| ProductKey(handle.to_owned()));
    let (width, found) = (columns.width, row.fields.len());
    let surplus = row.fields.iter().skip(width).any(|cell| !cell.trim().is_empty());
    if found < width || surplus {
        let reason = format!("{found} fields where the header has {width}: a comma or a quote is missing or too many");
        let skipped = Skipped { at: at(row.line), reason, product: key, loses: true };
        records.reject();
        return Ok(Row::Bad(skipped));
    }
    if key.is_none() {
        let reason = "the row has no handle".into();
        return Ok(Row::Bad(Skipped { at: at(row.line), reason, product: None, loses: true }));
    }
    Ok(Row::Usable(row))
}

/// The hash that decides about bits and partitions; it has a fixed key, so that runs are alike.
fn fingerprint(handle: &str) -> usize {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(handle) as usize
}

/// A set of handles that never forgets one and may take one too many for known.
struct Bits(Vec<u64>);

impl Bits {
    fn new() -> Self {
        Self(vec![0; HANDLE_BITS / 64])
    }

    fn place(handle: &str) -> (usize, u64) {
        let bit = fingerprint(handle) % HANDLE_BITS;
        (bit / 64, 1 << (bit % 64))
    }

    /// Adds a handle; `false` if it was there.
    fn add(&mut self, handle: &str) -> bool {
        let (word, bit) = Self::place(handle);
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }

    fn has(&self, handle: &str) -> bool {
        let (word, bit) = Self::place(handle);
        self.0[word] & bit != 0
    }
}

/// Rows of scattered handles on disk, dealt out by handle.
#[derive(Default)]
struct Partitions(HashMap<usize, BufWriter<SpooledTempFile>>);

impl Partitions {
    fn put(&mut self, handle: &str, row: &Record) -> io::Result<()> {
        // Other bits of the hash than the maps use, or a partition would hold few of the map's places.
        let number = (fingerprint(handle) / HANDLE_BITS) % PARTITIONS;
        let file = self.0.entry(number).or_insert_with(|| BufWriter::new(SpooledTempFile::new(PARTITION_MEMORY_BYTES)));
        file.write_all(&row.line.to_le_bytes())?;
        file.write_all(&(row.fields.len() as u64).to_le_bytes())?;
        for field in &row.fields {
            file.write_all(&(field.len() as u64).to_le_bytes())?;
            file.write_all(field.as_bytes())?;
        }
        Ok(())
    }

    /// Reads a partition's rows in their order and forgets it.
    fn drain(&mut self, number: usize, mut each: impl FnMut(Record)) -> io::Result<()> {
        let Some(file) = self.0.remove(&number) else { return Ok(()) };
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        let mut file = BufReader::new(file);
        while !file.fill_buf()?.is_empty() {
            let line = read_number(&mut file)?;
            let count = read_number(&mut file)?;
            let mut fields = Vec::new();
            for _ in 0..count {
                let mut field = vec![0; read_number(&mut file)? as usize];
                file.read_exact(&mut field)?;
                fields.push(String::from_utf8_lossy(&field).into_owned());
            }
            each(Record { line, fields });
        }
        Ok(())
    }
}

fn read_number(file: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests;
