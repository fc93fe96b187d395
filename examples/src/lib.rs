//! The programs are in the folder above; this library has the workspace's README compiled as a test.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
