//! One file per output format of findings. The fancy format needs a terminal and lives with the command.

pub mod json;
pub mod short;
