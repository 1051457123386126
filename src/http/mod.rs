//! What every request meets, whatever it asks for: problems, access, layers, the document.

pub mod problem;
pub mod scope;
