//! Pictures of strangers, made harmless: decoded with limits, turned upright, and written anew without anything but pixels.
//!
//! Pure and slow (tens of milliseconds for a photograph): call it on a blocking thread. What somebody sent is never
//! handed on as it came, neither to a provider nor to a person's viewer.

mod error;
mod jpeg;

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::FilterType,
};

pub use error::Error;

/// The largest file that is opened, in bytes. Meta's limit for a message's picture is 8 MB.
pub const BYTES_MAX: usize = 8 << 20;
/// The longest side that is decoded, in pixels.
pub const SIDE_MAX: u32 = 8_192;
/// The most pixels that are decoded: a 16-megapixel photograph takes 64 MiB at four bytes each.
pub const PIXELS_MAX: u64 = 16 << 20;
/// The most memory that a decoder may take for what it decodes, in bytes.
pub const DECODED_BYTES_MAX: u64 = 4 * PIXELS_MAX;
/// The long side of what is written, in pixels, at most: about as much as the models that see make use of.
pub const LONG_SIDE: u32 = 1_536;
/// Quality of the JPEG that is written, of 100: above it files grow and nobody sees a difference.
const JPEG_QUALITY: u8 = 85;

/// A picture of ours: pixels and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How it is written.
    pub format: Format,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// How a [`Picture`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Opaque.
    Jpeg,
    /// With transparent parts.
    Png,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

impl Picture {
    /// Reads a JPEG, PNG, WebP or GIF, of the last two the first frame, whatever it is called, and writes it anew: upright
    /// as its EXIF says, at most [`LONG_SIDE`] long, without metadata and without what hangs on behind.
    ///
    /// # Errors
    /// When it is none of these, is damaged or cut off, or is larger than one of the limits; sizes are looked at before
    /// anything is decoded.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > BYTES_MAX {
            return Err(Error::TooManyBytes { bytes: bytes.len() });
        }
        let picture = decode(bytes)?;
        let picture = shrink(picture);
        let (width, height) = (picture.width(), picture.height());
        let (format, bytes) = if is_transparent(&picture) {
            (Format::Png, to_png(&picture)?)
        } else {
            (Format::Jpeg, to_jpeg(&picture)?)
        };
        Ok(Self { format, width, height, bytes })
    }
}

/// The pixels, upright.
fn decode(bytes: &[u8]) -> Result<DynamicImage, Error> {
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif)) => format,
        Ok(_) | Err(_) => return Err(Error::Format),
    };
    if format == ImageFormat::Jpeg && !jpeg::is_complete(bytes) {
        return Err(Error::Damaged(None));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(Error::from_image)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > SIDE_MAX || pixels > PIXELS_MAX {
        return Err(Error::TooManyPixels { width, height });
    }
    if decoder.total_bytes() > DECODED_BYTES_MAX {
        return Err(Error::TooMuchMemory);
    }
    let orientation = decoder.orientation().map_err(Error::from_image)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(Error::from_image)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    limits
}

fn shrink(picture: DynamicImage) -> DynamicImage {
    if picture.width().max(picture.height()) <= LONG_SIDE {
        return picture;
    }
    // Ratios are kept, and no side becomes nothing.
    picture.resize(LONG_SIDE, LONG_SIDE, FilterType::CatmullRom)
}

/// Whether anything can be seen through it. An alpha channel alone says nothing: screenshots have one and are opaque.
fn is_transparent(picture: &DynamicImage) -> bool {
    picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX)
}

fn to_jpeg(picture: &DynamicImage) -> Result<Vec<u8>, Error> {
    let (pixels, mut bytes) = (picture.to_rgb8(), Vec::new());
    let written = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode(
        &pixels,
        pixels.width(),
        pixels.height(),
        ExtendedColorType::Rgb8,
    );
    written.map_err(Error::from_image)?;
    Ok(bytes)
}

fn to_png(picture: &DynamicImage) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let pixels = DynamicImage::ImageRgba8(picture.to_rgba8());
    pixels.write_with_encoder(PngEncoder::new(&mut bytes)).map_err(Error::from_image)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
