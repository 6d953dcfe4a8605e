//! Pure text to plan.
