//! The way to the terminal: a frame reaches it in one piece, so that no half of one is ever seen.

use std::{
    cell::RefCell,
    io::{self, Write},
    rc::Rc,
};

use crossterm::{
    queue,
    terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate},
};

/// Collects what is drawn until the frame is complete. Clones collect into one frame.
#[derive(Clone, Debug, Default)]
pub struct Output(Rc<RefCell<Vec<u8>>>);

impl Output {
    /// Writes what was collected to `terminal` at once, between the marks at which terminals that know them show nothing
    /// in between (`CSI ? 2026`; others pass over them). Writes nothing where nothing was collected.
    pub fn show(&self, terminal: &mut impl Write) -> io::Result<()> {
        let collected = std::mem::take(&mut *self.0.borrow_mut());
        if collected.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(collected.len() + 32);
        queue!(frame, BeginSynchronizedUpdate)?;
        frame.extend(collected);
        queue!(frame, EndSynchronizedUpdate)?;
        terminal.write_all(&frame)?;
        terminal.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Nothing leaves before the frame is complete.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Terminal(Vec<Vec<u8>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_between_its_marks() {
        let (output, mut terminal) = (Output::default(), Terminal::default());
        let mut brush = output.clone();
        for piece in ["one\n", "two", "three"] {
            brush.write_all(piece.as_bytes()).and_then(|()| brush.flush()).expect("memory takes it");
        }
        assert!(terminal.0.is_empty());
        output.show(&mut terminal).expect("memory takes it");
        assert_eq!(terminal.0, [b"\x1b[?2026hone\ntwothree\x1b[?2026l".to_vec()]);
        output.show(&mut terminal).expect("memory takes it");
        assert_eq!(terminal.0.len(), 1, "a frame without changes writes nothing");
    }
}
