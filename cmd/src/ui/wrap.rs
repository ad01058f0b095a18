//! Lines that end between words.

use console::measure_text_width;

/// Lines of at most `width` columns, broken at spaces; a longer word stands alone, so that links stay whole.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && measure_text_width(&line) + 1 + measure_text_width(word) > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_links_stay_whole() {
        let text =
            "aura: Das könnte genau das Richtige für dich sein:\n\nhttps://lindgruen.example/products/leinenhemd-fjord";
        insta::assert_snapshot!(wrapped(text, 24).join("\n"), @r"
        aura: Das könnte genau
        das Richtige für dich
        sein:

        https://lindgruen.example/products/leinenhemd-fjord
        ");
    }
}
