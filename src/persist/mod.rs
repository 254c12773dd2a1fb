//! Data as bytes that outlive the process. `format` says what the bytes are; it reads and writes no file itself.
pub mod format;
