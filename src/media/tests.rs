//! Pictures that are well, that are hostile, and that are cut off.

use std::{io::Write as _, sync::LazyLock};

use flate2::{Compression, write::ZlibEncoder};
use image::{Frame, Rgb, RgbImage, Rgba, RgbaImage, codecs::gif::GifEncoder, metadata::Orientation};
use proptest::prelude::*;

use super::*;

/// Stands in every piece of metadata, and must stand in nothing that is written.
const CANARY: &str = "geo:52.5200,13.4050";
const RED: [u8; 3] = [220, 20, 20];
const GREEN: [u8; 3] = [20, 200, 20];
const BLUE: [u8; 3] = [20, 20, 220];
const WHITE: [u8; 3] = [240, 240, 240];

/// Red, green over blue, white.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("memory takes it");
    bytes.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&quarters(width, height).into(), ImageFormat::Jpeg)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&quarters(width, height).into(), ImageFormat::Png)
}

/// A JPEG with a segment behind its start.
fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).expect("segments are short").to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, body, &jpeg[2..]].concat()
}

/// EXIF that says how the camera was held, and where.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    // The description lies behind the directory: 8 bytes of header, 2 of count, 2 entries of 12, 4 of the next one.
    let description = entry(0x010e, 2, CANARY.len() as u32, 38_u32.to_be_bytes());
    let turned = entry(0x0112, 3, 1, [0, orientation, 0, 0]);
    [b"Exif\0\0MM\0*\0\0\0\x08\0\x02", &description[..], &turned, &[0; 4], CANARY.as_bytes()].concat()
}

/// A PNG chunk.
fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(body);
    [&(body.len() as u32).to_be_bytes()[..], name, body, &crc.sum().to_be_bytes()].concat()
}

/// A PNG with chunks behind its header.
fn with_chunks(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    const HEADER_END: usize = 8 + 25;
    [&png[..HEADER_END], &chunks.concat(), &png[HEADER_END..]].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A PNG that says it is so large, with the pixels that `rows` bytes of zero are.
fn png_of_zeros(width: u32, height: u32, bytes: usize) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let chunks = [chunk(b"IHDR", &header), chunk(b"IDAT", &deflated(&vec![0; bytes])), chunk(b"IEND", &[])];
    [&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat()].concat()
}

fn pixels(picture: &Picture) -> RgbaImage {
    let format = match picture.format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
    };
    image::load_from_memory_with_format(&picture.bytes, format).expect("we wrote it").to_rgba8()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The colours of the four quarters, rounded to what they were painted with: top left, top right, bottom left, bottom right.
fn corners(picture: &Picture) -> [[u8; 3]; 4] {
    let (pixels, w, h) = (pixels(picture), picture.width, picture.height);
    [(w / 4, h / 4), (w * 3 / 4, h / 4), (w / 4, h * 3 / 4), (w * 3 / 4, h * 3 / 4)].map(|(x, y)| {
        let seen = pixels.get_pixel(x, y).0;
        let distance = |paint: &[u8; 3]| (0..3).map(|i| u32::from(seen[i].abs_diff(paint[i]))).sum::<u32>();
        [RED, GREEN, BLUE, WHITE].into_iter().min_by_key(distance).expect("four paints")
    })
}

#[test]
fn every_format_is_written_anew_with_the_same_pixels() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let picture = Picture::read(&encoded(&quarters(64, 48).into(), format)).expect("it is well");
        assert_eq!((picture.format, picture.width, picture.height), (Format::Jpeg, 64, 48), "{format:?}");
        assert_eq!(corners(&picture), [RED, GREEN, BLUE, WHITE], "{format:?}");
        assert!(picture.bytes.starts_with(b"\xff\xd8\xff"), "{format:?}");
    }
    assert_eq!((Format::Jpeg.media_type(), Format::Png.media_type()), ("image/jpeg", "image/png"));
}

#[test]
fn a_picture_is_turned_as_its_camera_was_held() {
    for (orientation, expected) in [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
        // No orientation at all: as it is.
        (9, [RED, GREEN, BLUE, WHITE]),
    ] {
        let held = with_segment(&jpeg(64, 32), 0xe1, &exif(orientation));
        let picture = Picture::read(&held).expect("it is well");
        let on_its_side = Orientation::from_exif(orientation).is_some() && orientation >= 5;
        assert_eq!((picture.width, picture.height), if on_its_side { (32, 64) } else { (64, 32) }, "{orientation}");
        assert_eq!(corners(&picture), expected, "{orientation}");
        assert!(!holds(&picture.bytes, "Exif"), "it would be turned again");
    }
}

#[test]
fn nothing_but_pixels_is_written() {
    let text = [b"Comment\0", CANARY.as_bytes()].concat();
    let packed = [&b"Comment\0\0"[..], &deflated(CANARY.as_bytes())].concat();
    let noted =
        with_chunks(&png(8, 8), &[chunk(b"tEXt", &text), chunk(b"zTXt", &packed), chunk(b"eXIf", &exif(1)[6..])]);
    let photo = jpeg(8, 8);
    let see_through = encoded(&RgbaImage::from_pixel(8, 8, Rgba([1, 2, 3, 4])).into(), ImageFormat::Png);
    for (what, bytes) in [
        ("EXIF", with_segment(&photo, 0xe1, &exif(1))),
        ("XMP", with_segment(&photo, 0xe1, format!("http://ns.adobe.com/xap/1.0/\0{CANARY}").as_bytes())),
        ("a comment", with_segment(&photo, 0xfe, CANARY.as_bytes())),
        ("a colour profile", with_segment(&photo, 0xe2, format!("ICC_PROFILE\0\x01\x01{CANARY}").as_bytes())),
        ("what hangs on behind", [&photo[..], b"PK\x03\x04", CANARY.as_bytes()].concat()),
        ("chunks", noted),
        ("chunks of a transparent one", with_chunks(&see_through, &[chunk(b"tEXt", &text)])),
        ("what hangs on behind a PNG", [&png(8, 8)[..], CANARY.as_bytes()].concat()),
    ] {
        assert!(holds(&bytes, CANARY), "{what}");
        let picture = Picture::read(&bytes).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(!holds(&picture.bytes, CANARY) && !holds(&picture.bytes, "Comment"), "{what}");
    }
}

#[test]
fn what_can_be_seen_through_stays_so_and_an_opaque_alpha_channel_goes() {
    let half = RgbaImage::from_fn(16, 16, |x, _| Rgba([10, 200, 30, if x < 8 { 0 } else { 255 }]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let picture = Picture::read(&encoded(&half.clone().into(), format)).expect("it is well");
        assert_eq!(picture.format, Format::Png, "{format:?}");
        let pixels = pixels(&picture);
        assert_eq!((pixels.get_pixel(2, 2).0[3], pixels.get_pixel(12, 2).0[3]), (0, 255), "{format:?}");
    }
    let opaque = RgbaImage::from_pixel(16, 16, Rgba([10, 200, 30, 255]));
    let picture = Picture::read(&encoded(&opaque.into(), ImageFormat::Png)).expect("it is well");
    assert_eq!(picture.format, Format::Jpeg);
}

#[test]
fn a_large_picture_is_made_smaller_and_keeps_its_shape() {
    for ((width, height), expected) in [
        ((3_072, 1_536), (1_536, 768)),
        ((100, 4_000), (38, 1_536)),
        ((1_537, 1), (1_536, 1)),
        ((1_536, 1_536), (1_536, 1_536)),
    ] {
        let picture = Picture::read(&jpeg(width, height)).expect("it is well");
        assert_eq!((picture.width, picture.height), expected);
    }
    let small = Picture::read(&jpeg(1, 1)).expect("it is well");
    assert_eq!((small.width, small.height), (1, 1));
}

#[test]
fn colours_of_every_depth_become_the_same_eight_bits() {
    let grey = DynamicImage::ImageRgb8(quarters(16, 16)).to_luma8();
    let deep = DynamicImage::ImageRgb8(quarters(16, 16)).to_rgb16();
    let deep = Picture::read(&encoded(&DynamicImage::ImageRgb16(deep), ImageFormat::Png)).expect("it is well");
    assert_eq!(corners(&deep), [RED, GREEN, BLUE, WHITE]);
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let picture = Picture::read(&encoded(&grey.clone().into(), format)).expect("it is well");
        let seen = pixels(&picture).get_pixel(12, 12).0;
        assert!(seen[0] > 200 && seen[0] == seen[1] && seen[1] == seen[2], "{seen:?}");
    }
}

#[test]
fn bombs_are_refused_by_what_they_say_before_they_are_unpacked() {
    for (width, height) in [(100_000, 100_000), (8_193, 1), (1, 8_193), (8_192, 2_049), (u32::MAX >> 1, u32::MAX >> 1)]
    {
        let bomb = png_of_zeros(width, height, 1_000);
        let error = Picture::read(&bomb).expect_err("it is too large");
        assert_eq!(error.code(), "picture_too_large", "{width} × {height}: {error:?}");
    }
    // A GIF and a WebP that say so in their headers.
    let gif = [
        &b"GIF89a"[..],
        &[0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0, 9, 9, 9],
        &[0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 2, 0, 0x3b],
    ]
    .concat();
    assert_eq!(Picture::read(&gif).expect_err("it is too large").code(), "picture_too_large");
    let mut webp = encoded(&quarters(16, 16).into(), ImageFormat::WebP);
    let at = webp.windows(4).position(|window| window == b"VP8L").expect("a lossless picture") + 9;
    webp[at..at + 4].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]); // 16,383 × 16,383
    assert_eq!(Picture::read(&webp).expect_err("it is too large").code(), "picture_too_large");
    // Text that unpacks to 32 MiB beside a small picture is left packed.
    let text = [&b"Comment\0\0"[..], &deflated(&vec![b'a'; 32 << 20])].concat();
    let picture = Picture::read(&with_chunks(&png(8, 8), &[chunk(b"zTXt", &text)]));
    assert!(picture.is_ok_and(|picture| picture.bytes.len() < 10_000));
    assert_eq!(Picture::read(&vec![0xff; BYTES_MAX + 1]).expect_err("too large").code(), "picture_too_large");
}

#[test]
fn the_largest_picture_that_is_allowed_is_opened() {
    let rows = 2_048;
    let picture = Picture::read(&png_of_zeros(SIDE_MAX, rows, (1 + 3 * SIDE_MAX as usize) * rows as usize));
    assert_eq!(picture.map(|it| (it.width, it.height)).expect("it is just small enough"), (LONG_SIDE, 384));
}

#[test]
fn only_the_first_frame_of_an_animation_is_opened() {
    let mut bytes = Vec::new();
    let frame = |paint: [u8; 3]| Frame::new(RgbaImage::from_pixel(16, 16, Rgba([paint[0], paint[1], paint[2], 255])));
    GifEncoder::new(&mut bytes).encode_frames([RED, GREEN, BLUE].map(frame)).expect("memory takes it");
    assert_eq!(corners(&Picture::read(&bytes).expect("it is well")), [RED; 4]);
}

#[test]
fn what_is_cut_off_is_refused_and_not_painted_grey() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = encoded(&quarters(64, 64).into(), format);
        // A thumbnail in the metadata is complete by itself and changes nothing.
        let whole = if format == ImageFormat::Jpeg { with_segment(&whole, 0xe1, &jpeg(8, 8)) } else { whole };
        // The last bytes are an end mark (GIF), an IEND chunk (PNG) or padding (WebP): all pixels are there without them.
        let ends = match format {
            ImageFormat::Gif => 4,
            ImageFormat::Png => 24,
            _ => 2,
        };
        for part in 1..16 {
            let length = (whole.len() - ends) * part / 15;
            let error = Picture::read(&whole[..length]).err();
            assert!(
                matches!(error, Some(Error::Damaged(_) | Error::Format)),
                "{format:?}, {length} of {}: {error:?}",
                whole.len()
            );
        }
        assert!(Picture::read(&whole).is_ok(), "{format:?}");
    }
}

#[test]
fn what_is_no_picture_is_called_so() {
    for bytes in [
        &b""[..],
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"BM\x36\0\0\0\0\0\0\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\0\x18ftypheic\0\0\0\0",
        b"<?php echo 1;",
    ] {
        assert!(matches!(Picture::read(bytes), Err(Error::Format)), "{bytes:?}");
    }
}

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let all = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];
    all.map(|format| encoded(&quarters(24, 16).into(), format)).into()
});

proptest! {
    #[test]
    fn no_damage_does_more_than_fail(
        which in 0..4_usize, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)
    ) {
        let mut bytes = SAMPLES[which].clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(picture) = Picture::read(&bytes) {
            prop_assert!(picture.width.max(picture.height) <= LONG_SIDE);
            prop_assert_eq!(pixels(&picture).dimensions(), (picture.width, picture.height));
        }
    }
}
