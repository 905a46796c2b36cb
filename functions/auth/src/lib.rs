//! GET /v2/ and everything that no other function answers.
