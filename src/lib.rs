//! glpft
