//! Data as bytes that outlive the process. `format` says what the bytes are and knows no file; `files` is where they go and
//! come from, behind a trait with a fake; `save` and `load` bring the two together.
pub mod files;
pub mod format;
pub mod load;
pub mod save;
