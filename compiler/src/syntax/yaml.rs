//! YAML documents as spanned nodes.
