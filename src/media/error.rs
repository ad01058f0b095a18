//! Why a picture is not opened, in words that can be told to whoever sent it.

use image::ImageError;

use super::{BYTES_MAX, PIXELS_MAX, SIDE_MAX};

/// Why a picture is not opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No JPEG, PNG, WebP or GIF, by its first bytes.
    #[error("this is no JPEG, PNG, WebP or GIF picture")]
    Format,
    /// The file is too large.
    #[error("the picture has {bytes} bytes, more than {} MiB", BYTES_MAX >> 20)]
    TooManyBytes {
        /// As many has it.
        bytes: usize,
    },
    /// What it unpacks to is too large.
    #[error("the picture has {width} × {height} pixels, more than {SIDE_MAX} on a side or {} million in all", PIXELS_MAX >> 20)]
    TooManyPixels {
        /// Across.
        width: u32,
        /// Down.
        height: u32,
    },
    /// Its pixels or what is packed beside them would take too much memory.
    #[error("the picture takes too much memory to open")]
    TooMuchMemory,
    /// Cut off, or not what its first bytes say.
    #[error("the picture is damaged or cut off")]
    Damaged(#[source] Option<ImageError>),
    /// It could be read and not be written, which is our fault.
    #[error("the picture cannot be written anew")]
    Unwritten(#[source] ImageError),
}

impl Error {
    pub(super) fn from_image(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooMuchMemory,
            ImageError::Encoding(_) => Self::Unwritten(error),
            ImageError::Decoding(_)
            | ImageError::Parameter(_)
            | ImageError::Unsupported(_)
            | ImageError::IoError(_) => Self::Damaged(Some(error)),
        }
    }

    /// Stable, for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format => "picture_format",
            Self::TooManyBytes { .. } | Self::TooManyPixels { .. } | Self::TooMuchMemory => "picture_too_large",
            Self::Damaged(_) => "picture_damaged",
            Self::Unwritten(_) => "picture_unwritten",
        }
    }

    /// What would help.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format => Some("Send it as JPEG or PNG."),
            Self::TooManyBytes { .. } | Self::TooManyPixels { .. } | Self::TooMuchMemory => Some("Send a smaller one."),
            Self::Damaged(_) => Some("Send it again."),
            Self::Unwritten(_) => None,
        }
    }
}
