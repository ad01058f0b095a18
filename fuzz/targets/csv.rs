//! A catalogue as Shopify's CSV, and whatever is told for it from its first bytes.
#![no_main]

mod catalogue;

use aura::catalog::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    catalogue::check(Format::ShopifyCsv, raw);
    catalogue::check(Format::Auto, raw);
});
