//! One file per output format of findings. Frames need a terminal and live with the command.

pub mod github;
pub mod gitlab;
pub mod json;
pub mod sarif;
pub mod short;
