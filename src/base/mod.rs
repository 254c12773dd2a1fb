//! What every room may use: time, chance, the text of numbers, patterns, quotes, names, histograms. Imports nothing of Spindle.
pub mod extended;
pub mod glob;
pub mod grisu;
pub mod helper;
pub mod histogram;
pub mod huge;
pub mod memory;
pub mod nearest;
pub mod number;
pub mod prefetch;
pub mod quoted;
pub mod random;
pub mod time;
pub mod word;
