//! How an answer is made, as pure functions: understanding, the built-in composer, the guard.
