//! Bytes and words, both ways: tokens, the lexer, the parser and its requests; replies and the output they are written
//! to. Knows no command and no store, and does no I/O.
pub mod lexer;
pub mod message;
pub mod output;
pub mod parser;
pub mod reply;
pub mod request;
pub mod token;
