//! Small programs that show error ticketing at work; see the `examples` targets.
