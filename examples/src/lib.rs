//! Compiles the code in the workspace's README as a documentation test. The examples are in the folder above.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
